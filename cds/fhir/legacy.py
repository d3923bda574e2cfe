"""Medication resources of FHIR DSTU2 and STU3 in the shape of R4, as far as our readers look at them.

Only names and places are changed, never a value: what can't be carried over stays where it is, and is read as unknown.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from cds.fhir import json_access as views
from cds.fhir.json_access import Json
from cds.fhir.validation import STU3_ONLY

Resource = dict[str, Any]
QUANTITIES = (("doseQuantity", "doseQuantity"), ("doseRange", "doseRange"))
STATED = (*QUANTITIES, ("quantityQuantity", "doseQuantity"), ("quantityRange", "doseRange"))


def is_older(resource: Json) -> bool:
    """Whether a medication resource has a name or an element that DSTU2 or STU3 has, and R4 has not."""
    kind = views.text(resource, "resourceType")
    if kind == "MedicationOrder":
        return True
    if kind == "MedicationRequest":
        return any(name in resource for name in STU3_ONLY) or "agent" in views.child(resource, "requester")
    if kind in {"MedicationDispense", "MedicationStatement"}:
        return "subject" not in resource and "patient" in resource
    return False


def in_r4(value: Any) -> Any:
    """A resource, or each in a Bundle, in the shape of R4; the very same object where there was nothing to change."""
    if not isinstance(value, dict):
        return value
    if "resourceType" not in value and "resource" in value:
        return _entry(value)
    if value.get("resourceType") != "Bundle":
        return _CHANGED[str(value["resourceType"])](value) if is_older(value) else value
    entries = value.get("entry")
    if not isinstance(entries, list) or not any(is_older(views.child(entry, "resource")) for entry in entries):
        return value
    return {**value, "entry": [_entry(entry) for entry in entries]}


def r4_reference(text: str) -> str:
    """A reference to a DSTU2 order by the name that the order has here."""
    return text.replace("MedicationOrder/", "MedicationRequest/")


def _entry(entry: Any) -> Any:
    return {**entry, "resource": in_r4(entry["resource"])} if isinstance(entry, dict) and "resource" in entry else entry


def _order(order: Json) -> Resource:
    """A DSTU2 MedicationOrder as a MedicationRequest."""
    moved = {
        "dateWritten": "authoredOn",
        "patient": "subject",
        "prescriber": "requester",
        "reasonCodeableConcept": "reasonCode",
        "reasonReference": "reasonReference",
    }
    found = {moved.get(name, name): value for name, value in order.items() if name not in {"dateEnded", "reasonEnded"}}
    found |= {name: [found[name]] for name in ("reasonCode", "reasonReference") if isinstance(found.get(name), Mapping)}
    if isinstance(order.get("note"), str):
        found["note"] = [{"text": order["note"]}]
    found |= {"resourceType": "MedicationRequest", "intent": order.get("intent", "order")}
    if isinstance(order.get("priorPrescription"), Mapping):
        prior = order["priorPrescription"]
        found["priorPrescription"] = {**prior, "reference": r4_reference(str(prior.get("reference", "")))}
    return _with_dosages(found, "dosageInstruction")


def _request(request: Json) -> Resource:
    """An STU3 MedicationRequest in the shape of R4."""
    found = {name: value for name, value in request.items() if name not in STU3_ONLY}
    if isinstance(request.get("context"), Mapping):
        found.setdefault("encounter", request["context"])
    agent = views.child(request, "requester").get("agent")
    if agent is not None:
        found["requester"] = agent
    return _with_dosages(found, "dosageInstruction")


def _dispense(dispense: Json) -> Resource:
    found = {"subject" if name == "patient" else name: value for name, value in dispense.items()}
    links = views.objects(dispense, "authorizingPrescription")
    if links:
        found["authorizingPrescription"] = [{**link, "reference": r4_reference(str(link.get("reference", "")))} for link in links]
    return _with_dosages(found, "dosageInstruction")


def _statement(statement: Json) -> Resource:
    """A DSTU2 MedicationStatement in the shape of R4; one that says that it was not taken has that as its status."""
    found = {"subject" if name == "patient" else name: value for name, value in statement.items() if name != "wasNotTaken"}
    if statement.get("wasNotTaken") is True:
        found["status"] = "not-taken"
    if isinstance(found.get("reasonForUseCodeableConcept"), Mapping):
        found["reasonCode"] = [found.pop("reasonForUseCodeableConcept")]
    return _with_dosages(found, "dosage")


_CHANGED: Mapping[str, Callable[[Json], Resource]] = {
    "MedicationOrder": _order,
    "MedicationRequest": _request,
    "MedicationDispense": _dispense,
    "MedicationStatement": _statement,
}


def _with_dosages(resource: Resource, name: str) -> Resource:
    dosages = views.objects(resource, name)
    return {**resource, name: [_dosage(dosage) for dosage in dosages]} if dosages else resource


def _dosage(dosage: Json) -> Resource:
    """The dosage with its amounts in `doseAndRate` and its timing in the words of R4. A rate stays beside, to be refused."""
    old = {name for name, _ in STATED} | {"additionalInstructions", "timing"}
    found = {name: value for name, value in dosage.items() if name not in old}
    amounts = {new: dosage[name] for name, new in STATED if name in dosage}
    if amounts:
        found["doseAndRate"] = [*views.objects(dosage, "doseAndRate"), amounts]
    if isinstance(dosage.get("additionalInstructions"), Mapping):
        found["additionalInstruction"] = [dosage["additionalInstructions"]]
    if "timing" in dosage:
        found["timing"] = _timing(dosage["timing"])
    return found


def _timing(timing: Any) -> Any:
    repeat = views.mapping(timing).get("repeat")
    if not isinstance(repeat, Mapping):
        return timing
    moved = {"periodUnits": "periodUnit", "durationUnits": "durationUnit", "boundsQuantity": "boundsDuration"}
    found = {moved.get(name, name): value for name, value in repeat.items()}
    if isinstance(found.get("when"), str):
        found["when"] = [found["when"]]
    return {**timing, "repeat": found}
