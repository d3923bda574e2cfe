"""Amounts in one step of a sig, each for how bad it is: "1 tablet for moderate, 2 for severe pain". The highest one counts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from decimal import Decimal

from cds.fhir.dosage.dose_statement import Intake, Said
from cds.fhir.dosage.dose_units import BARE, PRODUCT, WrittenDose
from cds.fhir.dosage.sig_doses import UNCLEAR
from cds.fhir.dosage.sig_step import AMOUNT_KINDS, QUIET, StepReader
from cds.fhir.dosage.sig_words import Token
from cds.fhir.dosage.timing import Timing
from cds.fhir.dosage.unreadable import ReadingLimits, Unreadable
from cds.knowledge.files.dosing import Dosing

_NOT_ALONE = frozenset({"most", "up_to", "total", "open", "repeat"})


def said(segment: Sequence[Token], dosing: Dosing, limits: ReadingLimits) -> Said:
    """What a step says: of amounts by severity the highest, as needed; else all of it."""
    parts = _by_severity(segment)
    if len(parts) < 2:
        return StepReader(list(segment), dosing, limits).said()
    return _highest([StepReader(part, dosing, limits).said() for part in parts])


def _by_severity(segment: Sequence[Token]) -> list[list[Token]]:
    """The tokens of each amount with its severity. Refuses some amounts with one and some without."""
    parts: list[list[Token]] = [[]]
    last = ""
    for token in segment:
        if token.kind in AMOUNT_KINDS and last not in _NOT_ALONE and any(other.kind == "severity" for other in parts[-1]):
            while parts[-1] and parts[-1][-1].kind in {"or", "and", "comma"}:
                parts[-1].pop()
            parts.append([])
        parts[-1].append(token)
        last = token.kind if token.kind not in QUIET else last
    if len(parts) > 1 and not all(any(token.kind == "severity" for token in part) for part in parts):
        raise Unreadable(UNCLEAR)
    return parts


def _highest(parts: Sequence[Said]) -> Said:
    """The largest dose of a day among those of the severities; a time that only one names holds for all."""
    if any(len(part.intakes) != 1 or part.intakes[0].amount is None or part.single or part.days or part.total for part in parts):
        raise Unreadable(UNCLEAR)
    timings = {part.intakes[0].timing for part in parts if part.intakes[0].timing is not None}
    if len(timings) != 1 and any(part.intakes[0].timing is None for part in parts):
        raise Unreadable(UNCLEAR)
    shared = next(iter(timings), None)
    intakes = [Intake(part.intakes[0].amount, part.intakes[0].timing or shared) for part in parts]
    amounts = _alike(intake.amount for intake in intakes if intake.amount)
    times = [(intake.timing or Timing()).settled() for intake in intakes]
    if len({(timing.days, timing.parts, timing.weekdays) for timing in times}) > 1:
        raise Unreadable(UNCLEAR)
    at = max(range(len(parts)), key=lambda index: (amounts[index].high * (times[index].high or Decimal(1)), -index))
    caps = {part.cap for part in parts if part.cap is not None}
    if len(caps) > 1:
        raise Unreadable(UNCLEAR)
    return replace(parts[at], intakes=(Intake(amounts[at], intakes[at].timing),), as_needed=True, cap=next(iter(caps), None))


def _alike(found: Iterable[WrittenDose]) -> list[WrittenDose]:
    """The amounts, all in one unit: a bare number counts what the others count."""
    amounts = list(found)
    units = {amount.unit for amount in amounts} - {BARE}
    counted = all(unit.measures == PRODUCT.measures for unit in units)
    if len(units) > 1 or any(amount.also or amount.each for amount in amounts):
        raise Unreadable(UNCLEAR)
    if not counted and any(amount.unit is BARE for amount in amounts):
        raise Unreadable(UNCLEAR)
    unit = next(iter(units), BARE)
    return [replace(amount, unit=unit) for amount in amounts]
