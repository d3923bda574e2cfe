"""`cds ask` and `cds serve`: what they accept, show and refuse."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import httpx
import pytest
from typer.testing import CliRunner

from cds.cli.asked_on_a_day import ReadRequest, moved
from cds.cli.main import app
from cds.cli.serve import is_this_machine

ROOT = Path(__file__).parents[2]

REQUEST: dict[str, Any] = {
    "hook": "patient-view",
    "hookInstance": "d1577c69-dfbe-44ad-ba6d-3e05e953b2ea",
    "context": {"userId": "Practitioner/1", "patientId": "p"},
    "prefetch": {
        "medicationRequests": {
            "resourceType": "Bundle",
            "entry": [
                {
                    "resource": {
                        "resourceType": "MedicationRequest",
                        "id": "1",
                        "status": "active",
                        "intent": "order",
                        "subject": {"reference": "Patient/p"},
                        "authoredOn": "2026-11-01",
                        "medicationCodeableConcept": {"text": "diazepam 5 mg tablet"},
                        "dosageInstruction": [{"text": "1 tablet daily"}],
                    }
                }
            ],
        }
    },
}


@pytest.fixture
def story(tmp_path: Path) -> Path:
    """A story's folder: the request, and the day that it is told on."""
    (tmp_path / "request.json").write_text(json.dumps(REQUEST))
    (tmp_path / "expected.json").write_text('{"day": "2026-11-23"}')
    return tmp_path


def run(*arguments: object, typed: str = "", env: dict[str, str] | None = None) -> Any:
    return CliRunner().invoke(app, [str(one) for one in arguments], input=typed, env=env)


@pytest.mark.parametrize("named", ["folder", "file", "standard input"])
def test_a_call_is_asked_from_a_folder_a_file_or_standard_input(story: Path, named: str) -> None:
    request = {"folder": story, "file": story / "request.json", "standard input": "-"}[named]
    result = run("ask", request, "--json", typed=json.dumps(REQUEST))
    assert result.exit_code == 0, result.output
    assert [order["agent"] for order in json.loads(result.stdout)["extension"]["org.taper-cds"]["orders"]] == ["diazepam"]


def test_the_terminal_shows_what_was_judged(story: Path) -> None:
    result = run("ask", story)
    assert result.exit_code == 0, result.output
    assert "Judged: MedicationRequest/1" in result.stdout


def test_why_tells_of_every_rule_as_of_the_story_s_day(story: Path) -> None:
    result = run("ask", story, "--why")
    assert result.exit_code == 0, result.output
    for rule in ("dependence-likely", "older-adult", "review-long-use"):
        assert f"{rule} on 2026-11-23: " in result.stdout


def test_another_day_can_be_asked_for(story: Path) -> None:
    assert "on 2026-12-24: " in run("ask", story, "--why", "--day", "2026-12-24").stdout


@pytest.mark.parametrize("day", ["2026-11-23", "2027-08-15", "2036-02-29"])
def test_a_story_tells_the_same_on_every_day(day: str) -> None:
    told = run("ask", ROOT / "fhir_examples/abrupt-stop-alprazolam", "--json", "--day", day)
    cards = [(card["indicator"], card["extension"]["org.taper-cds"]["rule"]) for card in json.loads(told.stdout)["cards"]]
    assert cards[0] == ("critical", "abrupt-stop")


def test_a_request_is_printed_as_of_a_day_and_nobody_is_asked(story: Path) -> None:
    printed = json.loads(run("ask", story, "--print-request", "--day", "2036-11-23").stdout)
    [entry] = printed["prefetch"]["medicationRequests"]["entry"]
    assert date(2036, 11, 23) - date.fromisoformat(entry["resource"]["authoredOn"]) == date(2026, 11, 23) - date(2026, 11, 1)
    assert "cards" not in printed and printed["hook"] == REQUEST["hook"]


REFUSED = {
    "no such file": (["ask", "nowhere.json"], "nowhere.json: there is no such file."),
    "no JSON": (["ask", "-"], "standard input:1:1: this is not JSON"),
    "a day that is none": (["ask", "-", "--day", "tomorrow"], "seen 'tomorrow'; expected a day such as 2026-11-23."),
    "why of a running service": (["ask", "-", "--server", "http://127.0.0.1:1", "--why"], "--server: a running service"),
}


@pytest.mark.parametrize(("arguments", "says"), REFUSED.values(), ids=REFUSED.keys())
def test_bad_input_is_told_on_standard_error_with_status_2(arguments: list[str], says: str) -> None:
    typed = json.dumps(REQUEST) if "--day" in arguments else ""
    result = run(*arguments, typed=typed)
    assert result.exit_code == 2
    assert says in result.stderr
    assert result.stdout == ""


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ({}, "hook: seen none that a service answers"),
        ([], "hook: seen none that a service answers"),
        ({**REQUEST, "context": 1}, "context: seen a number; expected an object."),
        ({**REQUEST, "prefetch": {}}, "medicationRequests"),
    ],
)
def test_a_call_that_is_refused_is_told_with_status_2(body: object, says: str) -> None:
    result = run("ask", "-", typed=json.dumps(body))
    assert result.exit_code == 2
    assert says in result.stderr


def test_a_service_can_be_named(story: Path) -> None:
    result = run("ask", story, "--service", "taper-order-sign")
    assert result.exit_code == 2
    assert "taper-order-sign answers order-sign" in result.stderr


def test_a_bad_setting_is_told_with_status_2(story: Path) -> None:
    result = run("ask", story, env={"CDS_RULEZ": "x"})
    assert result.exit_code == 2
    assert "Did you mean CDS_RULES?" in result.stderr


# Of a running service -------------------------------------------------------------------------------------------------


def test_a_running_service_is_asked_with_the_story_s_dates_moved_to_today(story: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[tuple[str, Any]] = []

    def post(url: str, *, content: bytes, **_: object) -> httpx.Response:
        sent.append((url, json.loads(content)))
        return httpx.Response(200, json={"cards": [], "extension": {}})

    monkeypatch.setattr(httpx, "post", post)
    result = run("ask", story, "--server", "http://127.0.0.1:8000/")
    assert result.exit_code == 0, result.output
    [(url, body)] = sent
    assert url == "http://127.0.0.1:8000/cds-services/taper-patient-view"
    [entry] = body["prefetch"]["medicationRequests"]["entry"]
    age = date.fromisoformat("2026-11-23") - date.fromisoformat("2026-11-01")
    authored = date.fromisoformat(entry["resource"]["authoredOn"])
    assert abs((date.today() - authored - age).days) <= 1  # noqa: DTZ011


@pytest.mark.parametrize(("knowledge", "told"), [("sha256:0+north", True), ("sha256:0", False)])
def test_the_site_as_which_a_running_service_judged_is_told(
    story: Path, monkeypatch: pytest.MonkeyPatch, knowledge: str, told: bool
) -> None:
    answer = {"cards": [], "extension": {"org.taper-cds": {"knowledge": knowledge}}}
    monkeypatch.setattr(httpx, "post", lambda *_, **__: httpx.Response(200, json=answer))
    assert ("Site: north" in run("ask", story, "--server", "http://127.0.0.1:8000").output) is told


def test_an_error_of_a_running_service_is_told_with_status_2(story: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    outcome = {"resourceType": "OperationOutcome", "issue": [{"details": {"text": "Send medicationRequests."}}]}
    monkeypatch.setattr(httpx, "post", lambda *_, **__: httpx.Response(412, json=outcome))
    result = run("ask", story, "--server", "http://127.0.0.1:8000")
    assert result.exit_code == 2
    assert "answered 412. Send medicationRequests." in result.stderr


def test_no_running_service_is_told_with_status_2(story: Path) -> None:
    result = run("ask", story, "--server", "http://127.0.0.1:1")
    assert result.exit_code == 2
    assert "Is the service running there?" in result.stderr


MOVED = [
    ("2026-11-01", "2026-11-11"),
    ("2026-11-25T08:00:00+01:00", "2026-12-05T08:00:00+01:00"),
    ("2026-11", "2026-11"),
    ("2026-02-30", "2026-02-30"),
    ("9999-12-31", "9999-12-31"),
    ("on 2026-11-01", "on 2026-11-01"),
    (1, 1),
    (None, None),
]


@pytest.mark.parametrize(("value", "expected"), MOVED)
def test_dates_move_and_nothing_else(value: object, expected: object) -> None:
    assert moved(ReadRequest({"a": [{"b": value}]}, date(2026, 11, 23)), date(2026, 12, 3)) == {"a": [{"b": expected}]}


@pytest.mark.parametrize(("value", "expected"), [("2026-11", "2036-11"), ("2026", "2026")])
def test_a_month_moves_by_years_and_a_year_that_may_be_a_code_stays(value: str, expected: str) -> None:
    assert moved(ReadRequest([value], date(2026, 11, 23)), date(2036, 11, 23)) == [expected]


def test_a_call_that_belongs_to_no_story_keeps_its_dates() -> None:
    assert moved(ReadRequest({"a": "2026-11-01"}, None), date(2026, 12, 3)) == {"a": "2026-11-01"}


# Serving --------------------------------------------------------------------------------------------------------------


OWN = ("127.0.0.1", "127.1.2.3", "::1", "localhost")
OTHERS = ("0.0.0.0", "::", "192.168.0.2", "ehr.test", "")


@pytest.mark.parametrize(
    ("host", "own"),
    [*((host, True) for host in OWN), *((host, False) for host in OTHERS)],
)
def test_only_loopback_addresses_are_this_machine(host: str, own: bool) -> None:
    assert is_this_machine(host) is own


@pytest.mark.parametrize("host", ["0.0.0.0", "::", ""])
def test_listening_to_other_machines_is_refused_unless_allowed_on_purpose(host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[dict[str, Any]] = []
    monkeypatch.setattr("uvicorn.run", lambda *_, **options: started.append(options))
    refused = run("serve", "--host", host)
    assert (refused.exit_code, started) == (2, [])
    assert "CDS_ALLOW_UNAUTHENTICATED=yes" in refused.stderr
    allowed = run("serve", "--host", host, env={"CDS_ALLOW_UNAUTHENTICATED": "yes"})
    assert allowed.exit_code == 0, allowed.output
    assert [options["host"] for options in started] == [host]


def test_serving_begins_on_this_machine_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[dict[str, Any]] = []
    monkeypatch.setattr("uvicorn.run", lambda *_, **options: started.append(options))
    assert run("serve").exit_code == 0
    assert [(options["host"], options["port"]) for options in started] == [("127.0.0.1", 8000)]


@pytest.mark.parametrize("env", [{"CDS_RULES": "no/such/folder"}, {"CDS_PORT": "1"}])
def test_serving_with_bad_settings_is_refused(env: dict[str, str]) -> None:
    result = run("serve", env=env)
    assert result.exit_code == 2
    assert next(iter(env)) in result.stderr
