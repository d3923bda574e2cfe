"""Dated regimens of one agent that are taken side by side, such as the strengths of one taper, as one regimen."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal
from itertools import pairwise

from cds.core.quantity import Range
from cds.core.regimen import NOTHING, Basis, DayTime, Dose, Regimen, Step


def side_by_side(regimens: Sequence[Regimen]) -> Regimen | None:
    """What is taken in all, with a step for each day on which a dose changes. None where some step has no date.

    A regimen that doesn't say it stops goes on with its last dose.
    """
    starts = [step.start for regimen in regimens for step in regimen.steps]
    dated = [day for day in starts if day is not None]
    if not dated or len(dated) < len(starts):
        return None
    days = sorted({*dated, *(end for regimen in regimens if (end := _stops_on(regimen)) is not None)})
    sums = [_sum([dose for regimen in regimens if (dose := _on(regimen, day)) is not None]) for day in days]
    stops = all(_stops_on(regimen) is not None for regimen in regimens)
    steps = [Step(dose, day, (after - day).days) for (day, after), dose in zip(pairwise(days), sums, strict=False)]
    if not stops:
        steps.append(Step(sums[-1], days[-1]))
    return Regimen(tuple(steps), stops or all(regimen.ends for regimen in regimens), stops=stops)


def _stops_on(regimen: Regimen) -> date | None:
    """The first day without a dose, where the regimen says that taking stops and its last step has a length."""
    last = regimen.steps[-1]
    if not regimen.stops or last.start is None or last.days is None:
        return None
    return last.start + timedelta(days=last.days)


def _on(regimen: Regimen, day: date) -> Dose | None:
    """The dose on a day; None before the first step and after the last."""
    end = _stops_on(regimen)
    if end is not None and day >= end:
        return None
    begun = [step for step in regimen.steps if step.start is not None and step.start <= day]
    return begun[-1].dose if begun else None


def _sum(doses: Sequence[Dose]) -> Dose:
    """The doses of one day together. A dose of nothing adds nothing, at no time of day."""
    taken = [dose for dose in doses if dose.mg.high > 0]
    if len(taken) < 2:
        return taken[0] if taken else NOTHING
    times = {part: Decimal(0) for part in DayTime}
    for part, mg in (time for dose in taken for time in dose.times):
        times[part] += mg
    return Dose(
        mg=Range(sum((dose.mg.low for dose in taken), Decimal(0)), sum((dose.mg.high for dose in taken), Decimal(0))),
        days_a_week=max(dose.days_a_week for dose in taken),
        as_needed=all(dose.as_needed for dose in taken),
        basis=max((dose.basis for dose in taken), key=list(Basis).index),
        times=tuple((part, mg) for part, mg in times.items() if mg) if all(dose.times for dose in taken) else (),
        says=" + ".join(dose.says for dose in taken if dose.says),
    )
