"""Names, ids, free texts and tokens that are planted in a call are in no byte that is written: database, its log, spool, key."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from cds.core.facts import Known, Unknown
from cds.errors import BadRequest
from cds.knowledge.model import CodedValue
from cds.records.database import database_url, opened
from cds.records.decisions import DecisionRecord
from cds.records.feedback import reported
from cds.records.pseudonyms import Pseudonyms
from cds.records.store import Store, StoredIn

from .conftest import CLIENT, KEYED, NOON, ROOT, SERVICE, STORIES, Postgres, Told, spool_in, sqlite

PLANTED = "Zqvxjk"
"""Part of no word that we write ourselves."""
OPEN_TEXTS = {"text", "display", "family", "given", "value", "unit", "title", "patientInstruction", "note", "userId"}
IDS = {"id", "patientId", "encounterId", "reference", "fullUrl", "selections"}


def planted(value: Any, member: str = "") -> Any:
    """A request with the mark in every id, reference, name, display and free text."""
    if isinstance(value, dict):
        told = {name: planted(each, name) for name, each in value.items()}
        if value.get("resourceType") == "Patient":
            told |= {"name": [{"family": PLANTED, "text": f"{PLANTED} Jane"}], "identifier": [{"value": f"MRN-{PLANTED}"}]}
        return told
    if isinstance(value, list):
        return [planted(each, member) for each in value]
    if not isinstance(value, str):
        return value
    if member in IDS:
        return f"{value}-{PLANTED}"
    return f"{value} {PLANTED}" if member in OPEN_TEXTS else value


def with_unknown_members(request: dict[str, Any]) -> dict[str, Any]:
    """The request with members in its drafts that FHIR doesn't have, named by the mark."""
    for entry in request["context"].get("draftOrders", {}).get("entry", []):
        entry["resource"] |= {PLANTED: PLANTED, "note": [{"text": "x", PLANTED: {PLANTED: 1}}]}
    return request


def call_of(name: str) -> dict[str, Any]:
    request = planted(json.loads((ROOT / "fhir_examples" / name / "request.json").read_text()))
    request["fhirServer"] = f"https://{PLANTED}.example/fhir"
    request["fhirAuthorization"] = {"access_token": f"token-{PLANTED}", "token_type": "Bearer", "subject": PLANTED}
    return with_unknown_members(dict(request))


@pytest.fixture(scope="module")
def planted_calls(tell: Callable[..., Told]) -> list[Told]:
    """Every story, planted, decided."""
    return [tell(name, call_of(name)) for name in STORIES]


def written_by(folder: Path) -> Iterator[tuple[Path, bytes]]:
    for path in folder.rglob("*"):
        if path.is_file():
            yield path, path.read_bytes()


def report(card: str) -> dict[str, Any]:
    return {
        "card": card,
        "outcome": "overridden",
        "outcomeTimestamp": "2026-11-23T12:00:00Z",
        "overrideReason": {"reason": {"system": PLANTED, "code": PLANTED, "display": PLANTED}, "userComment": PLANTED},
    }


def test_the_harness_finds_what_is_planted(planted_calls: list[Told], tmp_path: Path) -> None:
    (tmp_path / "answer").write_text(json.dumps(planted_calls[0].decision.answer))
    assert [path.name for path, told in written_by(tmp_path) if PLANTED.encode() in told] == ["answer"]


def fill(store: Store, calls: list[Told], write_down: Callable[[Told], DecisionRecord]) -> None:
    offered = [CodedValue("urn:x", "supervised", "Withdrawal is supervised", "own")]
    for told in calls:
        store.write_decision(write_down(told))
        cards = [card["uuid"] for card in told.decision.answer["cards"]]
        events = reported({"feedback": [report(card) for card in (*cards, PLANTED)]}, offered, KEYED).events
        store.write_feedback(events, CLIENT, SERVICE, NOON)


@pytest.mark.row("SEC-16", "SEC-20", "FHIR-8")
def test_nothing_that_is_planted_is_in_sqlite_or_its_log(
    planted_calls: list[Told], write_down: Callable[[Told], DecisionRecord], tmp_path: Path
) -> None:
    store = Store(sqlite(tmp_path), spool_in(tmp_path))
    assert store.start()
    fill(store, planted_calls, write_down)
    names = {path.suffix for path, _ in written_by(tmp_path)}
    assert {".sqlite", ".sqlite-wal"} <= names
    found = [path for path, told in written_by(tmp_path) if PLANTED.lower().encode() in told.lower()]
    store.close()
    assert found == []
    assert b"abrupt-stop" in (tmp_path / "store/decisions.sqlite").read_bytes()


def test_nothing_that_is_planted_is_in_postgresql_or_its_log(
    planted_calls: list[Told], write_down: Callable[[Told], DecisionRecord], postgres: Postgres, tmp_path: Path
) -> None:
    address = postgres.new_database()
    store = Store(address, spool_in(tmp_path))
    assert store.start()
    fill(store, planted_calls, write_down)
    engine = opened(database_url(address))
    with engine.connect() as connection:
        connection.execution_options(isolation_level="AUTOCOMMIT").execute(text("CHECKPOINT"))
    engine.dispose()
    rows = [str(line) for line in store.export()]  # the server compresses what is long, so the rows are searched as well
    store.close()
    assert [row for row in rows if PLANTED.lower() in row.lower()] == []
    assert [path for path, told in written_by(postgres.folder) if PLANTED.lower().encode() in told.lower()] == []


def test_nothing_that_is_planted_is_in_the_spool(
    planted_calls: list[Told], write_down: Callable[[Told], DecisionRecord], tmp_path: Path
) -> None:
    (tmp_path / "store").write_text("no folder, so no database")
    store = Store(sqlite(tmp_path), spool_in(tmp_path))
    assert {store.write_decision(write_down(told)) for told in planted_calls} == {StoredIn.SPOOLED}
    assert [path for path, told in written_by(tmp_path) if PLANTED.lower().encode() in told.lower()] == []


def test_no_fact_and_no_gap_holds_a_text_of_the_call(planted_calls: list[Told]) -> None:
    said = []
    for told in planted_calls:
        facts = [fact for judgement in told.decision.judgements for fact in judgement.facts.values()]
        said += [f"{fact.value} {fact.because}" for fact in facts if isinstance(fact, Known)]
        said += [fact.reason for fact in facts if isinstance(fact, Unknown)]
        said += [gap.says for order in (told.decision, *told.decision.judged) for gap in order.gaps]
    assert [line for line in said if PLANTED.lower() in line.lower()] == []


def test_patients_of_one_hospital_are_told_apart_and_no_two_hospitals_are_joined() -> None:
    one, two = "https://one/fhir", "https://two/fhir"
    places = [("a", one, "7"), ("a", two, "7"), ("b", one, "7"), ("a", one, "8"), ("a", None, "7")]
    assert len({KEYED.patient(*place) for place in places}) == 5
    assert KEYED.patient("a", None, "7") == KEYED.patient("a", None, "7")


@pytest.mark.parametrize(
    ("reference", "name"),
    [
        ("MedicationRequest/Jane", "MedicationRequest#1"),
        ("MedicationRequest", "MedicationRequest"),
        ("Jane/Doe", "Resource#1"),
        ("Jane", "Resource#1"),
        ("prefetch/Jane", "Resource#1"),
        ("prefetch/conditions", "prefetch/conditions"),
        ("", ""),
    ],
)
def test_a_reference_is_replaced_whatever_it_looks_like(reference: str, name: str) -> None:
    assert Pseudonyms().of(reference) == name


def test_a_resource_keeps_its_name_within_a_decision() -> None:
    names = Pseudonyms()
    assert names.all(("Condition/a", "Condition/b", "Observation/a", "Condition/a")) == [
        "Condition#1", "Condition#2", "Observation#1", "Condition#1",
    ]  # fmt: skip


def test_a_refused_report_says_nothing_of_it() -> None:
    with pytest.raises(BadRequest) as refusal:
        reported({"feedback": [{"card": PLANTED, "outcome": PLANTED}]}, [], KEYED)
    assert PLANTED not in str(refusal.value)
