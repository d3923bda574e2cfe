"""One amount of a dose, as it was written and in mg of the agent.

A dose in mg is never multiplied by the strength; one in tablets always is.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from cds.core.medication import Form, Medication
from cds.core.quantity import Range
from cds.fhir import json_access as views
from cds.fhir.dosage.unreadable import ReadingLimits, Unreadable, contradiction
from cds.fhir.json_access import Json
from cds.knowledge.files.dosing import Dosing, Unit

BARE = Unit("number alone", "bare")
PRODUCT = Unit("product", "product")
MG = Unit("mg", "mg")

NO_STRENGTH = "The dose is counted in tablets or capsules, and the strength of the product is not known."
DIFFERENT_UNITS = "The dose is written in two units, and the two do not agree for the strength of the product."
NO_CONCENTRATION = "The dose is given in millilitres, and the concentration of the product is not known."


@dataclass(frozen=True, slots=True)
class WrittenDose:
    """A dose as written. `also` is the same dose in other units ("1 mg (2 tablets)"); `each`, mg said to be in one unit.

    `beside` are the mg that stand before a number of units: the same dose, or what is in one ("1 mg 1/2 tablet").
    """

    low: Decimal
    high: Decimal
    unit: Unit
    also: tuple[WrittenDose, ...] = ()
    each: Decimal | None = None
    beside: Decimal | None = None


def unit_of(quantity: Json, dosing: Dosing) -> Unit:
    """The unit of a FHIR Quantity, from its code or its unit, whichever is known first; BARE where it has neither."""
    code, unit = views.text(quantity, "code"), views.text(quantity, "unit")
    if code is None and unit is None:
        if views.is_absent(quantity, "unit") or views.is_absent(quantity, "code"):
            raise Unreadable("The unit of the dose is said to be unknown.")
        return BARE
    found = [known for known in (named(code, dosing), named(unit, dosing)) if known is not None]
    if not found:
        raise Unreadable("The dose is in a unit that could not be read.")
    if len({known.name for known in found}) > 1:
        raise contradiction("The code and the name of the dose unit say different things.")
    return found[0]


def named(spelling: str | None, dosing: Dosing) -> Unit | None:
    """The unit of one spelling or SNOMED CT code."""
    if spelling is None:
        return None
    if spelling.strip() == "1":
        return PRODUCT
    folded = spelling.casefold().strip().strip("{}[]").replace("(s)", "").strip(" .")
    return dosing.unit_codes.get(spelling) or dosing.units.get(folded)


def quantity_amount(quantity: Json, dosing: Dosing) -> WrittenDose:
    """The amount of a FHIR Quantity."""
    value = dose_number(quantity.get("value"))
    if value is None:
        raise Unreadable("The dose has no number that could be read.")
    if views.text(quantity, "comparator"):
        raise Unreadable("The dose is given as less than or more than an amount.")
    return WrittenDose(value, value, unit_of(quantity, dosing))


def range_amount(range_: Json, dosing: Dosing) -> WrittenDose:
    """The amount of a FHIR Range. A range without its low end begins at zero; one without its high end is refused."""
    if not views.child(range_, "high"):
        raise Unreadable("The dose is a range without an upper end.")
    high = quantity_amount(views.child(range_, "high"), dosing)
    low = (
        quantity_amount(views.child(range_, "low"), dosing)
        if views.child(range_, "low")
        else WrittenDose(Decimal(0), high.high, high.unit)
    )
    if BARE in (low.unit, high.unit):
        unit = high.unit if low.unit is BARE else low.unit
        return _between(low.low, high.high, unit)
    if low.unit.measures != high.unit.measures:
        raise contradiction("The two ends of the dose range are in different units.")
    return _between(low.low * low.unit.of_one / high.unit.of_one, high.high, high.unit)


def _between(low: Decimal, high: Decimal, unit: Unit) -> WrittenDose:
    if low > high:
        raise contradiction("The lower end of the dose range is above its upper end.")
    return WrittenDose(low, high, unit)


def dose_number(value: object) -> Decimal | None:
    """A number that a dose may have: finite and not negative."""
    amount = views.number(value)
    return amount if amount is not None and amount >= 0 and (amount == 0 or amount.adjusted() >= -6) else None


def in_mg(amount: WrittenDose, medication: Medication, limits: ReadingLimits) -> Range:
    """The amount in mg of the agent. Where it is written in several units, all that can be read must agree."""
    try:
        mg: Range | None = _alone(amount, medication, limits)
    except Unreadable as error:
        if not amount.also or error.says not in {NO_STRENGTH, NO_CONCENTRATION}:
            raise
        mg = None
    for other in amount.also:
        try:
            said = _alone(other, medication, limits)
        except Unreadable as error:
            if error.says not in {NO_STRENGTH, NO_CONCENTRATION}:
                raise
            continue
        if mg is not None and said != mg:
            raise contradiction(DIFFERENT_UNITS)
        mg = said
    if mg is None:
        raise Unreadable(NO_STRENGTH)
    return mg


def _same_or_in_one(amount: WrittenDose, said: Range, strength: Decimal) -> None:
    """Refuses mg before a number of units that are neither the dose nor what is in one unit of the product."""
    if amount.beside is not None and amount.beside not in {strength, said.high * strength}:
        raise contradiction(DIFFERENT_UNITS)


def _alone(amount: WrittenDose, medication: Medication, limits: ReadingLimits) -> Range:
    unit, said = amount.unit, Range(amount.low, amount.high)
    if unit.measures == "refused":
        raise Unreadable("The dose is in a unit whose content of the drug is not known (such as drops, sprays or patches).")
    if unit.measures == "mg":
        return said.times(unit.of_one)
    if said.high == 0:
        return said
    if said.high > limits.most_units:
        raise Unreadable("The dose counts more units than one dose can have.")
    if unit.measures == "mL":
        if medication.concentration is None:
            raise Unreadable(NO_CONCENTRATION)
        return said.times(unit.of_one * medication.concentration)
    return _counted(amount, said, medication)


def _counted(amount: WrittenDose, said: Range, medication: Medication) -> Range:
    """A number of tablets, capsules or films in mg."""
    if medication.form is Form.LIQUID or (medication.strength is None and medication.concentration is not None):
        raise Unreadable("The dose has no unit or counts tablets, but the product is a liquid.")
    if amount.each is not None and medication.strength is not None and amount.each != medication.strength:
        raise contradiction("The strength that the directions name is not the strength of the product.")
    strength = medication.strength if medication.strength is not None else amount.each
    if strength is None and amount.beside is not None and said.low == said.high == 1:
        return said.times(amount.beside)
    if strength is None:
        raise Unreadable(NO_STRENGTH)
    _same_or_in_one(amount, said, strength)
    if amount.unit is BARE and strength != 1 and strength in (said.low, said.high):
        raise contradiction("The dose is a number without a unit that equals the strength: it may mean tablets or milligrams.")
    return said.times(strength)
