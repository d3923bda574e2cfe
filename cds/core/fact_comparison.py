"""Which facts are worse than they were, by what is worse for each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from cds.core.facts import Fact, Facts, FactValue, Known, Unknown


class Worse(StrEnum):
    """When a fact that changed is worse than it was."""

    HIGHER = "higher"
    LOWER = "lower"
    NEWLY_YES = "newly_yes"
    NEWLY_NO = "newly_no"
    OTHER = "other"
    NOT_COMPARED = "not_compared"


@dataclass(frozen=True, slots=True)
class FactComparison:
    """How one fact is compared.

    `ranks` are the values of a choice from the least on, by which it is higher or lower. A fact that `must_be_known` can't be
    compared while it is unknown; of any other one, what was not known then and is not known now is no difference.
    """

    worse: Worse = Worse.OTHER
    ranks: tuple[str, ...] = ()
    must_be_known: bool = False


def worsened(then: Facts, now: Facts, ways: Mapping[str, FactComparison]) -> tuple[str, ...]:
    """The names of the facts that are worse now than they were then. What can't be compared counts as worse.

    A fact without a way is worse as soon as it is another.
    """
    names = dict.fromkeys((*now, *then))
    return tuple(name for name in names if _is_worse(then.get(name), now.get(name), ways.get(name, FactComparison())))


def _is_worse(then: Fact | None, now: Fact | None, way: FactComparison) -> bool:
    if way.must_be_known and not (isinstance(then, Known) and isinstance(now, Known)):
        return True
    if way.worse is Worse.NOT_COMPARED:
        return False
    if then is None or now is None:
        return True
    if isinstance(now, Unknown):
        return isinstance(then, Known)
    if now.value is {Worse.NEWLY_YES: False, Worse.NEWLY_NO: True}.get(way.worse):
        return False
    return isinstance(then, Unknown) or _turned(then.value, now.value, way)


def _turned(then: FactValue, now: FactValue, way: FactComparison) -> bool:
    """Whether a known value is worse than a known one was."""
    if then == now:
        return False
    before, after = _height(then, way), _height(now, way)
    if before is None or after is None:
        return True
    return {Worse.HIGHER: after > before, Worse.LOWER: after < before}.get(way.worse, True)


def _height(value: FactValue, way: FactComparison) -> Decimal | None:
    """How high an amount or a ranked choice is; None for a value that is neither higher nor lower than another."""
    if isinstance(value, Decimal):
        return value
    return Decimal(way.ranks.index(value)) if isinstance(value, str) and value in way.ranks else None
