"""What operators watch on the real service, and that neither counters nor logs hold a word from the record."""

from __future__ import annotations

import json
import logging
from typing import Any

import pytest
from starlette.testclient import TestClient

SIGN = "/cds-services/taper-order-sign"
SECRET = "Rumpelstiltskin"


def test_health_and_ready_are_told(client: TestClient) -> None:
    assert client.get("/health").json() == {"status": "alive"}
    ready = client.get("/ready")
    assert ready.status_code == 200
    assert ready.json()["status"] == "ready"
    assert ready.json()["knowledge"].startswith("sha256:")


def test_an_engine_that_answers_wrongly_is_not_ready(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cds.engine.engine.Engine.ready", lambda _: False)
    response = client.get("/ready")
    assert response.status_code == 503
    assert response.json()["resourceType"] == "OperationOutcome"


def test_calls_cards_and_gaps_are_counted(client: TestClient, stop: dict[str, Any]) -> None:
    client.post(SIGN, json=stop)
    client.post(SIGN, json={})
    client.post(f"/cds-services/{SECRET}", json={})
    counted = client.get("/metrics").text
    assert 'cds_calls_total{service="taper-order-sign",status="200"} 1.0' in counted
    assert 'cds_calls_total{service="taper-order-sign",status="400"} 1.0' in counted
    assert 'cds_calls_total{service="unknown",status="404"} 1.0' in counted
    assert 'cds_cards_total{indicator="critical",rule="abrupt-stop",site=""} 1.0' in counted
    assert "cds_call_seconds_bucket" in counted
    assert "cds_engine_disagreements 0.0" in counted
    assert "cds_engine_failures 0.0" in counted
    assert SECRET not in counted


def test_a_call_is_logged_by_service_status_rules_and_counts_alone(
    client: TestClient, stop: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    named = json.loads(json.dumps(stop).replace('"p"', f'"{SECRET}"').replace("Patient/p", f"Patient/{SECRET}"))
    named["fhirServer"], named["fhirAuthorization"] = "https://ehr.test", {"access_token": SECRET, "patient": SECRET}
    with caplog.at_level(logging.INFO, "cds"):
        assert client.post(SIGN, json=named).status_code == 200
    [record] = caplog.records
    fields = vars(record)["fields"]
    assert set(fields) == {
        "call", "service", "status", "ms", "client", "prefetch", "cards", "orders", "gaps", "knowledge",
    }  # fmt: skip
    assert (fields["service"], fields["status"], fields["orders"]) == ("taper-order-sign", 200, 1)
    assert "abrupt-stop" in fields["cards"]
    assert SECRET not in str(vars(record))
