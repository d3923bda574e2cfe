"""The store behind the service, over HTTP: a call leaves its record, feedback is stored or refused, nobody is named."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient
from typer.testing import CliRunner

from cds.cli.main import app as command
from cds.engine.engine import Engine
from cds.knowledge.model import Knowledge
from cds.settings import BadSettings, Settings
from cds.web.app import app
from cds.web.factory import kept_by
from cds.web.logs import JsonLines
from cds.web.recording import Recording, keeping
from tests.security.tokens import ISSUER, PUBLIC, ec_key, shown

from .conftest import ROOT, SERVICE, STORIES, Postgres, sqlite
from .test_no_patient_is_named import PLANTED, call_of, report, written_by

HOOK = f"/cds-services/{SERVICE}"
FEEDBACK = f"{HOOK}/feedback"
STORY = ROOT / "fhir_examples/abrupt-stop-alprazolam"
DAY = date.fromisoformat(json.loads((STORY / "expected.json").read_text())["day"])
CALL = json.loads((STORY / "request.json").read_text())


@pytest.fixture
def kept(tmp_path: Path) -> Recording:
    return keeping(sqlite(tmp_path), None, lambda: datetime.now(UTC))


@pytest.fixture
def service(book: Knowledge, engine: Engine, kept: Recording) -> Iterator[TestClient]:
    with TestClient(app(book, engine, Settings(), lambda: DAY, kept), raise_server_exceptions=False) as browser:
        yield browser


@pytest.fixture
def broken(kept: Recording, monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    def fails(*_: Any, **__: Any) -> None:
        raise OSError("no space left")

    return lambda: (monkeypatch.setattr(kept.store, "_write", fails), monkeypatch.setattr(kept.store, "_read", fails))  # type: ignore[return-value]


def lines(kept: Recording, kind: str) -> list[dict[str, Any]]:
    return [line[kind] for line in kept.store.export() if kind in line]


def feedback_on(answer: Any) -> dict[str, Any]:
    return {"feedback": [report(card["uuid"]) for card in answer["cards"]]}


# Decisions --------------------------------------------------------------------------------------------------------------


@pytest.mark.row("SEC-20")
def test_a_call_leaves_a_record_that_replays_to_the_same_cards(service: TestClient, tmp_path: Path) -> None:
    answer = service.post(HOOK, json=CALL)
    assert answer.status_code == 200 and answer.json()["cards"]
    decision = answer.json()["extension"]["org.taper-cds"]["decision"]
    again = CliRunner().invoke(command, ["replay", decision, "--store", sqlite(tmp_path)])
    assert again.exit_code == 0, again.output
    assert "The cards are the ones that were shown." in again.output


def test_the_record_tells_what_became_of_the_prefetch(service: TestClient, kept: Recording) -> None:
    answer = service.post(HOOK, json=CALL).json()
    record = kept.store.decision(answer["extension"]["org.taper-cds"]["decision"])
    assert record.client == "everyone"
    assert record.content()["prefetch"]["medicationRequests"] == "sent"


def test_the_time_that_keeping_took_is_told(service: TestClient) -> None:
    assert "keep;dur=" in service.post(HOOK, json=CALL).headers["server-timing"]


def test_a_refused_call_leaves_no_decision(service: TestClient, kept: Recording) -> None:
    assert service.post(HOOK, json={}).status_code == 400
    assert lines(kept, "decision") == []


def test_with_the_store_down_the_call_is_answered_and_its_decision_spooled(
    service: TestClient, kept: Recording, broken: Callable[[], None]
) -> None:
    broken()
    assert service.post(HOOK, json=CALL).status_code == 200
    assert kept.store.spool.waiting()
    assert 'cds_store_decisions_total{kept="spooled"} 1.0' in service.get("/metrics").text


# Feedback ---------------------------------------------------------------------------------------------------------------


@pytest.mark.row("FB-1", "FB-12")
@pytest.mark.parametrize("slash", ["", "/"])
def test_feedback_is_stored_and_acknowledged(service: TestClient, kept: Recording, slash: str) -> None:
    told = service.post(FEEDBACK + slash, json=feedback_on(service.post(HOOK, json=CALL).json()))
    assert (told.status_code, told.json()) == (200, {})
    (stored, *_) = lines(kept, "feedback")
    assert stored["card"] in {card["card"] for decision in lines(kept, "decision") for card in decision["cards"]}


@pytest.mark.row("FB-9")
def test_feedback_that_is_sent_again_is_acknowledged_and_stored_once(service: TestClient, kept: Recording) -> None:
    body = feedback_on(service.post(HOOK, json=CALL).json())
    assert [service.post(FEEDBACK, json=body).status_code for _ in range(3)] == [200] * 3
    assert len(lines(kept, "feedback")) == len(body["feedback"])


@pytest.mark.row("FB-12")
@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        (FEEDBACK, {}, 400),
        (FEEDBACK, {"feedback": [{"card": "x", "outcome": "ignored"}]}, 400),
        (FEEDBACK, [], 400),
        (f"/cds-services/{PLANTED}/feedback", {"feedback": []}, 404),
        (FEEDBACK, {"feedback": []}, 200),
        (FEEDBACK, {"feedback": [report("a card that nobody was shown")]}, 200),
    ],
)
def test_feedback_gets_the_status_that_fits(
    service: TestClient, path: str, body: Any, status: int, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, logger="cds"):
        told = service.post(path, json=body)
    assert told.status_code == status
    assert PLANTED not in told.text and PLANTED not in logged(caplog)
    if status != 200:
        assert told.json()["resourceType"] == "OperationOutcome"


@pytest.mark.row("FB-12")
def test_feedback_that_can_not_be_stored_gets_503_and_is_taken_when_the_store_is_back(
    service: TestClient, kept: Recording, broken: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    body = feedback_on(service.post(HOOK, json=CALL).json())
    broken()
    refused = service.post(FEEDBACK, json=body)
    assert (refused.status_code, refused.headers["retry-after"]) == (503, "5")
    monkeypatch.undo()
    assert service.post(FEEDBACK, json=body).status_code == 200
    assert len(lines(kept, "feedback")) == len(body["feedback"])


@pytest.mark.row("FB-11")
def test_feedback_needs_a_token_of_its_own(book: Knowledge, engine: Engine, kept: Recording, tmp_path: Path) -> None:
    key = ec_key("k")
    (tmp_path / "keys.json").write_text(json.dumps({"keys": [key.public()]}))
    clients = tmp_path / "clients.yaml"
    clients.write_text(f"clients:\n  hospital: {{issuer: {ISSUER}, keys: keys.json}}\n")
    made = app(book, engine, Settings(clients=clients, public_url=PUBLIC), lambda: DAY, kept)
    body = {"feedback": [report("c")]}
    with TestClient(made) as service:
        assert service.post(FEEDBACK, json=body).status_code == 401
        assert service.post(FEEDBACK, json=body, headers=shown(key.token(HOOK))).status_code == 401
        assert service.post(FEEDBACK, json=body, headers=shown(key.token(FEEDBACK))).status_code == 200
        assert [line["client"] for line in lines(kept, "feedback")] == ["hospital"]


@pytest.mark.row("FB-11")
def test_the_token_of_the_service_will_do_where_the_client_is_known_for_it(
    book: Knowledge, engine: Engine, kept: Recording, tmp_path: Path
) -> None:
    key = ec_key("k")
    (tmp_path / "keys.json").write_text(json.dumps({"keys": [key.public()]}))
    clients = tmp_path / "clients.yaml"
    clients.write_text(f"clients:\n  hospital: {{issuer: {ISSUER}, keys: keys.json, audiences: ['{PUBLIC}{HOOK}']}}\n")
    made = app(book, engine, Settings(clients=clients, public_url=PUBLIC), lambda: DAY, kept)
    with TestClient(made) as service:
        assert service.post(FEEDBACK, json={"feedback": []}, headers=shown(key.token(HOOK))).status_code == 200


def test_without_a_store_there_is_no_route_for_feedback(book: Knowledge, engine: Engine) -> None:
    with TestClient(app(book, engine, Settings(), lambda: DAY)) as service:
        assert service.post(FEEDBACK, json={"feedback": []}).status_code == 404
        assert "store" not in service.get("/ready").json()


# Readiness and starting -------------------------------------------------------------------------------------------------


def test_ready_tells_where_decisions_go(service: TestClient, broken: Callable[[], None]) -> None:
    assert service.get("/ready").json()["store"] == "reachable"
    broken()
    answer = service.get("/ready")
    assert (answer.status_code, answer.json()["store"]) == (200, "spooling")


def test_it_is_not_ready_where_decisions_can_go_nowhere(
    service: TestClient, kept: Recording, broken: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    broken()
    monkeypatch.setattr(kept.store.spool, "usable", lambda: False)
    assert service.get("/ready").status_code == 503


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        (Settings(database_url="mysql://user:s3cret@host/records"), "CDS_DATABASE_URL: expected postgresql://"),
        (Settings(patient_hash_key="s3cret"), "CDS_PATIENT_HASH_KEY: expected at least 32 characters"),
        (Settings(database_url="sqlite:////dev/null/x"), "CDS_DATABASE_URL: /dev/null"),
    ],
)
def test_a_store_that_can_not_be_used_stops_the_start(settings: Settings, says: str) -> None:
    with pytest.raises(BadSettings) as refused:
        kept_by(settings)
    assert str(refused.value).startswith(says)
    assert "s3cret" not in str(refused.value)


# Nobody is named --------------------------------------------------------------------------------------------------------


def logged(caplog: pytest.LogCaptureFixture) -> str:
    return "\n".join(JsonLines().format(record) for record in caplog.records)


@pytest.mark.row("SEC-16", "SEC-20", "FHIR-8")
def test_nothing_that_names_a_patient_is_in_the_store_the_log_or_the_counters(
    service: TestClient, kept: Recording, tmp_path: Path, caplog: pytest.LogCaptureFixture, broken: Callable[[], None]
) -> None:
    hooks = {"order-sign": SERVICE, "order-select": "taper-order-select", "patient-view": "taper-patient-view"}
    with caplog.at_level(logging.DEBUG, logger="cds"):
        answers = []
        for name in STORIES[:20]:
            call = call_of(name)
            answers.append(service.post(f"/cds-services/{hooks.get(call['hook'], SERVICE)}", json=call).json())
            service.post(FEEDBACK, json={"feedback": [report(card["uuid"]) for card in answers[-1].get("cards", [])]})
        service.post(FEEDBACK, json={"feedback": [report(PLANTED)]})
        service.post(f"{FEEDBACK}?patient={PLANTED}", json={PLANTED: PLANTED})
        broken()
        assert service.post(HOOK, json=call_of(STORY.name)).status_code == 200
    assert any(PLANTED in json.dumps(answer) for answer in answers), "the calls hold what is searched for"
    assert kept.store.spool.waiting()
    written = [path.name for path, told in written_by(tmp_path) if PLANTED.lower().encode() in told.lower()]
    assert written == []
    assert PLANTED.lower() not in logged(caplog).lower()
    assert PLANTED.lower() not in service.get("/metrics").text.lower()


def test_the_service_keeps_its_records_in_postgresql(book: Knowledge, engine: Engine, postgres: Postgres) -> None:
    kept = keeping(postgres.new_database(), "k" * 32, lambda: datetime.now(UTC))
    with TestClient(app(book, engine, Settings(), lambda: DAY, kept)) as service:
        answer = service.post(HOOK, json=CALL).json()
        assert service.post(FEEDBACK, json=feedback_on(answer)).status_code == 200
        assert kept.store.decision(answer["extension"]["org.taper-cds"]["decision"]).content()["cards"]
        assert len(lines(kept, "feedback")) == len(answer["cards"])
