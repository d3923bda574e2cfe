"""A naloxone order beside a benzodiazepine, where an opioid is taken too: FHIR R4, complete enough to be signed."""

from __future__ import annotations

from cds.core.quantity import exact
from cds.fhir.json_access import Json
from cds.fhir.write.dosages import UCUM, Resource
from cds.fhir.write.requests import Visit, carried
from cds.knowledge.files.naloxone import Naloxone

OF_THE_DRAFT_ONLY = ("priorPrescription", "reasonCode", "reasonReference", "groupIdentifier", "basedOn", "supportingInformation")
"""What says why or after what the benzodiazepine is ordered, and nothing of naloxone."""
OVERDOSE = "Suspected opioid overdose"


def naloxone_request(product: Naloxone, visit: Visit, draft: Json | None = None) -> Resource:
    """A MedicationRequest for naloxone as needed, for the same patient, by the same prescriber, for the same pharmacy."""
    shared = carried({name: value for name, value in draft.items() if name not in OF_THE_DRAFT_ONLY} if draft else None, visit)
    return {
        "resourceType": "MedicationRequest",
        "status": "draft",
        **shared,
        "medicationCodeableConcept": {
            "coding": [{"system": product.system, "code": product.code, "display": product.display}],
            "text": product.name,
        },
        "authoredOn": visit.day.isoformat(),
        "reasonCode": [{"text": "An opioid is taken with a benzodiazepine or Z-drug"}],
        "dosageInstruction": [_dosage(product)],
        "dispenseRequest": {
            "numberOfRepeatsAllowed": 0,
            "quantity": {"value": product.devices, "unit": "device", "system": UCUM, "code": "{device}"},
            **shared.get("dispenseRequest", {}),
        },
    }


def _dosage(product: Naloxone) -> Resource:
    """One device as needed, again after some minutes."""
    return {
        "sequence": 1,
        "text": _directions(product),
        "timing": {
            "repeat": {"frequency": 1, "period": product.again_from, "periodMax": product.again_to, "periodUnit": "min"},
        },
        "asNeededCodeableConcept": {"text": OVERDOSE},
        "route": {"text": "Into the nose"},
        "doseAndRate": [{"doseQuantity": {"value": 1, "unit": "spray", "system": UCUM, "code": "{spray}"}}],
    }


def _directions(product: Naloxone) -> str:
    again = f"{product.again_from} to {product.again_to} minutes"
    return (
        f"For a suspected opioid overdose: 1 spray ({exact(product.mg)} mg, a whole device) into one nostril; call an ambulance. "
        f"With no response after {again}, 1 spray from a new device into the other nostril; go on until help comes. "
        "It does not reverse a benzodiazepine."
    )
