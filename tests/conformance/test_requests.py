"""What a client may send: more than we know, less than we ask, in another form; and what each answer has to be then."""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator
from typing import Any

import pytest
from starlette.testclient import TestClient

from tests.conformance.changing import GONE, changed

SIGN = "/cds-services/taper-order-sign"
SELECT = "/cds-services/taper-order-select"
UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
OWN = "org.taper-cds"


def advice(response: Any) -> str:
    """What the answer says, its ids left out."""
    assert response.status_code == 200, response.text
    return UUID.sub("", response.text)


def objects(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        yield value
    for member in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from objects(member)


@pytest.mark.parametrize(
    "instance",
    [
        pytest.param("8f1a2b3c-4d5e-11ed-9b6a-0242ac120002", id="version 1, as Epic sends it"),
        pytest.param("D1577C69-DFBE-44AD-BA6D-3E05E953B2EA", id="capitals"),
        pytest.param("018bd12c-58b0-7683-8a5b-8752d0e86651", id="version 7"),
    ],
)
def test_req_3_a_uuid_of_any_version_and_case_is_an_instance(client: TestClient, stop: dict[str, Any], instance: str) -> None:
    assert client.post(SIGN, json={**stop, "hookInstance": instance}).status_code == 200


def test_req_1_a_call_to_each_service_is_answered(client: TestClient, stop: dict[str, Any]) -> None:
    drafts = stop["context"]["draftOrders"]
    for service in client.get("/cds-services").json()["services"]:
        context = {**stop["context"], "medications": drafts, "selections": ["MedicationRequest/h0"]}
        call = {**stop, "hook": service["hook"], "context": context}
        assert client.post(f"/cds-services/{service['id']}", json=call).status_code == 200


@pytest.mark.parametrize(
    "path",
    ["hook", "hookInstance", "context", "context.patientId"],
)
def test_req_2_and_3_and_4_what_is_required_is_missed(client: TestClient, stop: dict[str, Any], path: str) -> None:
    response = client.post(SIGN, json=changed(stop, path, GONE))
    assert response.status_code == 400
    assert response.json()["issue"][0]["details"]["text"] == f"{path}: missing; it is required."


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("context.userId", GONE),
        ("context.patientId", "Patient/p"),
        ("context.encounterId", "e"),
        ("context.encounterId", None),
    ],
)
def test_req_4_a_context_that_is_not_quite_right_is_answered(
    client: TestClient, stop: dict[str, Any], path: str, value: Any
) -> None:
    assert client.post(SIGN, json=changed(stop, path, value)).json()["cards"]


def test_req_4_without_draft_orders_there_is_nothing_to_judge(client: TestClient, stop: dict[str, Any]) -> None:
    response = client.post(SIGN, json=changed(stop, "context.draftOrders", GONE))
    assert response.status_code == 200
    assert [card["extension"]["org.taper-cds"]["rule"] for card in response.json()["cards"]] == ["could-not-check"]


def test_req_4_without_selections_every_draft_is_selected(client: TestClient, stop: dict[str, Any]) -> None:
    call = {**stop, "hook": "order-select"}
    named = changed(call, "context.selections", ["MedicationRequest/h0"])
    assert advice(client.post(SELECT, json=call)) == advice(client.post(SELECT, json=named))


def test_req_5_a_token_without_a_server_gets_400(client: TestClient, stop: dict[str, Any]) -> None:
    response = client.post(SIGN, json={**stop, "fhirAuthorization": {"access_token": "x"}})
    assert response.status_code == 400
    assert response.json()["issue"][0]["details"]["text"].startswith("fhirServer: missing")


@pytest.mark.parametrize("more", [{}, {"fhirAuthorization": None}, {"fhirServer": "https://ehr.test/fhir"}])
def test_req_7_a_call_may_bring_no_token(client: TestClient, stop: dict[str, Any], more: dict[str, Any]) -> None:
    assert client.post(SIGN, json={**stop, **more}).json()["cards"]


@pytest.mark.parametrize("prefetch", [GONE, None, {}])
def test_req_8_a_call_without_prefetch_gets_412_and_never_a_fault(
    client: TestClient, stop: dict[str, Any], prefetch: Any
) -> None:
    assert client.post(SIGN, json=changed(stop, "prefetch", prefetch)).status_code == 412


def test_req_8_a_call_that_needs_no_prefetch_is_answered_without(client: TestClient, stop: dict[str, Any]) -> None:
    amoxicillin = changed(
        stop, "context.draftOrders.entry.0.resource.medicationCodeableConcept", {"text": "amoxicillin 500 mg capsule"}
    )
    response = client.post(SIGN, json=changed(amoxicillin, "prefetch", GONE))
    assert (response.status_code, response.json()["cards"]) == (200, [])


@pytest.mark.row("EXT-4")
def test_req_9_to_11_what_is_not_known_changes_nothing_wherever_it_stands(client: TestClient, stop: dict[str, Any]) -> None:
    call = copy.deepcopy(stop)
    fhir = [resource for resource in objects(call) if "resourceType" in resource]
    for one in [call, call["context"]]:
        one |= {"extension": {"com.example": {"x": 1}}, "laterMember": {"y": [None]}}
    for resource in fhir:
        resource["extension"] = [{"url": "https://example.test/x", "valueString": "x"}]
    call["prefetch"]["ofAnotherService"] = {"resourceType": "Patient", "id": "other"}
    before, after = (client.post(SIGN, json=one) for one in (stop, call))
    assert [card["summary"] for card in after.json()["cards"]] == [card["summary"] for card in before.json()["cards"]]
    assert UUID.sub("", str(after.json()["extension"])) == UUID.sub("", str(before.json()["extension"]))


def test_req_10_a_later_field_of_the_hook_changes_nothing(client: TestClient, stop: dict[str, Any]) -> None:
    later = changed(stop, "context.reasonForCall", ["renewal"])
    assert advice(client.post(SIGN, json=later)) == advice(client.post(SIGN, json=stop))


@pytest.mark.row("VER-3")
def test_req_10_a_later_field_may_be_of_any_type(client: TestClient, stop: dict[str, Any]) -> None:
    for value in (None, 1, "x", [], {}):
        assert client.post(SIGN, json=changed(stop, "context.later", value)).status_code == 200


def test_req_11_a_dose_beside_a_modifier_extension_is_not_read(client: TestClient, stop: dict[str, Any]) -> None:
    modifier = [{"url": "https://example.test/not-this-dose", "valueBoolean": True}]
    call = changed(stop, "context.draftOrders.entry.0.resource.status", "draft")
    before, after = (
        client.post(SIGN, json=one).json()["extension"][OWN]["orders"][0]
        for one in (call, changed(call, "context.draftOrders.entry.0.resource.modifierExtension", modifier))
    )
    assert "dailyDoseMg" in before and "dailyDoseMg" not in after
    assert after["gaps"]


def test_req_13_an_order_of_an_older_fhir_is_known_by_its_shape(client: TestClient, stop: dict[str, Any]) -> None:
    """DSTU2 and STU3 in whole: `test_refill_and_prescribe.py` and the spec tests of older FHIR."""
    call = copy.deepcopy(stop)
    for entry in (*call["context"]["draftOrders"]["entry"], *call["prefetch"]["medicationRequests"]["entry"]):
        order = entry["resource"]
        for dosage in order["dosageInstruction"]:
            dosage |= dosage.get("doseAndRate", [{}])[0]
        order["dosageInstruction"] = [
            {name: value for name, value in dosage.items() if name != "doseAndRate"} for dosage in order["dosageInstruction"]
        ]
        order["requester"] = {"agent": {"reference": "Practitioner/1"}}
    judged = [client.post(SIGN, json=one).json()["extension"][OWN]["orders"][0] for one in (stop, call)]
    assert judged[0] == judged[1]


def test_req_14_a_draft_that_the_record_does_not_hold_is_judged(client: TestClient, stop: dict[str, Any]) -> None:
    call = changed(stop, "context.draftOrders.entry.0.resource.id", "only-in-memory")
    call = changed(call, "context.draftOrders.entry.0.resource.status", "draft")
    [order] = client.post(SIGN, json=call).json()["extension"][OWN]["orders"]
    assert (order["request"], order["action"]) == ("MedicationRequest/only-in-memory", "continue")


@pytest.mark.parametrize("status", ["stopped", "cancelled", "completed", "entered-in-error"])
def test_req_15_an_order_that_ends_a_running_prescription_is_a_stop(
    client: TestClient, stop: dict[str, Any], status: str
) -> None:
    call = changed(stop, "context.draftOrders.entry.0.resource.status", status)
    [order] = client.post(SIGN, json=call).json()["extension"][OWN]["orders"]
    assert order["action"] == "stop"


@pytest.mark.parametrize("status", ["draft", "active", "on-hold", "unknown", "x", None])
def test_req_15_an_order_of_any_status_is_answered(client: TestClient, stop: dict[str, Any], status: str | None) -> None:
    call = changed(stop, "context.draftOrders.entry.0.resource.status", status)
    assert client.post(SIGN, json=call).status_code == 200


def test_req_15_orders_of_several_statuses_and_other_resources_are_told_apart(client: TestClient, stop: dict[str, Any]) -> None:
    call = copy.deepcopy(stop)
    call["context"]["draftOrders"]["entry"] += [
        {"resource": {"resourceType": "ServiceRequest", "id": "s", "status": "draft", "intent": "order"}},
        {"resource": {"resourceType": "Task", "id": "t"}},
    ]
    assert advice(client.post(SIGN, json=call)) == advice(client.post(SIGN, json=stop))


@pytest.mark.row("REQ-16")
def test_a_call_is_answered_alike_whatever_was_asked_before(client: TestClient, stop: dict[str, Any]) -> None:
    first = advice(client.post(SIGN, json=stop))
    client.post(SELECT, json={**stop, "hook": "order-select"})
    client.post(SIGN, json=changed(stop, "context.draftOrders.entry.0.resource.status", "draft"))
    assert advice(client.post(SIGN, json=stop)) == first


# Answers ----------------------------------------------------------------------------------------------------------------


def test_resp_1_and_3_with_nothing_to_say_there_is_an_answer_with_no_card(client: TestClient, stop: dict[str, Any]) -> None:
    other = {"resourceType": "ServiceRequest", "id": "s", "status": "draft", "intent": "order"}
    response = client.post(SIGN, json=changed(stop, "context.draftOrders.entry", [{"resource": other}]))
    assert response.status_code == 200
    assert response.json()["cards"] == []


def test_resp_5_what_can_not_be_answered_is_never_an_empty_answer(
    client: TestClient, stop: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise ValueError

    monkeypatch.setattr("cds.web.app.decide", broken)
    response = client.post(SIGN, json=stop)
    assert response.status_code == 500
    assert "cards" not in response.json()


def test_err_7_an_order_that_can_not_be_understood_is_no_error(client: TestClient, stop: dict[str, Any]) -> None:
    unclear = [{"text": "take as directed"}]
    call = changed(stop, "context.draftOrders.entry.0.resource.dosageInstruction", unclear)
    call = changed(call, "context.draftOrders.entry.0.resource.dispenseRequest", GONE)
    response = client.post(SIGN, json=changed(call, "context.draftOrders.entry.0.resource.status", "draft"))
    assert response.status_code == 200
    assert response.json()["extension"][OWN]["orders"][0]["gaps"]


# Prefetch ---------------------------------------------------------------------------------------------------------------

ERROR = {"resourceType": "OperationOutcome", "issue": [{"severity": "error", "code": "exception"}]}
NOTHING_FOUND = {
    "resourceType": "Bundle",
    "type": "searchset",
    "total": 0,
    "entry": [
        {
            "search": {"mode": "outcome"},
            "resource": {"resourceType": "OperationOutcome", "issue": [{"severity": "warning", "code": "not-found"}]},
        }
    ],
}
KEYS = ("patient", "medicationDispenses", "medicationStatements", "conditions", "observations", "encounter")
VALUES = {
    "absent": GONE,
    "null": None,
    "an empty Bundle": {"resourceType": "Bundle", "type": "searchset", "total": 0},
    "nothing found, with a warning": NOTHING_FOUND,
    "an error": ERROR,
    "a Bundle that holds an error": {"resourceType": "Bundle", "entry": [{"resource": ERROR}]},
    "a first page": {
        "resourceType": "Bundle",
        "link": [{"relation": "next", "url": "https://ehr.test/fhir?page=2"}],
        "entry": [],
    },
    "another type": {"resourceType": "Device", "id": "d"},
    "an empty object": {},
    "a text": "x",
}
each_value = pytest.mark.parametrize("value", VALUES.values(), ids=VALUES.keys())


@each_value
@pytest.mark.parametrize("key", KEYS)
def test_pref_7_to_11_whatever_stands_under_another_key_the_call_is_answered(
    client: TestClient, stop: dict[str, Any], key: str, value: Any
) -> None:
    stop["prefetch"].setdefault(key, None)
    response = client.post(SIGN, json=changed(stop, f"prefetch.{key}", value))
    assert response.status_code == 200
    assert response.json()["cards"]


@each_value
def test_pref_8_to_13_what_stands_under_the_medications_alone_decides_on_412(
    client: TestClient, stop: dict[str, Any], value: Any
) -> None:
    """Without FHIR access. What was looked up and is not there is no reason to refuse; what was not looked up is."""
    call = {**stop, "prefetch": {"patient": stop["prefetch"]["patient"], "medicationRequests": None}}
    looked_up = value is not GONE and value in (None, VALUES["an empty Bundle"], NOTHING_FOUND)
    response = client.post(SIGN, json=changed(call, "prefetch.medicationRequests", value))
    assert response.status_code == (200 if looked_up else 412)


@pytest.mark.row("PREF-15")
def test_a_key_of_another_service_changes_nothing(client: TestClient, stop: dict[str, Any]) -> None:
    call = copy.deepcopy(stop)
    call["prefetch"] |= {"item1": call["prefetch"]["medicationRequests"], "-user": None}
    assert advice(client.post(SIGN, json=call)) == advice(client.post(SIGN, json=stop))


def test_pref_17_a_resource_that_came_twice_counts_once(client: TestClient, stop: dict[str, Any]) -> None:
    call = copy.deepcopy(stop)
    call["prefetch"]["medicationRequests"]["entry"] *= 2
    assert advice(client.post(SIGN, json=call)) == advice(client.post(SIGN, json=stop))


def test_pref_17_a_resource_of_another_patient_is_not_used(client: TestClient, stop: dict[str, Any]) -> None:
    call = copy.deepcopy(stop)
    for entry in call["prefetch"]["medicationRequests"]["entry"]:
        entry["resource"]["subject"] = {"reference": "Patient/other"}
    own, another = (client.post(SIGN, json=one).json()["extension"][OWN] for one in (stop, call))
    assert "long-use" in {risk["id"] for risk in own["orders"][0]["riskFactors"]}
    assert "long-use" not in {risk["id"] for risk in another["orders"][0]["riskFactors"]}
    assert another["gaps"]
