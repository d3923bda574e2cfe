"""A taper that the record shows: the dose before it began, the last cut, and whether a step was not borne."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from itertools import pairwise

from cds.core.cases import Case
from cds.core.exposure import YEAR
from cds.core.order_action import Action
from cds.core.regimen import EVERY_DAY


@dataclass(frozen=True, slots=True)
class DoseLevel:
    """One daily dose that was taken, in mg, from a day on."""

    since: date
    mg: Decimal


@dataclass(frozen=True, slots=True)
class UnderWay:
    """A taper under way: the level before its first cut, the one before its last, and the one of now. Units: mg a day."""

    first: DoseLevel
    before: DoseLevel
    now: DoseLevel


def taper_under_way(case: Case) -> UnderWay | None:
    """The taper that the record shows; None where it shows none, or not clearly: another agent beside it, a dose unread, a rise.

    The dose went down, without a rise since, and no step of it lasted longer than an earlier dose is looked for.
    """
    held = _levels(case)
    within = timedelta(days=int(case.amounts["went_down_within"]))
    if not held or case.day - held[-1].since > within:
        return None
    at = len(held) - 1
    while at and held[at - 1].mg > held[at].mg and (at == len(held) - 1 or held[at + 1].since - held[at].since <= within):
        at -= 1
    return UnderWay(held[at], held[-2], held[-1]) if at < len(held) - 1 else None


def went_back_up(case: Case) -> bool:
    """Whether the dose went back up a short while ago, after a lower one, to one that was taken before."""
    held = _levels(case)
    hold = timedelta(days=int(case.amounts["held_after_going_back"]))
    return bool(held) and case.day - held[-1].since < hold and _rose_back(held, len(held) - 1, case)


def steps_not_borne(case: Case) -> int:
    """How many times within a year the dose went down and, a short while later, back up to one that was taken before."""
    held = _levels(case)
    return sum(held[at].since > case.day - timedelta(days=YEAR) and _rose_back(held, at, case) for at in range(len(held)))


def _rose_back(held: Sequence[DoseLevel], at: int, case: Case) -> bool:
    """Whether a level is higher than the one before it, and no higher than one that was left not long before."""
    if at < 2 or held[at].mg <= held[at - 1].mg:
        return False
    since = held[at].since - timedelta(days=int(case.amounts["went_down_within"]))
    return any(one.mg >= held[at].mg and after.since > since for one, after in pairwise(held[:at]))


def last_cut(case: Case, within: int) -> UnderWay | None:
    """The taper under way, where the order goes on down and the last cut was that recent; an order is written days ahead.

    Units: `within` in days.
    """
    situation = case.situation
    if situation.action is not Action.REDUCE:
        return None
    found = taper_under_way(case)
    ahead = int(case.amounts["ordered_ahead"])
    return found if found is not None and days_since(found, case) + ahead < within else None


def days_since(taper: UnderWay, case: Case) -> int:
    """Days since its last cut."""
    return (case.day - taper.now.since).days


def _levels(case: Case) -> Sequence[DoseLevel]:
    """The daily doses of the current use, one after the other; none where it can't be told what was taken, or is not daily.

    Where one order began before another ended, both are listed for some days: that is no dose that was taken.
    """
    taking, current = case.situation.taking, case.exposure.current
    if taking is None or current is None or not taking.mg or taking.days_a_week < EVERY_DAY or case.situation.switched_from:
        return ()
    if any(len(dose.mg) > 1 or dose.at_least or dose.mg.get(taking.agent) is None for dose in current.doses):
        return ()
    doses = [DoseLevel(dose.period.start, mg.high) for dose in current.doses if (mg := dose.mg[taking.agent]) is not None]
    held = list(_changes(_without_overlaps(doses)))
    return held if held and held[-1].mg == taking.mg else ()


def _without_overlaps(doses: Sequence[DoseLevel]) -> Iterator[DoseLevel]:
    for at, one in enumerate(doses):
        around = (doses[at - 1].mg, doses[at + 1].mg) if 0 < at < len(doses) - 1 else ()
        if not around or one.mg != sum(around):
            yield one


def _changes(doses: Iterator[DoseLevel]) -> Iterator[DoseLevel]:
    last: Decimal | None = None
    for one in doses:
        if one.mg != last:
            yield one
        last = one.mg
