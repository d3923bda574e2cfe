"""`cds rules explain DECISION`: of a stored decision, why each rule was true, false or could not tell."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from click.testing import Result
from starlette.testclient import TestClient
from typer.testing import CliRunner

from cds.cli.main import app as command
from cds.cli.rules.explain import Weighed, of_record, of_request
from cds.engine.engine import Engine
from cds.engine.explanation import explained
from cds.knowledge.files.vocabulary import askable
from cds.knowledge.loader import knowledge
from cds.knowledge.model import Knowledge
from cds.knowledge.site_overlay import overlaid
from cds.records.database import spool_of
from cds.records.decisions import DecisionRecord, Recorder
from cds.records.store import Store
from cds.settings import Settings
from cds.web.app import app
from cds.web.recording import keeping

from .conftest import CLIENT, KEYED, NOON, ROOT, SERVICE, STORIES, Told, sqlite

Tell, WriteDown = Callable[..., Told], Callable[[Told], DecisionRecord]
RULES = ROOT / "rules"
UNTOLD, STOP = "conditions-not-sent", "abrupt-stop-alprazolam"


def run(address: str, decision: str, *words: object) -> Result:
    return CliRunner().invoke(command, ["rules", "explain", decision, "--store", address, *map(str, words)])


def stored(address: str, record: DecisionRecord) -> None:
    store = Store(address, spool_of(address))
    assert store.start(), store.trouble
    store.write_decision(record)
    store.close()


def stories(found: Weighed, rules: Knowledge) -> list[list[str]]:
    return [[explained(finding, found.day, askable(rules)) for finding in findings] for _, findings in found.judged]


@pytest.mark.parametrize("name", STORIES)
def test_a_stored_decision_is_explained_as_the_call_was(
    name: str, tell: Tell, write_down: WriteDown, book: Knowledge, engine: Engine
) -> None:
    told = tell(name)
    then, later = of_request(told.decision, engine), of_record(write_down(told), engine)
    assert stories(later, book) == stories(then, book)
    assert (later.day, later.hook, len(later.judged)) == (then.day, then.hook, len(then.judged))
    assert [name.partition(": ")[2] for name, _ in later.judged] == [name.partition(": ")[2] for name, _ in then.judged]


def test_an_order_whose_drug_could_not_be_told_is_told_with_the_card_that_says_so(
    tell: Tell, write_down: WriteDown, tmp_path: Path
) -> None:
    record = write_down(tell("could-not-check-code-and-words-disagree"))
    stored(sqlite(tmp_path), record)
    told = run(sqlite(tmp_path), record.id).output
    assert "MedicationRequest#1, not judged: " in told
    assert "could-not-check on 2026-11-23: true" in told and "order_dose_readable is no; asked: is no" in told


def test_it_is_read_from_either_database(tell: Tell, write_down: WriteDown, address: str) -> None:
    record = write_down(tell(STOP))
    stored(address, record)
    ran = run(address, record.id)
    assert ran.exit_code == 0, ran.output
    assert "MedicationRequest#1: alprazolam" in ran.output
    assert "abrupt-stop on 2026-11-23: true" in ran.output


def test_what_was_missing_is_told_with_the_resource_in_which_it_would_stand(
    tell: Tell, write_down: WriteDown, tmp_path: Path
) -> None:
    record = write_down(tell(UNTOLD))
    stored(sqlite(tmp_path), record)
    told = json.loads(run(sqlite(tmp_path), record.id, "--format", "json").output)
    [pregnancy] = [story for story in told if story["rule"] == "pregnancy"]
    assert pregnancy["answer"] == "cannot tell"
    assert "it would stand in Condition (prefetch key conditions)" in pregnancy["missing"][0]


def test_what_was_only_assumed_is_told_to_be(tell: Tell, write_down: WriteDown, tmp_path: Path) -> None:
    record = write_down(tell(UNTOLD))
    stored(sqlite(tmp_path), record)
    told = run(sqlite(tmp_path), record.id).output
    assert "hospice_or_palliative_care is no (assumed, since the conditions were not given)" in told


def test_a_decision_of_other_rules_is_refused_and_told_which_are_needed(
    tell: Tell, write_down: WriteDown, tmp_path: Path
) -> None:
    record = write_down(tell(STOP))
    stored(sqlite(tmp_path), record)
    other = Path(shutil.copytree(RULES, tmp_path / "other"))
    (other / "texts.yaml").write_text((other / "texts.yaml").read_text() + "# another revision\n")
    ran = run(sqlite(tmp_path), record.id, "--rules", other)
    assert ran.exit_code == 2
    assert f"made with the rules {record.revision}" in ran.output and "as it was on 2026-11-23: --rules DIR" in ran.output


def test_a_decision_of_a_site_is_explained_with_the_numbers_of_the_site(tell: Tell, tmp_path: Path) -> None:
    rules = Path(shutil.copytree(RULES, tmp_path / "rules"))
    file = rules / "sites/example-site.yaml"
    file.write_text(file.read_text().replace("status: draft", "status: active").replace("from: 2026-12-01", "from: 2026-11-01"))
    book = knowledge(rules)
    site = overlaid(book, book.sites["example-site"], date(2026, 11, 23))
    asked = tell(STOP)
    as_the_site = replace(asked.decision, knowledge=site.revision)
    record = Recorder(KEYED, "0.1.0").recorded(as_the_site, asked.call, site, CLIENT, NOON)
    stored(sqlite(tmp_path), record)
    ran = run(sqlite(tmp_path), record.id, "--rules", rules)
    assert ran.exit_code == 0, ran.output
    assert "largest_cut_in_two_weeks (20 percent, example-site/largest_cut_in_two_weeks)" in ran.output


@pytest.mark.parametrize(
    ("words", "says"), [((), "No decision"), (("--day", "2026-11-23"), "a stored decision was made on its own day")]
)
def test_what_can_not_be_explained_is_told_and_ends_with_2(words: tuple[str, ...], says: str, tmp_path: Path) -> None:
    ran = run(sqlite(tmp_path), "12345678-1234-1234-1234-123456789abc", *words)
    assert ran.exit_code == 2 and says in ran.output


def test_a_decision_that_the_service_made_is_explained(book: Knowledge, engine: Engine, tmp_path: Path) -> None:
    folder = ROOT / "fhir_examples" / STOP
    kept = keeping(sqlite(tmp_path), None, lambda: datetime.now(UTC))
    with TestClient(app(book, engine, Settings(), lambda: date(2026, 11, 23), kept)) as service:
        answer = service.post(f"/cds-services/{SERVICE}", json=json.loads((folder / "request.json").read_text())).json()
    ran = run(sqlite(tmp_path), answer["extension"]["org.taper-cds"]["decision"])
    assert ran.exit_code == 0, ran.output
    for card in answer["cards"]:
        assert f"{card['extension']['org.taper-cds']['rule']} on 2026-11-23: true" in ran.output
