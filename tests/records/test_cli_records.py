"""`cds replay` and `cds records`, as typed."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import Result
from typer.testing import CliRunner

from cds.cli.main import app
from cds.records.database import spool_of
from cds.records.decisions import DecisionRecord
from cds.records.store import Store

from .conftest import Told, a_record, sqlite

STORY = "abrupt-stop-alprazolam"


def run(folder: Path, *words: str) -> Result:
    return CliRunner().invoke(app, [*words, "--store", sqlite(folder)])


def stored(folder: Path, *records: DecisionRecord) -> None:
    store = Store(sqlite(folder), spool_of(sqlite(folder)))
    assert store.start()
    for record in records:
        store.write_decision(record)
    store.close()


def test_a_replay_shows_the_cards_and_says_that_they_are_the_same(
    tell: Callable[..., Told], write_down: Callable[[Told], DecisionRecord], tmp_path: Path
) -> None:
    record = write_down(tell(STORY))
    stored(tmp_path, record)
    ran = run(tmp_path, "replay", record.id)
    assert ran.exit_code == 0, ran.output
    assert "critical" in ran.output and "The cards are the ones that were shown." in ran.output


def test_a_replay_that_gives_other_cards_says_which(
    tell: Callable[..., Told], write_down: Callable[[Told], DecisionRecord], tmp_path: Path
) -> None:
    record = write_down(tell(STORY))
    payload = json.loads(record.payload)
    payload["cards"][0]["summary"] = "Other words than were shown"
    forged = replace(record, payload=json.dumps(payload))
    stored(tmp_path, forged)
    ran = run(tmp_path, "replay", forged.id)
    assert ran.exit_code == 1
    assert "Not as shown: card 1: summary" in ran.output


def test_a_replay_with_other_rules_and_of_an_unknown_decision_is_refused(tmp_path: Path) -> None:
    record = a_record()
    stored(tmp_path, record)
    ran = run(tmp_path, "replay", record.id)
    assert ran.exit_code == 2 and "made with the rules sha256:0" in ran.output
    ran = run(tmp_path, "replay", "d-1")
    assert ran.exit_code == 2 and "No decision d-1 is stored here" in ran.output


def test_an_export_is_one_json_object_a_line(tmp_path: Path) -> None:
    records = [a_record(cards=2), a_record()]
    stored(tmp_path, *records)
    ran = run(tmp_path, "records", "export")
    lines = [json.loads(line)["decision"] for line in ran.stdout.splitlines()]
    assert {line["id"] for line in lines} == {record.id for record in records}
    assert sum(len(line["cards"]) for line in lines) == 3


def test_a_purge_tells_what_it_deleted(tmp_path: Path) -> None:
    now = datetime.now(UTC)
    new = a_record(made_at=now)
    stored(tmp_path, new, a_record(made_at=now - timedelta(days=31)))
    ran = run(tmp_path, "records", "purge", "--older-than", "30")
    assert ran.exit_code == 0 and ran.output.startswith("Deleted 1 decisions and 0 feedback events from before ")
    assert new.id in run(tmp_path, "records", "export").stdout


@pytest.mark.parametrize("words", [["records", "purge"], ["records", "purge", "--older-than", "0"]])
def test_a_purge_needs_to_be_told_how_old(words: list[str], tmp_path: Path) -> None:
    assert run(tmp_path, *words).exit_code == 2


def test_an_address_that_can_not_be_used_is_refused(tmp_path: Path) -> None:
    ran = CliRunner().invoke(app, ["records", "export", "--store", "mysql://u:secret@h/d"])
    assert ran.exit_code == 2 and "expected postgresql://" in ran.output and "secret" not in ran.output
