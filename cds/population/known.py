"""A patient's resources as they were known on a day: nothing that was written down later, and each status as it was then.

An export holds one version of each resource, the last. What a later day changed in it is taken back where that day is on record;
where it isn't, the status is sent as unknown rather than guessed.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

from cds.fhir.dates import latest_day
from cds.fhir.json_access import Json, child, days_of, local_reference, mapping, number, objects, text

STATUS_CHANGED = "http://hl7.org/fhir/5.0/StructureDefinition/extension-MedicationRequest.statusChanged"
"""The day of an order's last change of status: an element of R5, an extension before."""
ENDED = frozenset({"stopped", "cancelled", "completed", "entered-in-error", "ended"})
BY_HAND = frozenset({"stopped", "cancelled", "entered-in-error"})
"""Ends that somebody set; a completed order has an end of its own where a day says that it was set."""
NEVER_SIGNED = frozenset({"draft", "proposed", "intended"})
NOT_ORDERS = frozenset({"proposal", "plan", "option"})
DATES: Mapping[str, tuple[str, ...]] = {
    "MedicationDispense": ("whenHandedOver", "whenPrepared"),
    "MedicationStatement": ("dateAsserted", "effectiveDateTime", "effectivePeriod"),
    "Condition": ("recordedDate", "onsetDateTime", "onsetPeriod"),
    "Observation": ("issued", "effectiveDateTime", "effectivePeriod"),
    "Encounter": ("period",),
}
"""By type, where the day stands on which it was known, the first that is there."""


def signed_on(order: Json) -> date | None:
    """The day on which an order was signed; None where that is not on record."""
    starts = [child(each, "timing", "repeat", "boundsPeriod").get("start") for each in objects(order, "dosageInstruction")]
    written = (order.get("authoredOn"), order.get("dateWritten"), *starts)
    return next((day for value in written if (day := latest_day(value)[0])), None)


def is_order(order: Json) -> bool:
    """Whether it was ever signed: no draft, no plan."""
    status, intent = (text(order, "status") or "").lower(), (text(order, "intent") or "order").lower()
    return status not in NEVER_SIGNED and intent not in NOT_ORDERS


def _changed(order: Json) -> date | None:
    said = [each.get("valueDateTime") for each in objects(order, "extension") if each.get("url") == STATUS_CHANGED]
    return latest_day(order.get("statusChanged") or next(iter(said), None))[0]


def _bounds_end(order: Json) -> date | None:
    ends = [
        latest_day(child(each, "timing", "repeat", "boundsPeriod").get("end"))[0] for each in objects(order, "dosageInstruction")
    ]
    return max((end for end in ends if end), default=None) if ends and all(ends) else None


def ended_by_hand(order: Json) -> date | None:
    """The day on which somebody ended an order, where its status and a day on record say so."""
    status = (text(order, "status") or "").lower()
    if status not in ENDED:
        return None
    return _changed(order) or (_bounds_end(order) if status in BY_HAND else None)


def supplied_until(order: Json) -> date | None:
    """The last day of all its supplies, where it states them."""
    supply, begins = child(order, "dispenseRequest"), signed_on(order)
    days = days_of(supply.get("expectedSupplyDuration")) if supply.get("expectedSupplyDuration") else None
    repeats = number(supply.get("numberOfRepeatsAllowed")) or 0
    if begins is None or not days or not 0 <= repeats <= 99 or days > 3660:
        return None
    return begins + timedelta(days=int(days * (repeats + 1)))


def order_as_known(order: Json, day: date, followed: date | None) -> Json:
    """An order that was signed before the day, as it stood on that morning.

    `followed` is the day, before this one, on which another began in its place.
    """
    status = (text(order, "status") or "").lower()
    if status not in ENDED:
        return order
    by_hand = ended_by_hand(order)
    if by_hand is not None:
        return order if by_hand < day else _running(order, by_hand)
    if status == "entered-in-error":
        return order
    until = followed or supplied_until(order) or _bounds_end(order)
    if until is not None and until < day:
        return order
    if status == "completed" and until is not None:
        return _running(order, None)
    return _with(order, status="unknown")


def draft_of(order: Json, day: date) -> Json:
    """An order as it was signed on the day: as a draft, or with the end that was set on that day."""
    if ended_by_hand(order) == day:
        return order
    said = (text(order, "status") or "").lower()
    return _with(_running(order, ended_by_hand(order)) if said in ENDED else order, status="draft")


def _running(order: Json, ended: date | None) -> Json:
    """The order before it was ended: active, without the end that was set then."""
    before = {name: value for name, value in order.items() if name not in {"statusReason", "statusChanged"}}
    if "extension" in before:
        before["extension"] = [each for each in objects(order, "extension") if each.get("url") != STATUS_CHANGED]
    if ended is not None and _bounds_end(order) == ended and _changed(order) in {None, ended}:
        before["dosageInstruction"] = [_without_end(each) for each in objects(order, "dosageInstruction")]
    return _with(before, status="active")


def _without_end(dosage: Json) -> Json:
    timing = mapping(dosage.get("timing"))
    repeat = mapping(timing.get("repeat"))
    bounds = {name: value for name, value in mapping(repeat.get("boundsPeriod")).items() if name != "end"}
    return _with(dosage, timing=_with(timing, repeat=_with(repeat, boundsPeriod=bounds)))


def _with(members: Json, **changed: Any) -> dict[str, Any]:
    return {**members, **changed}


def known_on(resource: Json, type: str) -> date | None:
    """The day on which another resource than an order was known; None where no day on record says so."""
    for name in DATES[type]:
        value = resource.get(name)
        found, _ = latest_day(mapping(value).get("start") if isinstance(value, dict) else value)
        if found is not None:
            return found
    return None


def as_known(resource: Json, type: str, day: date) -> Json:
    """A resource that was known before the day, as it stood then: what ended later had not."""
    if type == "Condition":
        end, _ = latest_day(resource.get("abatementDateTime") or child(resource, "abatementPeriod").get("end"))
        if end is not None and end >= day:
            kept = {name: value for name, value in resource.items() if not name.startswith("abatement")}
            return _with(kept, clinicalStatus={"coding": [{"system": CLINICAL, "code": "active"}]})
    if type == "MedicationStatement":
        period = child(resource, "effectivePeriod")
        end, _ = latest_day(period.get("end"))
        if end is not None and end >= day and (text(resource, "status") or "").lower() in ENDED:
            open = {name: value for name, value in period.items() if name != "end"}
            return _with(resource, status="active", effectivePeriod=open)
    return resource


CLINICAL = "http://terminology.hl7.org/CodeSystem/condition-clinical"


def follows(order: Json) -> str | None:
    """`MedicationRequest/id` of the order in whose place it came."""
    link = text(child(order, "priorPrescription"), "reference")
    return local_reference(link) if link else None
