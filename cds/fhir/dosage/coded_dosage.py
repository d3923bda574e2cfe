"""The coded elements of one FHIR Dosage: dose, timing, as needed, and the most that may be taken."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from decimal import Decimal

from cds.core.medication import Medication
from cds.core.quantity import Range
from cds.core.regimen import Basis, Dose
from cds.fhir import json_access as views
from cds.fhir.dosage.dose_statement import Cap, Intake, Said, dose
from cds.fhir.dosage.dose_units import NO_CONCENTRATION, NO_STRENGTH, WrittenDose, in_mg, quantity_amount, range_amount
from cds.fhir.dosage.sig_step import CHANGES
from cds.fhir.dosage.sig_text import sig
from cds.fhir.dosage.timing import DAY, Timing, doses_in_all, repeat_timing
from cds.fhir.dosage.unreadable import ReadingLimits, Unreadable, contradiction
from cds.fhir.json_access import Json
from cds.knowledge.files.dosing import Dosing


@dataclass(frozen=True, slots=True)
class DoseReader:
    """What reading a dosage needs besides the dosage."""

    medication: Medication
    dosing: Dosing
    limits: ReadingLimits

    def dose(self, said: Said, basis: Basis) -> Dose:
        return dose(said, self.medication, self.limits, basis)

    def mg(self, amount: WrittenDose) -> Range | None:
        """The amount in mg, or None where only the product's strength is missing."""
        try:
            return in_mg(amount, self.medication, self.limits)
        except Unreadable as error:
            if error.says in {NO_STRENGTH, NO_CONCENTRATION}:
                return None
            raise

    @property
    def names(self) -> frozenset[str]:
        """The words of the drug's own name, which say nothing of its dose."""
        words = re.findall(
            r"[a-z]{4,}", " ".join((self.medication.name, self.medication.agent or "", *self.medication.ingredients)).lower()
        )
        return frozenset(word for word in words if word not in self.dosing.literals)


def as_needed(dosage: Json) -> bool:
    """Whether the dosage is coded as needed. `asNeededBoolean: false` says no."""
    if dosage.get("asNeededBoolean") is True or dosage.get("asNeeded") is True:
        return True
    return bool(views.child(dosage, "asNeededCodeableConcept") or views.objects(dosage, "asNeededFor"))


def structure(dosage: Json, reader: DoseReader) -> Said:
    """What the coded elements say, complete or not."""
    timing = views.child(dosage, "timing")
    repeat = views.child(timing, "repeat")
    if views.absent(dosage, "asNeededBoolean") or views.absent(dosage, "asNeeded") or views.any_absent(timing):
        raise Unreadable("The dosage says that a part of it is not known.")
    reason = views.child(dosage, "asNeededCodeableConcept")
    if reason and set(reason) <= {"extension", "id"}:
        raise Unreadable("The dosage says that a part of it is not known.")
    when = _both_timings(repeat_timing(repeat, reader.dosing, reader.limits), _coded_timing(timing, reader))
    amount = _amount(dosage, reader)
    single = doses_in_all(timing, repeat)
    said = Said(
        (Intake(amount, when.timing if when else None),) if amount or when else (),
        as_needed(dosage) or bool(when and when.as_needed),
        _cap(dosage, reader),
        single=single if single is not None else (when.single if when else None),
    )
    _check_one_dose(dosage, said, reader)
    return said


@dataclass(frozen=True, slots=True)
class _Coded:
    timing: Timing | None
    as_needed: bool = False
    single: int | None = None


def _coded_timing(timing: Json, reader: DoseReader) -> _Coded | None:
    """What Timing.code says, by its code or in words ("Q6H:PRN"). None for a code that is not known."""
    code = timing.get("code")
    if isinstance(code, str):
        code = {"text": code}
    spelled = [reader.dosing.timing_codes.get(value.upper(), value) for _, value, _ in views.codings(code)]
    spelled += [display for _, _, display in views.codings(code) if display]
    spelled += [text for text in (views.text(code, "text"),) if text]
    readings = [reading for text in spelled if (reading := _timing_words(text, reader)) is not None]
    settled = {reading.timing.settled() if reading.timing else None for reading in readings}
    if len({(t.low, t.high, t.days) for t in settled if t}) > 1:
        raise contradiction("The code of the timing and its words say different things.")
    if spelled and not readings:
        return None
    return next(iter(readings), None)


def _timing_words(text: str, reader: DoseReader) -> _Coded | None:
    try:
        found = sig(text, reader.dosing, reader.limits)
    except Unreadable as error:
        if error.silent:
            return None
        raise
    if not found.steps:
        raise Unreadable(CHANGES)
    step = found.steps[0]
    if len(found.steps) > 1 or len(step.intakes) > 1 or any(intake.amount for intake in step.intakes):
        return None
    timing = step.intakes[0].timing if step.intakes else None
    return _Coded(timing, step.as_needed, step.single) if timing or step.single or step.as_needed else None


def _both_timings(repeat: Timing | None, code: _Coded | None) -> _Coded | None:
    """The timing by its structure and its code, which must agree where both say how often."""
    if code is None or code.timing is None:
        return replace(code, timing=repeat) if code else _Coded(repeat) if repeat else None
    if repeat is None:
        return code
    if not _same_timing(repeat, code.timing):
        raise contradiction("The code of the timing and its structure say different things.")
    return _Coded(
        repeat if repeat.parts or repeat.weekdays else replace(code.timing, weekdays=repeat.weekdays), code.as_needed, code.single
    )


def _same_timing(one: Timing, other: Timing) -> bool:
    first, second = one.settled(), other.settled()
    return (first.low, first.high, first.days) == (second.low, second.high, second.days)


def _amount(dosage: Json, reader: DoseReader) -> WrittenDose | None:
    """The dose. Of several kinds of dose the ordered one counts; several without a kind must be the same."""
    rows = views.objects(dosage, "doseAndRate")
    if any(key.startswith(("rate", "maxDosePerLifetime")) for row in (*rows, dosage) for key in row):
        raise Unreadable("The dose is given as a rate or for a lifetime.")
    rows = [row for row in rows if views.child(row, "doseQuantity") or views.child(row, "doseRange")]
    ordered = [row for row in rows if any(code.lower() == "ordered" for _, code, _ in views.codings(row.get("type")))]
    amounts = [_one_amount(row, reader) for row in (ordered or rows)]
    amounts += [_one_amount(dosage, reader)] if views.child(dosage, "doseQuantity") or views.child(dosage, "doseRange") else []
    if not amounts:
        for row in (*views.objects(dosage, "doseAndRate"), dosage):
            if row.get("doseQuantity") is not None or row.get("doseRange") is not None:
                raise Unreadable("The dose is not a quantity that could be read.")
        return None
    first = amounts[0]
    if len(amounts) > 1 and any(
        reader.mg(other) != reader.mg(first) or (reader.mg(first) is None and other != first) for other in amounts[1:]
    ):
        raise contradiction("The order holds several different doses and does not say which is ordered.")
    return first


def _one_amount(row: Json, reader: DoseReader) -> WrittenDose:
    if views.child(row, "doseQuantity"):
        return quantity_amount(views.child(row, "doseQuantity"), reader.dosing)
    return range_amount(views.child(row, "doseRange"), reader.dosing)


def _cap(dosage: Json, reader: DoseReader) -> Cap | None:
    """The most in a day, from maxDosePerPeriod. Of several the first by the day counts; another period is shared out."""
    found: list[Cap] = []
    for ratio in views.objects(dosage, "maxDosePerPeriod"):
        amount = quantity_amount(views.child(ratio, "numerator"), reader.dosing)
        period = views.child(ratio, "denominator")
        seconds = reader.dosing.seconds.get(views.text(period, "code") or (views.text(period, "unit") or "").lower())
        length = None if views.absent(period, "value") else views.number(period.get("value", 1))
        if not seconds or not length or length < 0:
            raise Unreadable("The highest amount in a period could not be read.")
        if length * seconds >= DAY:
            share = Decimal(DAY) / (length * seconds)
            found.append(Cap(replace(amount, low=amount.low * share, high=amount.high * share)))
    return (
        min(found, key=lambda cap: cap.amount.high) if len({cap.amount.unit for cap in found}) == 1 else next(iter(found), None)
    )


def _check_one_dose(dosage: Json, said: Said, reader: DoseReader) -> None:
    """Refuses a dose above the most that may be taken at a time."""
    most = views.child(dosage, "maxDosePerAdministration")
    if most and said.intakes and said.intakes[0].amount:
        mg, limit = reader.mg(said.intakes[0].amount), reader.mg(quantity_amount(most, reader.dosing))
        if mg is not None and limit is not None and mg.low > limit.high:
            raise contradiction("The dose is above the highest amount that the order allows at a time.")
