"""One invented hook call of a day: to warm the service up, and to try whether a registration works."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

SUBJECT = {"reference": "Patient/warm-up"}
SERVICE = "taper-order-sign"


def stop(day: date) -> dict[str, Any]:
    """The call: a stop of what was supplied for months, of a patient who is invented."""
    running = _order("active", day - timedelta(days=7))
    dispenses = [_dispense(number, day - timedelta(days=7 + 30 * number)) for number in range(8)]
    return {
        "hook": "order-sign",
        "hookInstance": "0d6f0a3b-2b34-4c61-9a39-6d6ab1a21c55",
        "context": {"patientId": "warm-up", "userId": "Practitioner/warm-up", "draftOrders": _bundle([_order("stopped", day)])},
        "prefetch": {
            "patient": {"resourceType": "Patient", "id": "warm-up", "birthDate": (day - timedelta(days=16_000)).isoformat()},
            "medicationRequests": _bundle([running]),
            "medicationDispenses": _bundle(dispenses),
            "conditions": None,
        },
    }


def _order(status: str, authored: date) -> dict[str, Any]:
    return {
        "resourceType": "MedicationRequest",
        "id": "running",
        "status": status,
        "intent": "order",
        "subject": SUBJECT,
        "medicationCodeableConcept": {"text": "alprazolam 1 mg tablet"},
        "authoredOn": authored.isoformat(),
        "dosageInstruction": [{"text": "1 tablet three times a day"}],
    }


def _dispense(number: int, handed_over: date) -> dict[str, Any]:
    return {
        "resourceType": "MedicationDispense",
        "id": f"supply-{number}",
        "status": "completed",
        "subject": SUBJECT,
        "medicationCodeableConcept": {"text": "alprazolam 1 mg tablet"},
        "quantity": {"value": 90, "unit": "tablet"},
        "daysSupply": {"value": 30, "code": "d"},
        "whenHandedOver": handed_over.isoformat(),
        "dosageInstruction": [{"text": "1 tablet three times a day"}],
    }


def _bundle(resources: list[dict[str, Any]]) -> dict[str, Any]:
    return {"resourceType": "Bundle", "type": "collection", "entry": [{"resource": one} for one in resources]}
