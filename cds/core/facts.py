"""Facts: the typed answers that a rule may ask about, each known, or unknown with a reason."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

FactValue = Decimal | bool | str | date


@dataclass(frozen=True, slots=True)
class Known:
    """A fact's value, what in the record it rests on, and the resources it stands in.

    Units: a Decimal is in the unit that `rules/vocabulary.yaml` gives the fact; a choice is text; a yes_no is a bool.
    """

    value: FactValue
    because: str = ""
    resources: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Unknown:
    """Why a fact is not known, in words that finish "is not known: "."""

    reason: str
    resources: tuple[str, ...] = ()


Fact = Known | Unknown
Facts = Mapping[str, Fact]
