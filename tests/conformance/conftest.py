"""The real application, with the real rules, on a day that the tests choose."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import pytest
from starlette.testclient import TestClient

from cds.engine.engine import Engine
from cds.knowledge.model import Knowledge
from cds.settings import Settings
from cds.web.app import app

RXNORM = "http://www.nlm.nih.gov/research/umls/rxnorm"
ALPRAZOLAM_1_MG = {"coding": [{"system": RXNORM, "code": "197321", "display": "alprazolam 1 MG Oral Tablet"}]}
THREE_A_DAY = [
    {
        "text": "1 tablet three times a day",
        "timing": {"repeat": {"frequency": 3, "period": 1, "periodUnit": "d"}},
        "doseAndRate": [{"doseQuantity": {"value": 1, "unit": "tablet"}}],
    }
]
DAY = date(2026, 11, 23)


class Clock:
    """The service's day."""

    def __init__(self) -> None:
        self.day = DAY

    def __call__(self) -> date:
        return self.day


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def client(book: Knowledge, engine: Engine, clock: Clock) -> Iterator[TestClient]:
    with TestClient(app(book, engine, Settings(), clock), raise_server_exceptions=False) as browser:
        yield browser


def alprazolam(id: str, status: str, day: date) -> dict[str, Any]:
    return {
        "resourceType": "MedicationRequest",
        "id": id,
        "status": status,
        "intent": "order",
        "subject": {"reference": "Patient/p"},
        "medicationCodeableConcept": ALPRAZOLAM_1_MG,
        "authoredOn": day.isoformat(),
        "dosageInstruction": THREE_A_DAY,
        "dispenseRequest": {
            "quantity": {"value": 90},
            "numberOfRepeatsAllowed": 0,
            "expectedSupplyDuration": {"value": 30, "unit": "days", "system": "http://unitsofmeasure.org", "code": "d"},
        },
    }


def bundle(*resources: dict[str, Any]) -> dict[str, Any]:
    return {"resourceType": "Bundle", "type": "searchset", "entry": [{"resource": one} for one in resources]}


@pytest.fixture
def stop() -> dict[str, Any]:
    """An order-sign call that stops alprazolam 3 mg a day, supplied every 30 days for eight months."""
    supplies = [alprazolam(f"h{month}", "completed", DAY - timedelta(days=30 * month)) for month in range(1, 9)]
    running = alprazolam("h0", "active", DAY - timedelta(days=5))
    return {
        "hook": "order-sign",
        "hookInstance": "d1577c69-dfbe-44ad-ba6d-3e05e953b2ea",
        "context": {
            "userId": "Practitioner/1",
            "patientId": "p",
            "draftOrders": bundle({**running, "status": "stopped"}),
        },
        "prefetch": {
            "patient": {"resourceType": "Patient", "id": "p", "birthDate": "1980-02-03"},
            "medicationRequests": bundle(running, *supplies),
            "medicationDispenses": None,
            "medicationStatements": None,
            "conditions": None,
            "observations": None,
        },
    }
