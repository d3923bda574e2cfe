"""A FHIR server that is slow, wrong, closed or dead: the call ends in time, with 412 or with advice that says what is missing."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Any

import pytest
from starlette.testclient import TestClient

from cds.hooks.messages import fhir_access
from tests.fhir_access.calls import HISTORY, KEYS, SIGN, TOKEN, bundle, stop
from tests.fhir_access.conftest import Answer, FhirServer, breaks_off, content, drips, hangs, status

LONGEST = 120.0
"""Seconds, many times what the service allows itself here: only a hang takes longer."""

FAULTS = {
    "it denies the token": status(401),
    "it denies the scope": status(403),
    "it fails": status(500),
    "it is busy": status(503, Retry_After="1"),
    "it redirects": status(302, Location="http://127.0.0.1:1/fhir/"),
    "it redirects for good": status(308, Location="https://evil.example/"),
    "it breaks off": breaks_off,
    "it answers with a page": content(b"<html>log in</html>"),
    "it answers with a list": content([]),
    "it answers with a word": content("x"),
    "it answers with nothing": content(b""),
    "it answers with a number": content(b"1e999"),
    "it answers with lists in lists": content(b'{"a":' + b"[" * 100_000),
    "it answers with too much": content(b'{"a":"' + b"x" * (6 * 1024 * 1024) + b'"}'),
    "it answers with something compressed": content(b"\x1f\x8b", Content_Encoding="gzip"),
}

SLOW = {"it says nothing": hangs, "it drips": drips}

each_fault = pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS.keys())
each_slow_fault = pytest.mark.parametrize("fault", SLOW.values(), ids=SLOW.keys())
Hurried = Callable[[Callable[[TestClient], None]], None]


def posted(service: TestClient, call: dict[str, Any]) -> Any:
    started = time.monotonic()
    response = service.post(SIGN, json=call)
    assert time.monotonic() - started < LONGEST
    return response


def gaps(response: Any) -> list[str]:
    assert response.status_code == 200, response.text
    return [gap["resource"] for gap in response.json()["extension"]["org.taper-cds"]["gaps"]]


def without_the_list(service: TestClient, fhir: FhirServer, fault: Answer) -> None:
    fhir.ways["*"] = fault
    response = posted(service, stop(fhir.base))
    assert response.status_code == 412, response.text
    assert response.json()["resourceType"] == "OperationOutcome"


def without_another_part(service: TestClient, fhir: FhirServer, fault: Answer) -> None:
    fhir.ways["Condition"] = fault
    assert gaps(posted(service, stop(fhir.base))) == ["prefetch/conditions"]


def without_a_page(service: TestClient, fhir: FhirServer, fault: Answer) -> None:
    fhir.ways["further"] = fault
    fhir.resources["MedicationRequest"] = bundle(*HISTORY, link=[{"relation": "next", "url": f"{fhir.base}/further?x=1"}])
    assert gaps(posted(service, stop(fhir.base))) == ["prefetch/medicationRequests"]


@each_fault
def test_fhir_12_and_13_without_the_medication_list_a_call_gets_412(service: TestClient, fhir: FhirServer, fault: Answer) -> None:
    without_the_list(service, fhir, fault)


@each_slow_fault
def test_fhir_12_and_13_a_medication_list_that_does_not_come_gets_412(hurried: Hurried, fhir: FhirServer, fault: Answer) -> None:
    hurried(lambda service: without_the_list(service, fhir, fault))


@each_fault
def test_fhir_12_and_13_without_another_part_a_call_gets_advice_that_says_so(
    service: TestClient, fhir: FhirServer, fault: Answer
) -> None:
    without_another_part(service, fhir, fault)


@each_slow_fault
def test_fhir_12_and_13_of_another_part_that_does_not_come_the_advice_says_so(
    hurried: Hurried, fhir: FhirServer, fault: Answer
) -> None:
    hurried(lambda service: without_another_part(service, fhir, fault))


@each_fault
def test_fhir_13_a_page_that_can_not_be_read_leaves_the_part_incomplete(
    service: TestClient, fhir: FhirServer, fault: Answer
) -> None:
    without_a_page(service, fhir, fault)


@each_slow_fault
def test_fhir_13_a_page_that_does_not_come_leaves_the_part_incomplete(hurried: Hurried, fhir: FhirServer, fault: Answer) -> None:
    hurried(lambda service: without_a_page(service, fhir, fault))


def test_fhir_12_pages_that_each_come_in_time_end_in_the_time_of_all(hurried: Hurried, fhir: FhirServer, paged: Any) -> None:
    """However much time a call has, pages that each take more than half of what one may take are not all read."""
    one_after_the_other = paged(*[bundle(*HISTORY)] * 20)

    def together(service: TestClient) -> None:
        allowed = service.app.state.settings.fhir_read_seconds  # type: ignore[attr-defined]

        def slowly(fhir: FhirServer, handler: Any) -> None:
            time.sleep(0.6 * allowed)
            one_after_the_other(fhir, handler)

        fhir.asked.clear()
        fhir.ways["MedicationRequest"] = slowly
        assert gaps(posted(service, stop(fhir.base))) == ["prefetch/medicationRequests"]
        assert fhir.paths().count("MedicationRequest") <= 4, "none takes less than a third of the time of all"

    hurried(together)


def test_fhir_8_an_access_does_not_tell_its_token() -> None:
    access = fhir_access(stop("https://ehr.test/fhir"))
    assert not isinstance(access, str) and access.token == TOKEN
    assert TOKEN not in f"{access} {access!r}"


def test_a_server_that_is_dead_gets_the_call_412(service: TestClient, fhir: FhirServer) -> None:
    dead = stop(fhir.base.replace(str(fhir.port), "1"))
    assert posted(service, dead).status_code == 412


def test_fhir_3_a_token_that_has_run_out_is_not_used(service: TestClient, fhir: FhirServer) -> None:
    call = stop(fhir.base)
    call["fhirAuthorization"]["expires_in"] = 0
    assert posted(service, call).status_code == 412
    assert fhir.asked == []


@pytest.mark.parametrize(
    ("member", "value"),
    [
        ("access_token", None), ("access_token", 7), ("access_token", "two\r\nX-Evil: lines"),
        ("access_token", "schlüssel"), ("token_type", "MAC"), ("token_type", None), ("expires_in", "soon"), ("expires_in", True),
        ("expires_in", None), ("expires_in", -1),
    ],
)  # fmt: skip
def test_fhir_1_to_3_an_authorization_that_can_not_be_used_is_no_access(
    service: TestClient, fhir: FhirServer, member: str, value: object
) -> None:
    call = stop(fhir.base)
    call["fhirAuthorization"][member] = value
    assert posted(service, call).status_code == 412
    assert fhir.asked == []


def test_an_empty_token_is_none_so_that_an_open_server_is_read_without_one(service: TestClient, fhir: FhirServer) -> None:
    assert posted(service, stop(fhir.base, token="")).status_code == 200
    assert fhir.asked and all(token is None for _, token in fhir.asked)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"fhirServer": "https://elsewhere.test/fhir"}, "none of the servers that may be read for this client"),
        ({"fhirServer": None, "fhirAuthorization": None}, "the call names no fhirServer"),
        ({"fhirAuthorization": {"token_type": "MAC"}}, "fhirAuthorization.token_type is not Bearer"),
        ({"fhirAuthorization": {"expires_in": 0}}, "the token has run out"),
        ({"fhirAuthorization": {"access_token": 7}}, "fhirAuthorization.access_token is no text"),
        ({"prefetch": {"medicationRequests": {"resourceType": "OperationOutcome"}}}, "medicationRequests (the EHR reported an"),
        ({}, "reading failed: patient denied, medicationRequests denied"),
    ],
)
def test_a_412_and_its_log_line_say_why_nothing_was_read(
    service: TestClient, fhir: FhirServer, caplog: pytest.LogCaptureFixture, change: dict[str, Any], says: str
) -> None:
    fhir.ways["*"] = status(403)
    call = stop(fhir.base)
    for name, value in change.items():
        call[name] = {**call[name], **value} if isinstance(value, dict) else value
    with caplog.at_level(logging.INFO, "cds"):
        response = posted(service, call)
    [line] = [vars(record)["fields"] for record in caplog.records if record.getMessage() == "call"]
    assert response.status_code == 412 and line["status"] == 412
    assert says in response.json()["issue"][0]["details"]["text"] and says in line["why"]
    assert line["client"] and TOKEN not in response.text


@pytest.mark.parametrize("token_type", ["bearer", "BEARER"])
@pytest.mark.parametrize("scope", ["MedicationRequest.Read (R4)", "patient/*.rs", "", None, 7])
def test_fhir_2_and_4_the_type_is_read_in_any_case_and_scopes_in_any_words(
    service: TestClient, fhir: FhirServer, token_type: str, scope: object
) -> None:
    call = stop(fhir.base)
    call["fhirAuthorization"] |= {"token_type": token_type, "scope": scope}
    assert posted(service, call).status_code == 200


@pytest.mark.parametrize("fault", ["well", *FAULTS])
def test_fhir_8_the_token_is_in_no_log_no_counter_and_no_answer(
    service: TestClient, fhir: FhirServer, fault: str, caplog: pytest.LogCaptureFixture
) -> None:
    if fault in FAULTS:
        fhir.ways["*"] = FAULTS[fault]
    with caplog.at_level(logging.DEBUG):
        response = posted(service, stop(fhir.base))
    told = "\n".join(
        [response.text, str(response.headers), service.get("/metrics").text, *(str(vars(one)) for one in caplog.records)]
    )
    assert TOKEN not in told


def test_the_log_and_the_counters_tell_what_became_of_each_part(
    service: TestClient, fhir: FhirServer, caplog: pytest.LogCaptureFixture
) -> None:
    fhir.ways["Condition"] = status(500)
    with caplog.at_level(logging.INFO, "cds"):
        posted(service, stop(fhir.base, observations=None, medicationDispenses=bundle(HISTORY[0])))
    [told] = [vars(record)["fields"]["prefetch"] for record in caplog.records if "prefetch" in vars(record).get("fields", {})]
    assert told == {
        "sent": ["medicationDispenses"],
        "null": ["observations"],
        "missing": ["encounter"],
        "fetched": ["patient", "medicationRequests", "medicationStatements"],
        "failed": ["conditions"],
    }
    counted = service.get("/metrics").text
    assert 'cds_prefetch_total{client="everyone",key="conditions",state="failed"} 1.0' in counted
    assert 'cds_fhir_read_seconds_count{outcome="status"} 1.0' in counted
    assert set(KEYS) <= {key for key in KEYS if f'key="{key}"' in counted}
