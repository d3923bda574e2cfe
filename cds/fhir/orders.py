"""One MedicationRequest, dispense or statement, read into what the core knows: an Order or a Supply."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

from cds.core.gap import Gap, GapKind, Reading
from cds.core.medication import Form, Medication
from cds.core.quantity import Range
from cds.core.record import Order, OrderState, Setting, Supply
from cds.core.regimen import Regimen
from cds.fhir import json_access as views
from cds.fhir.dates import Dated, begins, first_known, happened, latest_day
from cds.fhir.dosage.supplied_dose import MILLIGRAMS
from cds.fhir.json_access import Json
from cds.fhir.reader import ReadingContext
from cds.knowledge.model import Knowledge

STATES: Mapping[str, OrderState] = {
    "draft": OrderState.DRAFT,
    "proposed": OrderState.DRAFT,
    "intended": OrderState.DRAFT,
    "active": OrderState.RUNNING,
    "recorded": OrderState.RUNNING,
    "on-hold": OrderState.RUNNING,
    "stopped": OrderState.ENDED,
    "cancelled": OrderState.ENDED,
    "completed": OrderState.ENDED,
    "ended": OrderState.ENDED,
    "not-taken": OrderState.ENDED,
    "entered-in-error": OrderState.IN_ERROR,
}
NOT_YET_ORDERED = {"proposal", "plan", "option"}
DISPENSED = {"completed", "in-progress", "unknown"}
NOT_DISPENSED = {"preparation", "cancelled", "on-hold", "stopped", "declined", "entered-in-error"}
NO_STATUS_CODE = "none"
NO_STATUS = "It has no status, so it could not be told for certain whether it is ordered, taken or stopped."
STRANGE_STATUS = "Its status is not known, so it could not be told whether it is ordered, taken or stopped."
PERHAPS_NOT = "Whether it must not be given is said to be unknown, so it could not be told what is ordered."
REPEATS_UNKNOWN = "How often it may be repeated is said to be unknown."
IN_MG = "The amount supplied is in mg of a solid form; it was counted in tablets or capsules, as these are."
END_FIRST = "It ends before it begins, so its end was not used."
INPATIENT = {"inpatient", "imp", "acute", "nonac"}
COMMUNITY = {"outpatient", "community", "discharge", "amb", "hh"}


def order(resource: Json, desk: ReadingContext) -> Order | None:
    """The order in a MedicationRequest (or a statement read as one), or None where its drug could not be told; see its gaps.

    Use `order_reading` where the gaps of a None matter.
    """
    return order_reading(resource, desk).value


def order_reading(resource: Json, desk: ReadingContext) -> Reading[Order]:
    """The order in a MedicationRequest or MedicationStatement, with the gaps met. None where its drug could not be told."""
    reference = views.reference(resource)
    drug = desk.drug(resource)
    if drug.value is None:
        return Reading(None, drug.gaps)
    gaps = list(drug.gaps)
    doses: Reading[Regimen] = Reading(None)
    if drug.value.agent is not None:
        doses = desk.doses(resource)
        gaps += doses.gaps
        against = list(_against_reading(resource))
        gaps += [Gap(GapKind.RESOURCE, says, reference) for says in against]
        doses = Reading(None) if against else doses
        gaps += [Gap(kind, says, reference) for kind, says in _doubts(resource, drug.value)]
    order = _order(resource, reference, drug.value, doses.value, tuple(gaps), desk)
    return Reading(order, order.gaps)


def _against_reading(resource: Json) -> Iterator[str]:
    """Why an order's dose can't be relied on, whatever its directions say."""
    if objects_with_modifier(resource):
        yield "It carries a modifier that this service doesn't know."
    status = _status(resource)
    if status != NO_STATUS_CODE and status not in STATES:
        yield STRANGE_STATUS
    if views.is_absent(resource, "doNotPerform"):
        yield PERHAPS_NOT


def _doubts(resource: Json, drug: Medication) -> Iterator[tuple[GapKind, str]]:
    """What of an order is not known for certain, though its dose is."""
    supply = views.child(resource, "dispenseRequest")
    if _status(resource) == NO_STATUS_CODE:
        yield GapKind.RESOURCE, NO_STATUS
    if views.is_absent(supply, "numberOfRepeatsAllowed"):
        yield GapKind.SUPPLY, REPEATS_UNKNOWN
    if not supply.get("expectedSupplyDuration") and _counts_mg(views.child(supply, "quantity"), drug):
        yield GapKind.SUPPLY, IN_MG


def _status(resource: Json) -> str:
    """The status in small letters; `unknown` where it is said to be, `none` where nothing is said."""
    said = (views.text(resource, "status") or "").lower()
    return said or ("unknown" if views.is_absent(resource, "status") else NO_STATUS_CODE)


def objects_with_modifier(resource: Json) -> bool:
    """Whether the resource or one of its dosages carries a modifierExtension, which FHIR forbids to ignore."""
    dosages = views.objects(resource, "dosageInstruction") + views.objects(resource, "dosage")
    return any(views.objects(item, "modifierExtension") for item in [resource, *dosages])


def _order(
    resource: Json, reference: str, drug: Medication, doses: Regimen | None, gaps: tuple[Gap, ...], desk: ReadingContext
) -> Order:
    """The order. Of a drug that no fact asks about only what tells it from others, and whether it is stopped, is read."""
    status = _status(resource).replace(NO_STATUS_CODE, "unknown")
    supply = views.child(resource, "dispenseRequest")
    order = Order(
        reference=reference,
        status=status,
        state=STATES.get(status, OrderState.UNKNOWN),
        medication=drug,
        zero=_is_zero(resource, supply, doses),
        replaces=_replaces(resource, desk),
        kind=views.text(resource, "resourceType") or "MedicationRequest",
        gaps=gaps,
    )
    if drug.agent is None and not drug.groups:
        return order
    starts, ends, faults = _dates(resource, desk)
    return replace(
        order,
        gaps=(*gaps, *faults),
        regimen=doses,
        starts=starts.day,
        since_earlier=starts.latest,
        ends=ends,
        days=_days(supply, drug, doses),
        supplies=_supplies(supply),
        quantity=views.number(views.child(supply, "quantity").get("value")),
        reasons=_reasons(resource, desk),
        setting=_setting(resource),
    )


def _dosages(resource: Json) -> list[Json]:
    return views.objects(resource, "dosageInstruction") or views.objects(resource, "dosage")


def _dates(resource: Json, desk: ReadingContext) -> tuple[Dated, date | None, tuple[Gap, ...]]:
    """Since when an order is taken, until when, and the gaps of dates that can't be."""
    starts, ends = _starts(resource, desk), _ends(resource)
    faults = [f"Its date {starts.fault}, so it was not used."] if starts.fault else []
    if starts.day and ends and ends < starts.day and not starts.latest:
        ends, faults = None, [*faults, END_FIRST]
    return starts, ends, tuple(Gap(GapKind.DATE, says, views.reference(resource)) for says in faults)


def _starts(resource: Json, desk: ReadingContext) -> Dated:
    today, born = desk.day, desk.born
    bounds = [
        begins(views.child(item, "timing", "repeat", "boundsPeriod").get("start"), today, born) for item in _dosages(resource)
    ]
    first = min((each for each in bounds if each.day), key=lambda each: each.day or today, default=None)
    candidates = (
        *([first] if first else bounds),
        happened(resource.get("authoredOn"), today, born),
        happened(resource.get("dateWritten"), today, born),
        begins(views.child(resource, "effectivePeriod").get("start"), today, born),
        begins(resource.get("effectiveDateTime"), today, born),
        begins(views.child(resource, "dispenseRequest", "validityPeriod").get("start"), today, born),
        happened(resource.get("dateAsserted"), today, born),
    )
    return first_known(candidates)


def _ends(resource: Json) -> date | None:
    bounds = [latest_day(views.child(item, "timing", "repeat", "boundsPeriod").get("end"))[0] for item in _dosages(resource)]
    known = [end for end in bounds if end is not None]
    if known and len(known) == len(bounds):
        return max(known)
    return latest_day(views.child(resource, "effectivePeriod").get("end"))[0]


def _days(supply: Json, drug: Medication, doses: Regimen | None) -> Decimal | None:
    stated = views.days_of(supply.get("expectedSupplyDuration")) if supply.get("expectedSupplyDuration") else None
    return stated if stated else days_from_quantity(views.child(supply, "quantity"), drug, doses)


def days_from_quantity(quantity: Json, drug: Medication, doses: Regimen | None) -> Decimal | None:
    """For how many days a quantity lasts at the order's highest dose. None where either could not be read, or is zero."""
    amount = views.number(quantity.get("value"))
    unit = "" if _counts_mg(quantity, drug) else _supply_unit(quantity)
    per_unit = _mg_per_unit(unit, drug)
    if not amount or amount < 0 or per_unit is None or doses is None or len(doses.steps) != 1:
        return None
    a_day = doses.first.mg.high * doses.first.days_a_week / 7
    return (amount * per_unit / a_day) if a_day > 0 else None


def _supply_unit(quantity: Json) -> str:
    return (views.text(quantity, "code") or views.text(quantity, "unit") or "").lower()


def _counts_mg(quantity: Json, drug: Medication) -> bool:
    """Whether a supply of tablets or capsules is given in mg: some systems write the dose's unit beside the number of them.

    Taken literally only where that number is no whole one, or one is of 1 mg.
    """
    amount = views.number(quantity.get("value"))
    solid = drug.strength is not None and drug.strength != 1 and drug.form is not Form.LIQUID
    return solid and amount is not None and amount == amount.to_integral_value() and _supply_unit(quantity) in MILLIGRAMS


def _mg_per_unit(unit: str, drug: Medication) -> Decimal | None:
    if unit in MILLIGRAMS:
        return Decimal(1)
    if unit == "ml":
        return drug.concentration
    return None if drug.form is Form.LIQUID else drug.strength


def _supplies(supply: Json) -> int | None:
    if not supply:
        return None
    repeats = views.number(supply.get("numberOfRepeatsAllowed"))
    return None if repeats is None or repeats < 0 or repeats > 99 else int(repeats) + 1


def _is_zero(resource: Json, supply: Json, doses: Regimen | None) -> bool:
    quantity = views.number(views.child(supply, "quantity").get("value"))
    no_dose = doses is not None and all(step.dose.mg.high == 0 for step in doses.steps)
    return resource.get("doNotPerform") is True or no_dose or quantity == 0


def _replaces(resource: Json, desk: ReadingContext) -> str | None:
    """`Type/id` of the prescription that the order follows, as its own resource is named."""
    link = views.text(views.child(resource, "priorPrescription"), "reference")
    if link is None:
        return None
    target = desk.library.find(link, resource)
    return views.reference(views.mapping(target)) if views.text(target, "id") else views.local_reference(link)


def _reasons(resource: Json, desk: ReadingContext) -> frozenset[str]:
    concepts = views.objects(resource, "reasonCode") + [item for item in views.objects(resource, "reason") if "concept" in item]
    found: set[str] = set()
    for concept in concepts:
        found |= sets_of(concept.get("concept", concept), desk.knowledge)
    for link in views.objects(resource, "reasonReference"):
        target = desk.library.find(views.text(link, "reference") or "", resource)
        found |= sets_of(views.mapping(target).get("code"), desk.knowledge)
    return frozenset(found)


def sets_of(concept: object, knowledge: Knowledge) -> frozenset[str]:
    """The value sets that any coding of a concept is in."""
    found: set[str] = set()
    for system, code, _ in views.codings(concept):
        found |= knowledge.codes.get((system, code), frozenset())
    return frozenset(found)


def _setting(resource: Json) -> Setting:
    codes = {code.lower() for concept in views.objects(resource, "category") for _, code, _ in views.codings(concept)}
    if codes & INPATIENT:
        return Setting.INPATIENT
    return Setting.COMMUNITY if codes & COMMUNITY else Setting.UNKNOWN


def supplies_of_order(order: Order, day: date, followed: date | None = None) -> tuple[Supply, ...]:
    """The supply that an order of the history stands for, one or none.

    An order listed as active is taken until today, also where its stated supply has run out of late: that it has is told apart,
    by the days without supply. One that ended and states no length was taken until the order began that names it as the one it
    follows (`followed`); where there is none, its length is not known.
    """
    if order.medication.agent is None or order.medication.out_of_scope or order.zero or order.state is OrderState.IN_ERROR:
        return ()
    if order.starts is None or order.starts > day:
        return ()
    open_ended = order.state is OrderState.RUNNING and (order.ends is None or order.ends >= day)
    return (
        Supply(
            agent=order.medication.agent,
            start=order.starts,
            source=order.reference,
            kind="statement" if order.kind == "MedicationStatement" else "request",
            days=_supplied_days(order, followed),
            open_ended=open_ended,
            mg=highest(order.regimen),
            days_a_week=order.regimen.first.days_a_week if order.regimen else Decimal(7),
            as_needed=order.regimen.first.as_needed if order.regimen else False,
            order=order.reference,
            ended=order.ends if order.ends and order.ends < day else None,
            since_earlier=order.since_earlier,
            directed=_directed(order, order.starts),
        ),
    )


def _directed(order: Order, starts: date) -> int | None:
    """For how many days doses that change are directed, the last one counted where its days are stated."""
    if order.regimen is None or len(order.regimen.steps) == 1:
        return None
    until = starts
    for step in order.regimen.steps:
        until = (step.start or until) + timedelta(days=step.days or 0)
    return (until - starts).days


def _supplied_days(order: Order, followed: date | None) -> Decimal | None:
    if order.days is not None:
        return order.days * (order.supplies or 1)
    if order.starts is not None and order.ends is not None and order.ends >= order.starts:
        return Decimal(views.inclusive_days(order.starts, order.ends))
    if order.starts is not None and order.state is OrderState.ENDED and followed is not None and followed > order.starts:
        return Decimal((followed - order.starts).days)
    return None


def highest(doses: Regimen | None) -> Range | None:
    """The daily mg of the step with the highest dose, as a range; None where no dose was read."""
    return max((step.dose.mg for step in doses.steps), key=lambda mg: mg.high) if doses else None


NOT_DATED = "A dispense has no date on which it was handed over."


def _handed_over(resource: Json, desk: ReadingContext) -> Dated:
    return first_known(happened(resource.get(name), desk.day, desk.born) for name in ("whenHandedOver", "whenPrepared"))


def dispensed_now(resource: Json, desk: ReadingContext) -> Order | None:
    """What a dispense says of another drug that matters here, where its supply reaches to today: that it is taken."""
    drug = desk.drug(resource).value
    if drug is None or drug.agent is not None or not drug.groups:
        return None
    handed_over = _handed_over(resource, desk).day
    days = views.days_of(resource.get("daysSupply")) if resource.get("daysSupply") else None
    status = (views.text(resource, "status") or "unknown").lower()
    if status not in DISPENSED or handed_over is None or days is None:
        return None
    if not handed_over <= desk.day <= handed_over + timedelta(days=int(days)):
        return None
    prescription = views.objects(resource, "authorizingPrescription")
    return Order(
        reference=views.reference(resource),
        status=status,
        state=OrderState.RUNNING,
        medication=drug,
        starts=handed_over,
        days=days,
        replaces=next((views.local_reference(link) for item in prescription if (link := views.text(item, "reference"))), None),
        kind="MedicationDispense",
    )


def dispense(resource: Json, desk: ReadingContext) -> Reading[Supply]:
    """The supply in a MedicationDispense; None without a gap where it was not handed over or is of no taper agent."""
    reference = views.reference(resource)
    status = (views.text(resource, "status") or "unknown").lower()
    if status in NOT_DISPENSED:
        return Reading(None)
    drug = desk.drug(resource)
    if drug.value is None or drug.value.agent is None or drug.value.out_of_scope:
        return Reading(None, drug.gaps)
    when = _handed_over(resource, desk)
    if when.day is None:
        says = f"A dispense's date {when.fault}, so it was not used." if when.fault else NOT_DATED
        return Reading(None, (*drug.gaps, Gap(GapKind.DATE, says, reference)))
    doses = desk.doses(resource)
    days = views.days_of(resource.get("daysSupply")) if resource.get("daysSupply") else None
    days = days or days_from_quantity(views.child(resource, "quantity"), drug.value, doses.value)
    doubts = [] if days else ["A dispense does not say for how many days it lasts."]
    if not resource.get("daysSupply") and _counts_mg(views.child(resource, "quantity"), drug.value):
        doubts.append(IN_MG)
    if status not in DISPENSED or status == "unknown":
        doubts.append("A dispense's status is not known; it was counted as handed over.")
    gaps = (*drug.gaps, *(Gap(GapKind.SUPPLY, each, reference) for each in doubts))
    prescription = views.objects(resource, "authorizingPrescription")
    return Reading(
        Supply(
            agent=drug.value.agent,
            start=when.day,
            source=reference,
            kind="dispense",
            days=days,
            mg=highest(doses.value),
            days_a_week=doses.value.first.days_a_week if doses.value else Decimal(7),
            as_needed=doses.value.first.as_needed if doses.value else False,
            order=next((views.local_reference(link) for item in prescription if (link := views.text(item, "reference"))), None),
            since_earlier=when.latest,
        ),
        gaps,
    )
