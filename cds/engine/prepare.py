"""Facts made ready for the rules: each of its vocabulary's type, and assumed no where the vocabulary says so."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal

from cds.core.facts import Fact, Facts, FactValue, Known, Unknown
from cds.engine.evaluate import NOT_GIVEN, comparable
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
        if isinstance(found, Known) and not fits(found.value, word):
            found = Unknown("its value could not be used", found.resources)
        elif isinstance(found, Unknown) and word.if_missing is IfMissing.ASSUME_NO and not found.resources:
            nothing = False if word.type is FactType.YES_NO else Decimal(0)
            found = Known(nothing, f"{ASSUMED}{found.reason}")
        ready[name] = found
        if isinstance(found, Known):
            ready.compared[name] = comparable(found.value)
    return ready


def fits(value: FactValue, definition: FactDefinition) -> bool:
    """Whether the value is of the fact's type, and a choice one of its choices."""
    if definition.type is FactType.QUANTITY:
        return isinstance(value, Decimal) and value.is_finite()
    if definition.type is FactType.YES_NO:
        return isinstance(value, bool)
    if definition.type is FactType.DATE:
        return isinstance(value, date)
    return isinstance(value, str) and (definition.type is FactType.TEXT or value in definition.choices)
