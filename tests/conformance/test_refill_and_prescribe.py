"""medication-refill, and medication-prescribe with the FHIR versions of its time: what they bring, and what they get."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from starlette.testclient import TestClient

SIGN = "/cds-services/taper-order-sign"
REFILL = "/cds-services/taper-medication-refill"
PRESCRIBE = "/cds-services/taper-medication-prescribe"


def asked(stop: dict[str, Any], hook: str, **draft: Any) -> dict[str, Any]:
    """The order-sign call as another hook asks it, its draft changed."""
    call = copy.deepcopy(stop)
    drafts = call["context"].pop("draftOrders")
    drafts["entry"][0]["resource"] |= draft
    del call["context"]["userId"]
    return {**call, "hook": hook, "context": {**call["context"], "medications": drafts}}


def as_dstu2(request: dict[str, Any]) -> dict[str, Any]:
    """A MedicationRequest as a server of DSTU2 would write it."""
    order = {
        name: value for name, value in request.items() if name not in {"subject", "authoredOn", "intent", "dosageInstruction"}
    }
    [dosage] = request["dosageInstruction"]
    repeat = {"frequency": 3, "period": 1, "periodUnits": "d"}
    return {
        **order,
        "resourceType": "MedicationOrder",
        "patient": request["subject"],
        "dateWritten": request["authoredOn"],
        "dosageInstruction": [
            {"text": dosage["text"], "timing": {"repeat": repeat}, "doseQuantity": {"value": 1, "unit": "tablet"}}
        ],
    }


def all_dstu2(call: dict[str, Any]) -> dict[str, Any]:
    call = copy.deepcopy(call)
    for bundle in (call["context"]["medications"], call["prefetch"]["medicationRequests"]):
        bundle["entry"] = [{"resource": as_dstu2(entry["resource"])} for entry in bundle["entry"]]
    return call


def rules_of(response: Any) -> list[str]:
    assert response.status_code == 200, response.text
    return [card["extension"]["org.taper-cds"]["rule"] for card in response.json()["cards"]]


def judged(response: Any) -> dict[str, Any]:
    [order] = response.json()["extension"]["org.taper-cds"]["orders"]
    return dict(order)


def test_a_refill_is_weighed_by_the_rules_of_order_sign(client: TestClient, stop: dict[str, Any]) -> None:
    signed = client.post(SIGN, json=stop)
    refilled = client.post(REFILL, json=asked(stop, "medication-refill"))
    assert rules_of(refilled) == rules_of(signed) != []


def test_a_draft_that_is_a_refill_goes_on_with_what_is_taken(client: TestClient, stop: dict[str, Any]) -> None:
    response = client.post(REFILL, json=asked(stop, "medication-refill", status="draft", id="refill", authoredOn="2026-11-23"))
    assert judged(response)["action"] == "continue"


def test_a_refill_needs_no_user(client: TestClient, stop: dict[str, Any]) -> None:
    assert "userId" not in asked(stop, "medication-refill")["context"]


@pytest.mark.row("REQ-13")
def test_an_order_of_dstu2_is_judged_as_its_like_in_r4(client: TestClient, stop: dict[str, Any]) -> None:
    r4 = client.post(PRESCRIBE, json=asked(stop, "medication-prescribe"))
    dstu2 = client.post(PRESCRIBE, json=all_dstu2(asked(stop, "medication-prescribe")))
    assert rules_of(dstu2) == rules_of(r4) != []
    assert judged(dstu2) == judged(r4)


@pytest.mark.row("REQ-13")
def test_an_order_of_stu3_is_judged_as_its_like_in_r4(client: TestClient, stop: dict[str, Any]) -> None:
    call = asked(stop, "medication-prescribe")
    draft = call["context"]["medications"]["entry"][0]["resource"]
    dosage = draft["dosageInstruction"][0]
    dosage |= dosage.pop("doseAndRate")[0]
    draft["requester"] = {"agent": {"reference": "Practitioner/1"}}
    r4 = client.post(PRESCRIBE, json=asked(stop, "medication-prescribe"))
    assert judged(client.post(PRESCRIBE, json=call)) == judged(r4)


def test_a_client_of_an_older_fhir_is_offered_nothing_that_it_could_not_apply(client: TestClient, stop: dict[str, Any]) -> None:
    assert [card for card in client.post(SIGN, json=stop).json()["cards"] if "suggestions" in card]
    for call in (asked(stop, "medication-prescribe"), all_dstu2(asked(stop, "medication-prescribe"))):
        cards = client.post(PRESCRIBE, json=call).json()["cards"]
        assert cards
        assert not [card for card in cards if "suggestions" in card or "selectionBehavior" in card]


def test_an_order_of_dstu2_is_read_at_order_sign_and_selected_by_its_own_name(client: TestClient, stop: dict[str, Any]) -> None:
    call = all_dstu2(asked(stop, "order-select"))
    call["context"] |= {"draftOrders": call["context"].pop("medications"), "selections": ["MedicationOrder/h0"], "userId": "x"}
    assert rules_of(client.post("/cds-services/taper-order-select", json=call))


def test_req_12_a_refill_whose_medications_are_no_bundle_gets_400(client: TestClient, stop: dict[str, Any]) -> None:
    call = asked(stop, "medication-refill")
    call["context"]["medications"] = [{"resourceType": "MedicationRequest"}]
    response = client.post(REFILL, json=call)
    assert response.status_code == 400
    assert response.json()["issue"][0]["details"]["text"].startswith("context.medications: seen a list")


def test_req_17_a_refill_for_another_patient_gets_422(client: TestClient, stop: dict[str, Any]) -> None:
    response = client.post(REFILL, json=asked(stop, "medication-refill", subject={"reference": "Patient/other"}))
    assert response.status_code == 422
    assert response.json()["issue"][0]["details"]["text"].startswith("context.medications.entry[0].resource.subject")
