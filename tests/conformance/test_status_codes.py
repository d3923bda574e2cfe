"""Which status a call gets, and that an error says so with an OperationOutcome and without a word from the record."""

from __future__ import annotations

import copy
import json
import logging
from typing import Any

import pytest
from starlette.testclient import TestClient

from cds.web.body import LARGEST_BODY

SIGN = "/cds-services/taper-order-sign"
JSON = {"Content-Type": "application/json"}
SECRET = "Rumpelstiltskin"


def changed(body: dict[str, Any], path: str, value: object) -> dict[str, Any]:
    """The body with one member set, or taken out where the value is None."""
    body = copy.deepcopy(body)
    *parents, name = path.split(".")
    at: Any = body
    for parent in parents:
        at = at[int(parent) if parent.isdigit() else parent]
    at.pop(name) if value is None else at.update({name: value})
    return body


def outcome_of(response: Any, status: int, code: str) -> str:
    """The text of an error answer, once its shape was checked."""
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/json"
    answer = response.json()
    assert answer == {
        "resourceType": "OperationOutcome",
        "issue": [{"severity": "error", "code": code, "details": {"text": answer["issue"][0]["details"]["text"]}}],
    }
    assert SECRET not in response.text
    text: str = answer["issue"][0]["details"]["text"]
    return text


def test_err_1_a_call_that_is_answered_gets_200(client: TestClient, stop: dict[str, Any]) -> None:
    response = client.post(SIGN, json=stop)
    assert response.status_code == 200
    assert response.headers["content-type"] == "application/json"


@pytest.mark.parametrize("media_type", ["application/json; charset=utf-8", "application/fhir+json", "Application/JSON;x=y"])
def test_gen_7_json_is_accepted_with_any_parameters_and_whatever_the_accept(
    client: TestClient, stop: dict[str, Any], media_type: str
) -> None:
    response = client.post(SIGN, content=json.dumps(stop), headers={"Content-Type": media_type, "Accept": "text/html"})
    assert response.status_code == 200
    assert response.headers["content-type"] == "application/json"


def test_a_trailing_slash_is_tolerated(client: TestClient, stop: dict[str, Any]) -> None:
    assert client.post(SIGN + "/", json=stop, follow_redirects=False).status_code == 200


NO_JSON = {
    "nothing": b"",
    "a word": b"Rumpelstiltskin",
    "an open object": b'{"hook": "order-sign"',
    "a closing brace too many": b'{"hook": "order-sign"}}',
    "a trailing comma": b'{"hook": "order-sign",}',
    "a comment": b'{} // "Rumpelstiltskin"',
    "a byte order mark": b"\xef\xbb\xbf{}",
    "NaN": b'{"hook": NaN}',
    "Infinity": b'{"hook": Infinity}',
    "a number too large": b'{"hook": 1e400}',
    "bytes that are no UTF-8": b'{"hook": "\xff"}',
    "half a surrogate pair": b'{"hook": "\\ud800"}',
    "UTF-16": '{"hook": "x"}'.encode("utf-16"),
    "100,000 lists in each other": b"[" * 100_000,
    "100,000 objects in each other": b'{"a":' * 100_000,
}


@pytest.mark.parametrize("body", NO_JSON.values(), ids=NO_JSON.keys())
def test_err_5_what_is_no_json_gets_400(client: TestClient, body: bytes) -> None:
    says = outcome_of(client.post(SIGN, content=body, headers=JSON), 400, "invalid")
    assert says.startswith("The body is not JSON: at line")


@pytest.mark.parametrize("body", ["[]", '"x"', "1", "null", "true"])
def test_err_5_json_that_is_no_object_gets_400(client: TestClient, body: str) -> None:
    outcome_of(client.post(SIGN, content=body, headers=JSON), 400, "invalid")


def test_err_5_what_is_nested_as_deep_as_json_goes_is_answered_or_refused(client: TestClient, stop: dict[str, Any]) -> None:
    deep = b"[" * 900 + b"]" * 900
    body = json.dumps(stop).encode().replace(b'"prefetch": {', b'"prefetch": {"conditions": ' + deep + b", ", 1)
    twice = b'{"resourceType":"Condition","id":"c","x":%s}'
    entries = b'{"resourceType":"Bundle","entry":[{"resource":%s},{"resource":%s}]}' % (twice % deep, twice % deep)
    compared = json.dumps(stop).encode().replace(b'"conditions": null', b'"conditions": ' + entries, 1)
    for each in (body, compared):
        assert client.post(SIGN, content=each, headers=JSON).status_code in {200, 400}


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("hook", None),
        ("hook", "order-select"),
        ("hookInstance", None),
        ("hookInstance", SECRET),
        ("context", None),
        ("context", SECRET),
        ("context.patientId", None),
        ("context.patientId", [SECRET]),
        ("context.draftOrders", [SECRET]),
        ("prefetch", SECRET),
        ("fhirAuthorization", {"access_token": SECRET}),
    ],
)
def test_req_12_a_member_missing_or_of_the_wrong_type_gets_400(
    client: TestClient, stop: dict[str, Any], path: str, value: object
) -> None:
    says = outcome_of(client.post(SIGN, json=changed(stop, path, value)), 400, "invalid")
    assert says.startswith("fhirServer" if path == "fhirAuthorization" else path)


def test_err_6_an_unknown_service_gets_404(client: TestClient, stop: dict[str, Any]) -> None:
    outcome_of(client.post(f"/cds-services/{SECRET}", json=stop), 404, "not-found")


def test_err_6_an_unknown_address_gets_404(client: TestClient) -> None:
    outcome_of(client.get(f"/{SECRET}"), 404, "not-found")


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("GET", SIGN, {"POST", "OPTIONS"}),
        ("DELETE", SIGN, {"POST", "OPTIONS"}),
        ("POST", "/cds-services", {"GET", "HEAD", "OPTIONS"}),
        ("PUT", "/health", {"GET", "HEAD", "OPTIONS"}),
    ],
)
def test_err_6_a_wrong_method_gets_405_and_the_right_ones(client: TestClient, method: str, path: str, allowed: set[str]) -> None:
    response = client.request(method, path)
    outcome_of(response, 405, "not-supported")
    assert {one.strip() for one in response.headers["allow"].split(",")} == allowed


@pytest.mark.parametrize("path", ["/cds-services", SIGN])
def test_cors_2_a_preflight_is_answered_and_allows_no_origin_yet(client: TestClient, path: str) -> None:
    response = client.options(path, headers={"Origin": "https://ehr.test", "Access-Control-Request-Method": "POST"})
    assert response.status_code == 204
    assert response.content == b""
    assert not [name for name in response.headers if name.startswith("access-control")]


def test_err_2_without_any_medication_list_a_call_gets_412(client: TestClient, stop: dict[str, Any]) -> None:
    says = outcome_of(client.post(SIGN, json=changed(stop, "prefetch", None)), 412, "incomplete")
    assert "medicationRequests" in says


def test_pref_14_a_chart_that_lacks_the_data_is_no_412(client: TestClient, stop: dict[str, Any]) -> None:
    assert client.post(SIGN, json=changed(stop, "prefetch.medicationRequests", {"resourceType": "Bundle"})).status_code == 200


@pytest.mark.row("GEN-10")
def test_err_6_a_body_over_the_limit_gets_413(client: TestClient) -> None:
    outcome_of(client.post(SIGN, content=b" " * (LARGEST_BODY + 1), headers=JSON), 413, "too-long")


@pytest.mark.parametrize(
    "headers",
    [
        {"Content-Type": "text/plain"},
        {"Content-Type": "application/xml"},
        {"Content-Type": ""},
        {"Content-Type": "application/jsonp"},
        {"Content-Type": "application/json", "Content-Encoding": "gzip"},
    ],
)
def test_err_6_a_wrong_media_type_gets_415(client: TestClient, headers: dict[str, str]) -> None:
    outcome_of(client.post(SIGN, content=b"{}", headers=headers), 415, "not-supported")


def test_req_17_an_order_for_another_patient_gets_422(client: TestClient, stop: dict[str, Any]) -> None:
    other = changed(stop, "context.draftOrders.entry.0.resource.subject", {"reference": f"Patient/{SECRET}"})
    outcome_of(client.post(SIGN, json=other), 422, "business-rule")


@pytest.mark.row("FHIR-6")
def test_req_17_a_token_for_another_patient_gets_422(client: TestClient, stop: dict[str, Any]) -> None:
    call = {**stop, "fhirServer": "https://ehr.test", "fhirAuthorization": {"access_token": "x", "patient": SECRET}}
    outcome_of(client.post(SIGN, json=call), 422, "business-rule")


def test_err_8_an_unforeseen_error_gets_500_and_is_logged_without_its_message(
    client: TestClient, stop: dict[str, Any], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: object) -> None:
        raise ValueError(SECRET)

    monkeypatch.setattr("cds.web.app.decide", broken)
    with caplog.at_level(logging.INFO, "cds"):
        outcome_of(client.post(SIGN, json=stop), 500, "exception")
    assert [record.fields["error"] for record in caplog.records] == ["ValueError"]  # type: ignore[attr-defined]
    assert not [record for record in caplog.records if record.exc_info or SECRET in str(vars(record))]
