"""The patient's record and the draft orders, read from what a hook call brought."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import TypeVar

from cds.core.gap import Gap, GapKind, Reading
from cds.core.record import (
    NOT_GIVEN,
    Completeness,
    Delivery,
    Measurement,
    Order,
    PatientRecord,
    RecordedCondition,
    RecordPart,
    Resource,
    Setting,
    Supply,
)
from cds.fhir import json_access as views
from cds.fhir.conditions_observations import condition, measurements
from cds.fhir.json_access import Json
from cds.fhir.not_judged import not_judged
from cds.fhir.orders import INPATIENT, NOT_YET_ORDERED, dispense, dispensed_now, order_reading, supplies_of_order
from cds.fhir.reader import ReadingContext
from cds.knowledge.files.drug_names import UNLISTED

T = TypeVar("T")
EXPECTED: Mapping[RecordPart, frozenset[str]] = {
    RecordPart.PATIENT: frozenset({"Patient"}),
    RecordPart.REQUESTS: frozenset({"MedicationRequest"}),
    RecordPart.DISPENSES: frozenset({"MedicationDispense"}),
    RecordPart.STATEMENTS: frozenset({"MedicationStatement", "MedicationUsage"}),
    RecordPart.CONDITIONS: frozenset({"Condition"}),
    RecordPart.OBSERVATIONS: frozenset({"Observation"}),
    RecordPart.ENCOUNTER: frozenset({"Encounter"}),
}
CARRIED_ALONG = frozenset(
    {"Medication", "Patient", "Practitioner", "PractitionerRole", "Encounter", "Condition", "OperationOutcome"}
)


MONTH_ONLY = "An order's date names a month or year only; it was taken since the last day of it, or for longer."
NOT_TAKEN = {"not-taken", "entered-in-error", "draft", "intended", "proposed"}


@dataclass
class _Notes:
    """The gaps met while one record is read."""

    gaps: list[Gap] = field(default_factory=list)

    def keep(self, reading: Reading[T]) -> T | None:
        self.gaps.extend(reading.gaps)
        return reading.value


def by_name(drafts: Iterable[tuple[str | None, Resource]]) -> dict[str, Resource]:
    """The drafts by the names that answers call them, in their order; one that was sent twice, once.

    A draft goes by its reference. One without an id goes by its fullUrl, else by its type; a further one of the same name by its
    place in the Bundle too.
    """
    found: dict[str, Resource] = {}
    for place, (url, resource) in enumerate(drafts, start=1):
        reference = views.reference(resource)
        name = reference if views.text(resource, "id") else url or reference
        if name in found and found[name] == resource and views.text(resource, "id"):
            continue
        found[name if name not in found else f"{name}#{place}"] = resource
    return found


def draft_orders(drafts: Mapping[str, Resource], desk: ReadingContext) -> tuple[tuple[Order, ...], tuple[Gap, ...]]:
    """The medication orders among the drafts, by their names, and the gaps of those that were not judged."""
    orders: list[Order] = []
    gaps: list[Gap] = []
    for name, resource in drafts.items():
        if views.text(resource, "resourceType") != "MedicationRequest":
            continue
        reading = order_reading(resource, desk)
        untold = not_judged(resource, reading, desk)
        if untold is not None:
            gaps.append(replace(untold, resource=name))
        elif reading.value is None:
            gaps.extend(reading.gaps)
        if reading.value is not None:
            orders.append(reading.value if reading.value.reference == name else replace(reading.value, reference=name))
    return tuple(orders), tuple(gaps)


def patient_record(deliveries: Mapping[RecordPart, Delivery], patient_id: str, desk: ReadingContext) -> PatientRecord:
    """Everything of the history that could be understood, and every gap. Never raises on any JSON."""
    notes = _Notes()
    given = {part: deliveries.get(part, NOT_GIVEN) for part in RecordPart}
    notes.gaps.extend(_missing(given))
    resources = {part: _of_this_patient(part, given[part], patient_id, desk, notes) for part in RecordPart}
    orders = _orders([*resources[RecordPart.REQUESTS], *resources[RecordPart.STATEMENTS]], desk, notes)
    supplies = _each(resources[RecordPart.DISPENSES], lambda resource: dispense(resource, desk), notes)
    orders = (*orders, *_dispensed_alone(resources[RecordPart.DISPENSES], orders, desk))
    return PatientRecord(
        birth_date=_birth_date(given[RecordPart.PATIENT], resources[RecordPart.PATIENT], desk.day, notes),
        sex=_sex(resources[RecordPart.PATIENT]),
        orders=orders,
        supplies=(*_supplies(orders, desk, notes), *supplies),
        conditions=_conditions(resources[RecordPart.CONDITIONS], desk, notes),
        measurements=_measurements(resources[RecordPart.OBSERVATIONS], desk, notes),
        setting=_setting(resources[RecordPart.ENCOUNTER]),
        completeness={part: _completeness(delivery, len(resources[part])) for part, delivery in given.items()},
        gaps=tuple(dict.fromkeys(notes.gaps)),
    )


def _missing(given: Mapping[RecordPart, Delivery]) -> Iterable[Gap]:
    for part, delivery in given.items():
        if part is RecordPart.ENCOUNTER or delivery.completeness is Completeness.COMPLETE:
            continue
        yield Gap(GapKind.MISSING, f"{_WORDS[part]} not read in full ({delivery.said}).", f"prefetch/{part.value}")


def _birth_date(given: Delivery, patients: Iterable[Json], day: date, notes: _Notes) -> date | None:
    """The birth date, or none and a gap where none was given, it could not be read, or it lies in the future."""
    born = next((views.earliest_day(item.get("birthDate")) for item in patients), None)
    if born is not None and born <= day:
        return born
    if given.completeness is Completeness.COMPLETE:
        said = "The patient's birth date was not given, or could not be read, so the age is not known."
        notes.gaps.append(Gap(GapKind.MISSING, said, f"prefetch/{RecordPart.PATIENT.value}"))
    return None


def _sex(patients: Iterable[Json]) -> str | None:
    """The administrative gender, where it is male or female."""
    return next((said for item in patients if (said := views.text(item, "gender")) in {"male", "female"}), None)


_WORDS = {
    RecordPart.PATIENT: "The patient's birth date was",
    RecordPart.REQUESTS: "The medication requests were",
    RecordPart.DISPENSES: "The dispensing history was",
    RecordPart.STATEMENTS: "The medication statements were",
    RecordPart.CONDITIONS: "The conditions were",
    RecordPart.OBSERVATIONS: "The observations were",
}


def _of_this_patient(part: RecordPart, delivery: Delivery, patient_id: str, desk: ReadingContext, notes: _Notes) -> list[Json]:
    """The resources of the expected type that belong to the patient; every other is left out, with a gap."""
    kept: list[Json] = []
    for resource in delivery.resources:
        kind = views.text(resource, "resourceType")
        if kind not in EXPECTED[part]:
            if kind not in CARRIED_ALONG:
                notes.gaps.append(
                    Gap(GapKind.RESOURCE, "A resource is not of the type that was asked for.", f"prefetch/{part.value}")
                )
        elif belongs_to(resource, patient_id, desk):
            kept.append(resource)
        else:
            said = "A resource names another patient, or none, and was not used."
            notes.gaps.append(Gap(GapKind.SUBJECT, said, views.reference(resource)))
    return kept


def belongs_to(resource: Json, patient_id: str, desk: ReadingContext) -> bool:
    """Whether a resource is of the patient: the Patient itself, or one whose subject is."""
    if views.text(resource, "resourceType") == "Patient":
        return resource.get("id") == patient_id
    link = views.text(views.child(resource, "subject") or views.child(resource, "patient"), "reference")
    if link is None:
        return False
    wanted = f"Patient/{patient_id}"
    if link == wanted or views.local_reference(link) == wanted:
        return True
    target = desk.library.find(link, resource) if link.startswith("urn:") else None
    return views.mapping(target).get("resourceType") == "Patient" and views.mapping(target).get("id") == patient_id


def _completeness(delivery: Delivery, kept: int) -> Completeness:
    """How much was given; what came for another patient only is not the word that there is nothing."""
    if delivery.completeness is Completeness.COMPLETE and delivery.resources and not kept:
        return Completeness.PARTIAL
    return delivery.completeness


def _each(resources: Iterable[Json], read: Callable[[Json], Reading[T]], notes: _Notes) -> tuple[T, ...]:
    values = (notes.keep(read(resource)) for resource in resources)
    return tuple(value for value in values if value is not None)


def _orders(resources: Iterable[Json], desk: ReadingContext, notes: _Notes) -> tuple[Order, ...]:
    """The orders of the history; what was never more than a plan, and what must not be given, is left out."""
    wanted = [item for item in resources if _was_ordered(item)]
    orders: list[Order] = []
    for resource in wanted:
        reading = order_reading(resource, desk)
        if reading.value is None:
            notes.gaps.extend(reading.gaps)
        else:
            orders.append(reading.value)
            drug = reading.value.medication
            notes.gaps.extend(gap for gap in reading.gaps if drug.agent is not None or UNLISTED in drug.groups)
    return tuple(orders)


def _dispensed_alone(dispenses: Iterable[Json], orders: Sequence[Order], desk: ReadingContext) -> Iterable[Order]:
    """Other drugs that were dispensed on no request of the record: where there is one, its own status tells."""
    known = {order.reference for order in orders}
    found = (dispensed_now(resource, desk) for resource in dispenses)
    return (order for order in found if order is not None and order.replaces not in known)


def _was_ordered(resource: Json) -> bool:
    status = (views.text(resource, "status") or "").lower()
    intent = (views.text(resource, "intent") or "order").lower()
    not_taken = (views.text(resource, "taken") or "").lower() == "n" or status in NOT_TAKEN
    return not (intent in NOT_YET_ORDERED or not_taken or resource.get("doNotPerform") is True)


def _supplies(orders: Sequence[Order], desk: ReadingContext, notes: _Notes) -> Iterable[Supply]:
    followed = {order.replaces: order.starts for order in orders if order.replaces and order.starts}
    for order in orders:
        if order.medication.agent is not None and order.since_earlier:
            notes.gaps.append(Gap(GapKind.DATE, MONTH_ONLY, order.reference))
        if order.medication.agent is not None and order.starts is None:
            notes.gaps.append(
                Gap(GapKind.DATE, "An order has no date, so it is not known since when it is taken.", order.reference)
            )
        yield from supplies_of_order(order, desk.day, followed.get(order.reference))


def _conditions(resources: Iterable[Json], desk: ReadingContext, notes: _Notes) -> tuple[RecordedCondition, ...]:
    return _each(resources, lambda resource: condition(resource, desk), notes)


def _measurements(resources: Iterable[Json], desk: ReadingContext, notes: _Notes) -> tuple[Measurement, ...]:
    return tuple(measurement for group in _each(resources, lambda item: measurements(item, desk), notes) for measurement in group)


def _setting(encounters: Iterable[Json]) -> Setting:
    codes = {views.code_of(item.get("class")) for item in encounters}
    if codes & INPATIENT:
        return Setting.INPATIENT
    return Setting.COMMUNITY if codes - {None} else Setting.UNKNOWN
