"""Facts made ready for the rules: each of its vocabulary's type, and assumed no where the vocabulary says so."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal

from cds.core.facts import Fact, Facts, FactValue, Known, Unknown
from cds.engine.reference import NOT_GIVEN, comparable
from cds.knowledge.model import FactDefinition, FactType, IfMissing

ASSUMED = "assumed, since "
"""How the basis of a fact begins that nobody gave."""


class Ready(dict[str, Fact]):
    """Facts made ready. `compared` holds the known ones as they are compared."""

    __slots__ = ("compared",)

    def __init__(self) -> None:
        super().__init__()
        self.compared: dict[str, int | str] = {}


def prepared(facts: Facts, vocabulary: Mapping[str, FactDefinition]) -> Ready:
    """A fact for each word of the vocabulary; both evaluators see only these.

    Assumes no (0 of a quantity) only where the vocabulary says `if_missing: assume no` and the data was not given: an
    unknown that rests on a resource was given, and could not be read. A value of another type than the vocabulary's is unknown.
    """
    ready = Ready()
    for name, word in vocabulary.items():
        found = facts.get(name, NOT_GIVEN)
        if isinstance(found, Unknown) and word.if_missing is IfMissing.ASSUME_NO and not found.resources:
            nothing = False if word.type is FactType.YES_NO else Decimal(0)
            found = Known(nothing, f"{ASSUMED}{found.reason}")
        if isinstance(found, Known):
            value = _compared(found.value, word)
            if value is None:
                found = Unknown("its value could not be used", found.resources)
            else:
                ready.compared[name] = value
        ready[name] = found
    return ready


def _compared(value: FactValue, definition: FactDefinition) -> int | str | None:
    """The value as it is compared; None where it is not of the fact's type, or a choice none of its choices."""
    if definition.type is FactType.YES_NO:
        fits = isinstance(value, bool)
    elif definition.type is FactType.QUANTITY:
        fits = isinstance(value, Decimal) and value.is_finite()
    elif definition.type is FactType.DATE:
        fits = isinstance(value, date)
    else:
        fits = isinstance(value, str) and (definition.type is FactType.TEXT or value in definition.choices)
    return comparable(value) if fits else None
