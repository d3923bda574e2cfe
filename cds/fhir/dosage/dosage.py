"""What an order tells the patient to take: its dosages, or else quantity over days supplied, as a regimen.

Several dosages. The same sequence number, or none, means taken together: they are summed. Different numbers mean one after the
other, as FHIR says. Some systems number lines that are taken together; numbered lines without bounds are summed only where each
says its part of the day and no two share one. Lines with no numbers follow on each other where their periods do. A line that
can't be read leaves the whole order unread: no sum is shown that may lack a part. An order ends where its last step has a
stated length, a count or "then stop"; the end of a boundsPeriod is often only the order's validity, so it doesn't say so.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Any

from cds.core.gap import Gap, GapKind, Reading
from cds.core.medication import Medication
from cds.core.quantity import Range
from cds.core.regimen import Basis, DayTime, Dose, Regimen, RegimenStep
from cds.fhir import json_access as views
from cds.fhir.dosage.coded_dosage import DoseReader
from cds.fhir.dosage.dosage_line import DosageLine, line
from cds.fhir.dosage.supplied_dose import supplied
from cds.fhir.dosage.unreadable import ReadingLimits, Unreadable, contradiction, reading_limits
from cds.fhir.json_access import Json
from cds.knowledge.files.dosing import Dosing

__all__ = ["ReadingLimits", "reading_limits", "regimen"]

NO_DOSAGE = "No dosage was given."
ORDER_UNCLEAR = (
    "The order has several dosage lines, and it could not be told whether they are taken together or one after the other."
)
TWICE = "The order has two dosage lines that may be the same dose written twice."


def regimen(
    resource: Mapping[str, Any], medication: Medication, dosing: Dosing, limits: ReadingLimits, reference: str
) -> Reading[Regimen]:
    """The doses that a MedicationRequest, MedicationDispense or MedicationStatement tells to take, or a gap that says why not."""
    reader = DoseReader(medication, dosing, limits)
    try:
        lines = _dosages(resource, reader)
        notes = dict.fromkeys(each.note for each in lines if each.note)
        return Reading(_together(lines), tuple(Gap(GapKind.TEXT, note, reference) for note in notes))
    except Unreadable as error:
        if not error.silent:
            return error.reading(reference)
        unread = error
    try:
        supply = supplied(resource, reader)
    except Unreadable as error:
        return error.reading(reference)
    return Reading(supply) if supply else unread.reading(reference)


def _dosages(resource: Json, reader: DoseReader) -> list[DosageLine]:
    given = views.objects(resource, "dosageInstruction") or views.objects(resource, "dosage")
    rows = [row for row in given if row]
    if not rows:
        if not given and (resource.get("dosageInstruction") or resource.get("dosage")):
            raise Unreadable("The dosage could not be read.", silent=True)
        raise Unreadable(NO_DOSAGE, silent=True)
    return [line(row, reader) for row in rows]


def _together(lines: list[DosageLine]) -> Regimen:
    """The lines as steps."""
    if len(lines) == 1:
        return _alone(lines[0])
    if any(len(each.steps) > 1 for each in lines):
        raise Unreadable(ORDER_UNCLEAR)
    groups = _groups(lines)
    sums = [_sum(group) for group in groups]
    last = groups[-1]
    ends, stops = all(each.ends for each in last), all(each.stops for each in last)
    return Regimen(tuple(_dated(sums)), ends, _count(lines), stops)


def _count(lines: list[DosageLine]) -> int | None:
    counts = [each.single for each in lines if each.single is not None]
    return sum(counts) if len(counts) == len(lines) else None


def _alone(only: DosageLine) -> Regimen:
    starts = only.bounds.start
    steps = []
    for step in only.steps:
        steps.append(RegimenStep(step.dose, starts, step.days))
        starts = _later(starts, step.days)
    return Regimen(tuple(steps), only.ends or only.single is not None, only.single, only.stops)


def _later(start: date | None, days: int | None) -> date | None:
    """The day so many days later; None where either is not known or the calendar ends."""
    try:
        return start + timedelta(days=days) if start is not None and days is not None else None
    except OverflowError:
        return None


def _groups(lines: list[DosageLine]) -> list[list[DosageLine]]:
    """The lines that are taken together, in the order in which the groups are taken."""
    numbers = {each.sequence for each in lines}
    if None in numbers and len(numbers) > 1:
        raise Unreadable(ORDER_UNCLEAR)
    if len(numbers) > 1:
        if _apart_in_the_day(lines) and not any(_bounded(each) for each in lines):
            return [lines]
        return [[each for each in lines if each.sequence == number] for number in sorted(n for n in numbers if n is not None)]
    if len({(each.bounds.start, each.bounds.end, each.bounds.days, each.steps[0].days) for each in lines}) == 1:
        if any(_bounded(each) for each in lines) and not (lines[0].bounds.start or _apart_in_the_day(lines)):
            raise Unreadable(ORDER_UNCLEAR)
        return [lines]
    return _by_period(lines)


def _bounded(each: DosageLine) -> bool:
    return each.bounds.days is not None or each.steps[0].days is not None


def _by_period(lines: list[DosageLine]) -> list[list[DosageLine]]:
    """Lines whose periods follow on each other, each period a group. Refuses periods that overlap or have no dates."""
    if any(each.bounds.start is None for each in lines):
        raise Unreadable(ORDER_UNCLEAR)
    periods: dict[Any, list[DosageLine]] = {}
    for each in sorted(lines, key=lambda other: other.bounds.start or date.min):
        periods.setdefault((each.bounds.start, each.bounds.days), []).append(each)
    groups = list(periods.values())
    for earlier, later in pairwise(groups):
        last = _later(earlier[0].bounds.start, (earlier[0].bounds.days or 0) - 1)
        following = later[0].bounds.start
        if earlier[0].bounds.days is None or last is None or following is None or last > following:
            raise Unreadable(ORDER_UNCLEAR)
        if following == earlier[0].bounds.start:
            raise Unreadable(ORDER_UNCLEAR)
    return groups


def _apart_in_the_day(lines: list[DosageLine]) -> bool:
    """Whether every line says its part of the day, and no two share one."""
    seen: list[DayTime] = []
    for each in lines:
        parts = [part for part, _ in each.steps[0].dose.times]
        if not parts or set(parts) & set(seen):
            return False
        seen += parts
    return True


def _sum(group: list[DosageLine]) -> tuple[Dose, DosageLine]:
    """The dose of lines taken together."""
    if len(group) == 1:
        return group[0].steps[0].dose, group[0]
    doses = [each.steps[0].dose for each in group]
    if not _apart_in_the_day(group) and len(
        {(dose.mg, dose.days_a_week, each.weekdays) for dose, each in zip(doses, group, strict=True)}
    ) < len(group):
        raise contradiction(TWICE)
    return _added(doses, [each.weekdays for each in group]), group[0]


def _added(doses: list[Dose], weekdays: list[frozenset[str]]) -> Dose:
    """The sum of doses on the same days; of doses on different named days, the range of both."""
    basis = max((dose.basis for dose in doses), key=list(Basis).index)
    says = " + ".join(sorted(dose.says for dose in doses))
    needed = all(dose.as_needed for dose in doses)
    named = frozenset[str]().union(*weekdays)
    if len({dose.days_a_week for dose in doses}) == 1 and len(set(weekdays)) == 1:
        mg = Range(sum((dose.mg.low for dose in doses), Decimal(0)), sum((dose.mg.high for dose in doses), Decimal(0)))
        times: dict[DayTime, Decimal] = {}
        for part, amount in [time for dose in doses for time in dose.times] if all(dose.times for dose in doses) else []:
            times[part] = times.get(part, Decimal(0)) + amount
        return Dose(
            mg, doses[0].days_a_week, needed, basis, tuple((part, times[part]) for part in DayTime if part in times), says
        )
    if all(weekdays) and sum(len(days) for days in weekdays) == len(named):
        mg = Range(min(dose.mg.low for dose in doses), max(dose.mg.high for dose in doses))
        return Dose(mg, Decimal(len(named)), needed, basis, (), says)
    raise Unreadable("The order has dosage lines on different days, and the daily dose could not be told.")


def _dated(sums: list[tuple[Dose, DosageLine]]) -> list[RegimenStep]:
    """The steps with their start and length; a step lasts at most until the next begins."""
    steps = [RegimenStep(dose, each.bounds.start, each.steps[0].days) for dose, each in sums]
    for index, (step, following) in enumerate(pairwise(tuple(steps))):
        if step.start is not None and following.start is not None:
            if following.start <= step.start:
                raise contradiction("The steps of the order are numbered in another order than their dates.")
            steps[index] = replace(step, days=(following.start - step.start).days)
    return steps
