"""An ordered taper, step by step beside a pace: what each step cuts, how soon, and which one is the first that is too fast."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from cds.core.cuts import NOTHING_EXEMPT, PaceLimits, PercentOf, Steps, TooFast, first_too_fast
from cds.core.plan import TaperPace


@dataclass(frozen=True, slots=True)
class OrderedStep:
    """One ordered step.

    Units: `day` counts from the first step, 0, and is None after a step whose length is not stated; `daily` in mg;
    `cut` in percent of the dose before it (a rise is negative) and `cut_of_basis` in percent of what the pace's basis names.
    """

    day: int | None
    days: int | None
    daily: Decimal
    cut: Decimal
    cut_of_basis: Decimal
    too_fast: bool
    """The first that is; those after it are not judged, since they follow from a dose that should not have been reached."""


@dataclass(frozen=True, slots=True)
class JudgedTaper:
    """The ordered steps, the stop at the end among them where one is ordered, and the first that is too fast."""

    steps: tuple[OrderedStep, ...]
    first: TooFast | None


def judge(takes: Decimal, steps: Steps, ends: bool, pace: TaperPace, exempt_step: Decimal = NOTHING_EXEMPT) -> JudgedTaper:
    """The ordered taper beside a pace. Which step is too fast first is `first_too_fast`'s word, so that card and table agree.

    Units: `takes` and `exempt_step`, the fall that never counts, in mg a day. `ends`: the order says that taking stops.
    """
    first = first_too_fast(takes, steps, ends, PaceLimits(pace.cut, pace.interval), exempt_step, pace.basis)
    judged = []
    before = takes
    day: int | None = 0
    for number, (days, daily) in enumerate([*steps, (None, Decimal(0))] if ends else steps):
        of = before if pace.basis is PercentOf.CURRENT else takes
        too_fast = first is not None and first.step == number
        judged.append(OrderedStep(day, days, daily, _percent(before - daily, before), _percent(before - daily, of), too_fast))
        before, day = daily, None if day is None or days is None else day + days
    return JudgedTaper(tuple(judged), first)


def _percent(fall: Decimal, dose: Decimal) -> Decimal:
    return fall * 100 / dose if dose else Decimal(0)
