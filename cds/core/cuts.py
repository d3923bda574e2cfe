"""How fast an ordered sequence of doses goes down, against a pace."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

Steps = Sequence[tuple[int | None, Decimal]]
"""For how many days (None, not stated), and how many mg a day, in the order in which they are taken."""

Exempt = Decimal | Callable[[Decimal], Decimal]
"""A fall that never counts, in mg a day; or what it is from each dose."""

TWO_WEEKS = 14
NOTHING_EXEMPT = Decimal(0)


class PercentOf(StrEnum):
    """Of what dose a pace's percentage is meant."""

    CURRENT = "current"
    """The dose before the cut."""
    ORIGINAL = "original"
    """The dose that was taken before the taper began."""


class Limit(StrEnum):
    """Which limit of a pace a step breaks."""

    CUT = "cut"
    """The step alone cuts more than the pace allows."""
    INTERVAL = "interval"
    """The step comes so soon after the one before that both together cut more than one step may."""


@dataclass(frozen=True, slots=True)
class PaceLimits:
    """The largest cut, in percent, and the shortest time between two such cuts, in days.

    `ceiling`, in percent: what even the smallest step of tablets may not exceed above the small-step limit, where the pace has
    one of its own.
    """

    cut_percent: Decimal
    interval_days: int
    ceiling: Decimal | None = None


@dataclass(frozen=True, slots=True)
class TooFast:
    """The first step that goes faster than the pace.

    `step` counts the ordered steps from 0; the stop after the last one has the number of steps. Units: `before` and `after`
    in mg a day, `percent` of the dose that the basis names, `days` since the cut before it (None: the first, or not stated).
    """

    step: int
    before: Decimal
    after: Decimal
    percent: Decimal
    days: int | None
    limit: Limit


@dataclass(frozen=True, slots=True)
class _Change:
    step: int
    before: Decimal
    after: Decimal
    stage: int
    """Rises at each length that is not stated: days of different stages can't be compared."""
    day: int

    def days_since(self, other: _Change) -> int | None:
        return self.day - other.day if self.stage == other.stage else None


def lengths_stated(steps: Steps) -> bool:
    """Whether every step that another follows says for how long it lasts, so that every interval is known."""
    return all(days is not None for days, _ in steps[:-1])


def largest_cut_in_two_weeks(taken_now: Decimal, steps: Steps, ends: bool, exempt_step: Exempt = NOTHING_EXEMPT) -> Decimal:
    """The largest fall of the daily dose within two weeks, in percent of the dose before it; 0 where it never falls.

    A stop is 100. Two cuts exactly two weeks apart are not within two weeks. A fall of at most `exempt_step` doesn't count.
    Assumes: a step without a stated length lasts two weeks or more, so that the answer is then the least that it can be.
    Units: doses and `exempt_step` in mg a day. `ends`: the order says that taking stops after the last step.

    >>> largest_cut_in_two_weeks(Decimal(4), [(7, Decimal(3)), (28, Decimal(2))], ends=False)
    Decimal('50')
    """
    changes = list(_changes(taken_now, steps, ends))
    largest = Decimal(0)
    for number, change in enumerate(changes):
        lowest = min(later.after for later in changes[number:] if _sooner(change, later, TWO_WEEKS))
        fall = change.before - lowest
        if fall > _exempt(exempt_step, change.before):
            largest = max(largest, _percent(fall, change.before))
    return largest


def first_too_fast(
    taken_now: Decimal,
    steps: Steps,
    ends: bool,
    pace: PaceLimits,
    exempt_step: Exempt = NOTHING_EXEMPT,
    basis: PercentOf = PercentOf.CURRENT,
    already: int = 0,
) -> TooFast | None:
    """The first step that cuts more, or sooner, than the pace allows, or None. A rise never counts; the limit itself is allowed.

    The first `already` cuts have been taken: they count for what follows, and are not found fault with.

    Within any time shorter than the pace's interval the dose may fall by the pace's percentage, or by `exempt_step` where that is
    more: the step that tablets can't make smaller. So many small cuts are as good as one that they add up to.
    Units: doses and `exempt_step` in mg a day. `ends`: the order says that taking stops after the last step.
    """
    cuts = [change for change in _changes(taken_now, steps, ends) if change.after < change.before]
    original = taken_now or max((mg for _, mg in steps), default=taken_now)
    for number, cut in enumerate(cuts):
        if number < already:
            continue
        for earlier in reversed(cuts[: number + 1]):
            if not _sooner(earlier, cut, pace.interval_days):
                break
            fall = earlier.before - cut.after
            of = earlier.before if basis is PercentOf.CURRENT else original
            if fall > _exempt(exempt_step, earlier.before) and _percent(fall, of) > pace.cut_percent:
                limit = Limit.CUT if earlier is cut else Limit.INTERVAL
                percent = _percent(cut.before - cut.after, cut.before if basis is PercentOf.CURRENT else original)
                since = cut.days_since(cuts[number - 1]) if number else None
                return TooFast(cut.step, cut.before, cut.after, percent, since, limit)
    return None


def _exempt(exempt_step: Exempt, before: Decimal) -> Decimal:
    return exempt_step if isinstance(exempt_step, Decimal) else exempt_step(before)


def _changes(taken_now: Decimal, steps: Steps, ends: bool) -> Iterator[_Change]:
    before, stage, day = taken_now, 0, 0
    for step, (days, mg) in enumerate([*steps, (None, Decimal(0))] if ends else steps):
        if mg != before:
            yield _Change(step, before, mg, stage, day)
        before = mg
        if days is None:
            stage, day = stage + 1, 0
        else:
            day += days


def _sooner(earlier: _Change, later: _Change, days: int) -> bool:
    between = later.days_since(earlier)
    return between is not None and between < days


def _percent(fall: Decimal, dose: Decimal) -> Decimal:
    return fall * 100 / dose
