"""The dose that a supply comes to: its quantity over the days it is for. The least certain reading, and marked as such."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from cds.core.medication import Form
from cds.core.quantity import Range, exactly, plain
from cds.core.regimen import EVERY_DAY, Basis, Dose, Regimen, RegimenStep
from cds.fhir import json_access as views
from cds.fhir.dosage.coded_dosage import DoseReader, as_needed, structure
from cds.fhir.dosage.dose_statement import Said
from cds.fhir.dosage.dose_units import BARE, NO_STRENGTH, PRODUCT, in_mg, quantity_amount
from cds.fhir.dosage.sig_text import sig
from cds.fhir.dosage.timing import DAY
from cds.fhir.dosage.unreadable import Unreadable
from cds.fhir.json_access import Json

MILLIGRAMS = frozenset({"mg", "milligram", "milligrams"})
"""How an amount supplied is written whose unit may be that of the dose, beside a number of tablets."""


def supplied(resource: Json, reader: DoseReader) -> Regimen | None:
    """The dose that a supply comes to: its quantity over the days it is for. None where either was not given."""
    request = views.child(resource, "dispenseRequest")
    quantity = views.child(request, "quantity") or views.child(resource, "quantity")
    days = _days(views.child(request, "expectedSupplyDuration") or views.child(resource, "daysSupply"), reader)
    if not quantity or days is None:
        return None
    mg = _in_all(quantity, reader) / days
    if mg > reader.limits.most_mg_a_day:
        raise Unreadable("The quantity over the days supplied comes to more milligrams a day than can be meant.")
    rows = views.objects(resource, "dosageInstruction") or views.objects(resource, "dosage")
    needed = bool(rows) and all(_as_needed(row, reader) for row in rows)
    dose = Dose(Range(Decimal(0), mg) if needed else exactly(mg), as_needed=needed, basis=Basis.SUPPLY)
    says = f"{dose.mg} mg a day{' as needed' if needed else ''}, by quantity over days supplied"
    once = _one_dose(rows, reader) if needed else None
    if once is not None and once > mg:
        # Fewer doses than days: on some days none can have been taken.
        dose = replace(dose, mg=Range(Decimal(0), once), days_a_week=EVERY_DAY * mg / once)
        says = f"{plain(once)} mg as needed, on {plain(dose.days_a_week)} days a week at the most by what was supplied"
    return Regimen((RegimenStep(replace(dose, says=says)),))


def _one_dose(rows: list[Json], reader: DoseReader) -> Decimal | None:
    """mg of the smallest single dose that the one line of an order says, coded or written; None where none could be read."""
    if len(rows) != 1:
        return None
    try:
        coded = structure(rows[0], reader)
        steps = (coded,) if any(each.amount for each in coded.intakes) else _written(rows[0], reader)
        amounts = [each.amount for step in steps for each in step.intakes if each.amount]
        return min((in_mg(amount, reader.medication, reader.limits).low for amount in amounts), default=None) or None
    except Unreadable:
        return None


def _as_needed(row: Json, reader: DoseReader) -> bool:
    """Whether a line is taken as needed, coded or in words that were understood."""
    if as_needed(row):
        return True
    try:
        steps = _written(row, reader)
    except Unreadable:
        return False
    return bool(steps) and all(step.as_needed for step in steps)


def _written(row: Json, reader: DoseReader) -> tuple[Said, ...]:
    """The steps of the words of a line; none where it has no words."""
    text = views.text(row, "text") or views.text(row, "patientInstruction")
    return sig(text, reader.dosing, reader.limits, reader.names).steps if text else ()


def _days(duration: Json, reader: DoseReader) -> Decimal | None:
    value = views.number(duration.get("value"))
    spelled = [text for text in (views.text(duration, "code"), (views.text(duration, "unit") or "d").lower()) if text]
    seconds = next((reader.dosing.seconds[text] for text in spelled if text in reader.dosing.seconds), None)
    return value * seconds / DAY if value and value > 0 and seconds else None


def _in_all(quantity: Json, reader: DoseReader) -> Decimal:
    """A quantity supplied in mg. A number of doses or one without a unit counts tablets, unless the product is a liquid."""
    spelled = (views.text(quantity, "code") or views.text(quantity, "unit") or "").lower().strip("{}[]")
    counts = not spelled or spelled in reader.dosing.supply_counts
    amount = quantity_amount({"value": quantity.get("value")} if counts else quantity, reader.dosing)
    if amount.unit is BARE:
        amount = replace(amount, unit=PRODUCT)
    medication = reader.medication
    if spelled in MILLIGRAMS and medication.strength not in {None, Decimal(1)} and medication.form is not Form.LIQUID:
        raise Unreadable("The amount supplied is in mg of a solid form, which may mean tablets or capsules.")
    if amount.unit.measures == "product":
        if medication.strength is None or medication.form is Form.LIQUID:
            raise Unreadable(NO_STRENGTH)
        return amount.high * medication.strength
    return in_mg(amount, medication, replace(reader.limits, most_units=Decimal("Infinity"))).high
