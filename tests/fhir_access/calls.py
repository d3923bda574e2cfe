"""An order-sign call that stops alprazolam, and the history that it rests on."""

from __future__ import annotations

import copy
from datetime import date, timedelta
from typing import Any

DAY = date(2026, 11, 23)
SIGN = "/cds-services/taper-order-sign"
TOKEN = "Xyzzy-4711-Rumpelstiltskin"
RXNORM = "http://www.nlm.nih.gov/research/umls/rxnorm"
ALPRAZOLAM = {"coding": [{"system": RXNORM, "code": "197321", "display": "alprazolam 1 MG Oral Tablet"}]}
PATIENT = {"resourceType": "Patient", "id": "p", "birthDate": "1980-02-03"}
KEYS = ("patient", "medicationRequests", "medicationDispenses", "medicationStatements", "conditions", "observations")


def request(id: str, status: str, day: date, **more: Any) -> dict[str, Any]:
    return {
        "resourceType": "MedicationRequest",
        "id": id,
        "status": status,
        "intent": "order",
        "subject": {"reference": "Patient/p"},
        "medicationCodeableConcept": ALPRAZOLAM,
        "authoredOn": day.isoformat(),
        "dosageInstruction": [{"text": "1 tablet three times a day"}],
        "dispenseRequest": {"quantity": {"value": 90}, "expectedSupplyDuration": {"value": 30, "code": "d"}},
        **more,
    }


HISTORY = [
    request("h0", "active", DAY - timedelta(days=5)),
    *(request(f"h{month}", "completed", DAY - timedelta(days=30 * month)) for month in range(1, 9)),
]


def bundle(*resources: Any, **more: Any) -> dict[str, Any]:
    return {"resourceType": "Bundle", "type": "searchset", "entry": [{"resource": one} for one in resources], **more}


def stop(base: str | None, token: str | None = TOKEN, draft: Any = None, **prefetch: Any) -> dict[str, Any]:
    """The call, with a FHIR server and a token where they are given, and only the prefetch that is named."""
    call = {
        "hook": "order-sign",
        "hookInstance": "d1577c69-dfbe-44ad-ba6d-3e05e953b2ea",
        "context": {
            "userId": "Practitioner/1",
            "patientId": "p",
            "draftOrders": bundle(draft or {**copy.deepcopy(HISTORY[0]), "status": "stopped"}),
        },
        "prefetch": prefetch,
    }
    if base is not None:
        call["fhirServer"] = base
    if token is not None:
        call["fhirAuthorization"] = {
            "access_token": token,
            "token_type": "Bearer",
            "expires_in": 300,
            "scope": "MedicationRequest.Read (R4)",
            "subject": "taper-cds",
        }
    return call
