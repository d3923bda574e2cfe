"""Regimens of one agent that are taken side by side, such as the strengths of one taper, as one regimen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal
from itertools import pairwise

from cds.core.period import shifted
from cds.core.quantity import Range
from cds.core.regimen import NOTHING, Basis, DayTime, Dose, Regimen, RegimenStep


def together(regimens: Sequence[Regimen | None]) -> Regimen | None:
    """Concurrent orders of one agent as one regimen. None where any could not be read, or it can't be told which steps meet.

    Several orders that each hold one dose add up. Where several change by date, such as the strengths of one taper, they add up
    day by day; without dates, step by step, where each step lasts as long in all of them. Where only one of them is a taper, the
    others' doses are added to each step.
    """
    known = [regimen for regimen in regimens if regimen is not None]
    if not known or len(known) < len(regimens):
        return None
    changing = [regimen for regimen in known if len(regimen.steps) > 1 or regimen.stops]
    if len(known) > 1 and changing and (dated := side_by_side(known)) is not None:
        return dated
    longest = max(known, key=lambda regimen: len(regimen.steps))
    others = [regimen for regimen in known if regimen is not longest]
    if any(len(regimen.steps) > 1 and not _in_step(regimen, longest) for regimen in others):
        return None
    steps = tuple(
        replace(step, dose=added(step.dose, [other.steps[min(at, len(other.steps) - 1)].dose for other in others]))
        for at, step in enumerate(longest.steps)
    )
    return Regimen(steps, all(regimen.ends for regimen in known), stops=all(regimen.stops for regimen in known))


def _in_step(one: Regimen, other: Regimen) -> bool:
    """Whether two regimens without dates change together: as many steps, each as long in both, and both or neither then stop."""
    dated = any(step.start for step in (*one.steps, *other.steps))
    lengths = [step.days for step in one.steps] == [step.days for step in other.steps]
    return not dated and lengths and None not in [step.days for step in one.steps[:-1]] and one.stops == other.stops


def added(dose: Dose, others: Sequence[Dose]) -> Dose:
    """One dose with others that are taken on the same days."""
    for other in others:
        dose = replace(
            dose,
            mg=dose.mg + other.mg,
            days_a_week=max(dose.days_a_week, other.days_a_week),
            as_needed=dose.as_needed and other.as_needed,
            says=" + ".join(part for part in (dose.says, other.says) if part),
            times=(*dose.times, *other.times),
        )
    return dose


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
    steps = [RegimenStep(dose, day, (after - day).days) for (day, after), dose in zip(pairwise(days), sums, strict=False)]
    if not stops:
        steps.append(RegimenStep(sums[-1], days[-1]))
    return Regimen(tuple(steps), stops or all(regimen.ends for regimen in regimens), stops=stops)


def _stops_on(regimen: Regimen) -> date | None:
    """The first day without a dose, where the regimen says that taking stops and its last step has a length."""
    last = regimen.steps[-1]
    if not regimen.stops or last.start is None or last.days is None:
        return None
    return shifted(last.start, last.days)


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
