"""What a call did not bring is read from the client's FHIR server, by the call's own token, and from nowhere else."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from urllib.parse import unquote

import pytest
from starlette.testclient import TestClient

from tests.fhir_access.calls import ALPRAZOLAM, DAY, HISTORY, KEYS, PATIENT, SIGN, TOKEN, bundle, request, stop
from tests.fhir_access.conftest import FhirServer

OTHERS: dict[str, Any] = {**dict.fromkeys(KEYS), "patient": PATIENT}
"""The patient, and every other key as null: there is none."""


def rules_of(response: Any) -> list[str]:
    assert response.status_code == 200, response.text
    return [card["extension"]["org.taper-cds"]["rule"] for card in response.json()["cards"]]


def judged(response: Any) -> dict[str, Any]:
    assert response.status_code == 200, response.text
    [order] = response.json()["extension"]["org.taper-cds"]["orders"]
    return dict(order)


def gaps(response: Any) -> list[str]:
    return [gap["resource"] for gap in response.json()["extension"]["org.taper-cds"]["gaps"]]


def test_pref_7_and_8_a_call_without_prefetch_gets_the_same_advice(service: TestClient, fhir: FhirServer) -> None:
    sent = {**OTHERS, "medicationRequests": bundle(*HISTORY)}
    told = service.post(SIGN, json=stop(None, None, **sent))
    read = service.post(SIGN, json=stop(fhir.base))
    assert rules_of(read) == rules_of(told) != []
    assert judged(read)["takesNowMg"] == judged(told)["takesNowMg"] == 3
    assert gaps(read) == []


def test_pref_7_only_keys_that_are_missing_are_read(service: TestClient, fhir: FhirServer) -> None:
    rest = {key: None for key in KEYS if key not in {"conditions", "patient"}}
    rest["medicationRequests"] = bundle(*HISTORY)
    assert rules_of(service.post(SIGN, json=stop(fhir.base, **rest)))
    assert sorted(fhir.paths()) == ["Condition", "Patient/p"]


def test_pref_9_and_10_what_is_null_or_empty_is_not_asked_for_again(service: TestClient, fhir: FhirServer) -> None:
    nothing = {**OTHERS, "medicationRequests": bundle(), "conditions": bundle()}
    assert service.post(SIGN, json=stop(fhir.base, **nothing)).status_code == 200
    assert fhir.asked == []


def test_pref_11_what_came_as_an_error_is_not_asked_for_again(service: TestClient, fhir: FhirServer) -> None:
    error = {"resourceType": "OperationOutcome", "issue": [{"severity": "error", "code": "exception"}]}
    response = service.post(SIGN, json=stop(fhir.base, **{**OTHERS, "medicationRequests": bundle(*HISTORY), "conditions": error}))
    assert gaps(response) == ["prefetch/conditions"]
    assert fhir.asked == []


@pytest.mark.row("FHIR-14")
def test_pref_6_the_searches_are_those_of_the_templates(service: TestClient, fhir: FhirServer) -> None:
    offered = service.get("/cds-services").json()["services"][0]["prefetch"]
    service.post(SIGN, json=stop(fhir.base))
    wanted = {"/fhir/" + query.replace("{{context.patientId}}", "p") for key, query in offered.items() if key != "encounter"}
    assert {unquote(url) for url, _ in fhir.asked} == wanted


def test_an_address_holds_only_what_a_strict_server_takes(service: TestClient, fhir: FhirServer) -> None:
    service.post(SIGN, json=stop(fhir.base))
    assert not [url for url, _ in fhir.asked if set(url) & set('|{}"<>^` ')]


def test_an_encounter_is_read_where_the_call_names_one(service: TestClient, fhir: FhirServer) -> None:
    call = stop(fhir.base)
    call["context"]["encounterId"] = "e1"
    service.post(SIGN, json=call)
    assert "Encounter/e1" in fhir.paths()


def test_an_id_stays_an_id_whatever_is_in_it(service: TestClient, fhir: FhirServer) -> None:
    call = stop(fhir.base)
    call["context"]["patientId"] = "p?_format=xml&x=.."
    call["context"]["draftOrders"]["entry"][0]["resource"]["subject"] = {"reference": "urn:uuid:1"}
    service.post(SIGN, json=call)
    assert fhir.asked
    assert all("_format" not in url.partition("?")[2].replace("%3F_format", "") for url, _ in fhir.asked)


def test_fhir_7_each_read_shows_the_token(service: TestClient, fhir: FhirServer) -> None:
    service.post(SIGN, json=stop(fhir.base))
    assert {token for _, token in fhir.asked} == {f"Bearer {TOKEN}"}


def test_a_server_that_asks_for_no_token_is_read_without_one(service: TestClient, fhir: FhirServer) -> None:
    assert rules_of(service.post(SIGN, json=stop(fhir.base, None)))
    assert {token for _, token in fhir.asked} == {None}


def test_fhir_13_a_patient_that_is_not_there_is_no_fault(service: TestClient, fhir: FhirServer) -> None:
    del fhir.resources["Patient/p"]
    assert rules_of(service.post(SIGN, json=stop(fhir.base)))
    assert 'cds_prefetch_total{client="everyone",key="patient",state="fetched"} 1.0' in service.get("/metrics").text


def test_req_14_a_draft_is_not_read(service: TestClient, fhir: FhirServer) -> None:
    service.post(SIGN, json=stop(fhir.base))
    assert not [path for path in fhir.paths() if path.startswith("MedicationRequest/")]


def test_an_order_of_another_drug_costs_no_read(service: TestClient, fhir: FhirServer) -> None:
    draft = request("d", "draft", DAY, medicationCodeableConcept={"text": "amoxicillin 500 mg capsule"})
    assert rules_of(service.post(SIGN, json=stop(fhir.base, draft=draft))) == []
    assert fhir.asked == []


def test_req_17_nothing_is_read_for_a_call_that_mixes_patients(service: TestClient, fhir: FhirServer) -> None:
    call = stop(fhir.base)
    call["fhirAuthorization"]["patient"] = "someone-else"
    assert service.post(SIGN, json=call).status_code == 422
    assert fhir.asked == []


def test_what_the_server_says_of_another_patient_is_not_used(service: TestClient, fhir: FhirServer) -> None:
    others = [{**one, "subject": {"reference": "Patient/other"}} for one in HISTORY]
    fhir.resources["MedicationRequest"] = bundle(*others)
    response = service.post(SIGN, json=stop(fhir.base))
    assert "long-use" not in [risk["id"] for risk in judged(response)["riskFactors"]]
    assert "MedicationRequest/h1" in gaps(response)


# Medications that are referred to ---------------------------------------------------------------------------------------


def by_reference(resource: dict[str, Any], link: str) -> dict[str, Any]:
    plain = {name: value for name, value in resource.items() if name != "medicationCodeableConcept"}
    return {**plain, "medicationReference": {"reference": link}}


@pytest.mark.row("FHIR-9")
@pytest.mark.parametrize("absolute", [False, True])
def test_pref_18_the_drug_of_a_draft_is_read_where_the_call_only_refers_to_it(
    service: TestClient, fhir: FhirServer, absolute: bool
) -> None:
    link = f"{fhir.base}/Medication/m1" if absolute else "Medication/m1"
    fhir.resources["Medication/m1"] = {"resourceType": "Medication", "id": "m1", "code": ALPRAZOLAM}
    draft = by_reference({**HISTORY[0], "status": "stopped"}, link)
    assert judged(service.post(SIGN, json=stop(fhir.base, draft=draft)))["agent"] == "alprazolam"
    assert fhir.paths()[0] == "Medication/m1"


def test_pref_18_the_drugs_of_the_history_are_read_once_each(service: TestClient, fhir: FhirServer) -> None:
    fhir.resources["Medication/m1"] = {"resourceType": "Medication", "id": "m1", "code": ALPRAZOLAM}
    fhir.resources["MedicationRequest"] = bundle(*(by_reference(one, "Medication/m1") for one in HISTORY))
    assert judged(service.post(SIGN, json=stop(fhir.base)))["takesNowMg"] == 3
    assert fhir.paths().count("Medication/m1") == 1


@pytest.mark.row("FHIR-14")
def test_pref_18_a_medication_that_was_sent_is_not_read(service: TestClient, fhir: FhirServer) -> None:
    medication = {"resourceType": "Medication", "id": "m1", "code": ALPRAZOLAM}
    call = stop(fhir.base, draft=by_reference({**HISTORY[0], "status": "stopped"}, "Medication/m1"))
    call["context"]["draftOrders"]["entry"].append({"resource": medication})
    assert judged(service.post(SIGN, json=call))["agent"] == "alprazolam"
    assert "Medication/m1" not in fhir.paths()


def test_a_medication_elsewhere_is_not_read(service: TestClient, fhir: FhirServer) -> None:
    draft = by_reference({**HISTORY[0], "status": "stopped"}, "http://127.0.0.1:1/fhir/Medication/m1")
    assert service.post(SIGN, json=stop(fhir.base, draft=draft)).status_code == 200


# Pages ------------------------------------------------------------------------------------------------------------------


@pytest.mark.row("FHIR-9")
def test_pref_13_every_page_is_read(service: TestClient, fhir: FhirServer, paged: Any) -> None:
    fhir.ways["MedicationRequest"] = paged(bundle(HISTORY[0]), bundle(*HISTORY[1:4]), bundle(*HISTORY[4:]))
    response = service.post(SIGN, json=stop(fhir.base))
    assert rules_of(response)
    assert gaps(response) == []
    assert fhir.paths().count("MedicationRequest") == 3


def test_pref_13_the_further_pages_of_a_prefetched_bundle_are_read(service: TestClient, fhir: FhirServer, paged: Any) -> None:
    fhir.ways["MedicationRequest"] = paged(bundle(), bundle(*HISTORY[1:]))
    first = bundle(HISTORY[0], link=[{"relation": "next", "url": f"{fhir.base}/MedicationRequest?page=1"}])
    response = service.post(SIGN, json=stop(fhir.base, **{**OTHERS, "medicationRequests": first}))
    assert "long-use" in [risk["id"] for risk in judged(response)["riskFactors"]]
    assert gaps(response) == []


@pytest.mark.parametrize("link", ["MedicationRequest?page=1", "?page=1"])
def test_a_link_to_the_next_page_may_be_relative(service: TestClient, fhir: FhirServer, paged: Any, link: str) -> None:
    fhir.ways["MedicationRequest"] = fhir.ways[""] = paged(bundle(), bundle(*HISTORY[1:]))
    first = bundle(HISTORY[0], link=[{"relation": "next", "url": link}])
    assert gaps(service.post(SIGN, json=stop(fhir.base, **{**OTHERS, "medicationRequests": first}))) == []


def test_pref_13_a_page_that_never_ends_is_told_as_unread(service: TestClient, fhir: FhirServer, answers: Any) -> None:
    link = [{"relation": "next", "url": f"{fhir.base}/MedicationRequest?again"}]
    fhir.ways["MedicationRequest"] = answers(bundle(*HISTORY, link=link))
    response = service.post(SIGN, json=stop(fhir.base))
    assert gaps(response) == ["prefetch/medicationRequests"]
    assert fhir.paths().count("MedicationRequest") == 2


def test_pref_13_pages_without_a_server_to_ask_are_told_as_unread(service: TestClient) -> None:
    first = bundle(*HISTORY, link=[{"relation": "next", "url": "https://ehr.test/fhir/MedicationRequest?page=1"}])
    assert gaps(service.post(SIGN, json=stop(None, None, **{**OTHERS, "medicationRequests": first}))) == [
        "prefetch/medicationRequests"
    ]


def test_a_client_of_dstu2_is_asked_for_its_own_resources(service: TestClient, fhir: FhirServer) -> None:
    order = {
        "resourceType": "MedicationOrder", "id": "h0", "status": "stopped", "patient": {"reference": "Patient/p"},
        "medicationCodeableConcept": ALPRAZOLAM, "dateWritten": (DAY - timedelta(days=5)).isoformat(),
        "dosageInstruction": [{"text": "1 tablet three times a day"}],
    }  # fmt: skip
    fhir.resources["MedicationOrder"] = bundle({**order, "status": "active"})
    assert judged(service.post(SIGN, json=stop(fhir.base, draft=order)))["takesNowMg"] == 3
    assert "MedicationRequest" not in fhir.paths()
    assert not [url for url, _ in fhir.asked if "_sort" in url]
