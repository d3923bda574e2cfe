"""A decision is kept with the site as which it was judged, and made again as that site had the rule book."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import orjson
import pytest
from typer.testing import CliRunner

from cds.cli.main import app
from cds.records.decisions import DecisionRecord
from cds.records.rows import from_line, line
from cds.records.store import Store
from tests.security.served_sites import ABRUPT, CLIENTS, GENTLE, Place, knowledge_of

from .conftest import a_record

LONGEST = "n" * 63


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def decided(place: Place, story: str) -> dict[str, DecisionRecord]:
    """What was kept of the same call of each client."""
    with place.served() as service:
        answers = {client: service.ask(client, story) for client in CLIENTS}
        named = {client: answer["extension"]["org.taper-cds"]["decision"] for client, answer in answers.items()}
        kept = {client: service.kept.store.decision(id) for client, id in named.items()}
    assert {client: record.knowledge for client, record in kept.items()} == {
        client: knowledge_of(answer) for client, answer in answers.items()
    }
    return kept


def replay(place: Place, record: DecisionRecord, **environment: str) -> tuple[int, str]:
    ran = CliRunner().invoke(
        app, ["replay", record.id, "--store", place.store], env={"CDS_RULES": str(place.rules), "CDS_SITE": None, **environment}
    )
    return ran.exit_code, ran.output


def test_what_is_kept_tells_the_revision_of_the_rule_book_and_the_site(place: Place) -> None:
    kept = decided(place, ABRUPT)
    assert {client: record.site for client, record in kept.items()} == CLIENTS
    assert len({record.revision for record in kept.values()}) == 1


def test_what_was_in_force_is_that_of_the_site_however_the_calls_alternate(place: Place) -> None:
    told = {client: record.content()["inForce"]["parameters"] for client, record in decided(place, ABRUPT).items()}
    limits = {client: parameters["free_cut"] for client, parameters in told.items()}
    assert limits == {"at-north": "10 percent", "at-south": "12.5 percent", "at-none": "12.5 percent"}


@pytest.mark.parametrize("story", [ABRUPT, GENTLE])
@pytest.mark.parametrize("site", [None, "south"])
def test_a_decision_is_made_again_by_its_own_site_whatever_the_settings_say(place: Place, story: str, site: str | None) -> None:
    for record in decided(place, story).values():
        environment = {"CDS_SITE": site} if site else {}
        code, told = replay(place, record, **environment)
        assert (code, "The cards are the ones that were shown." in told) == (0, True), told


def test_a_decision_made_after_a_review_was_due_is_made_again_too(place: Place) -> None:
    with place.served() as service:
        place.clock.day = date(2027, 1, 1) + timedelta(days=1)
        answer = service.ask("at-north", GENTLE)
        record = service.kept.store.decision(answer["extension"]["org.taper-cds"]["decision"])
    assert replay(place, record)[0] == 0


def test_a_replay_without_the_site_s_file_is_refused_and_names_both(place: Place) -> None:
    record = decided(place, GENTLE)["at-north"]
    (place.rules / "sites/north.yaml").unlink()
    code, told = replay(place, record)
    assert code == 2
    assert f"{record.revision}+north" in told


def test_the_longest_id_of_a_site_has_room(store: Store) -> None:
    record = replace(a_record(), revision=f"sha256:{'0' * 64}", site=LONGEST)
    store.write_decision(record)
    assert store.decision(record.id) == record


def test_a_spooled_line_of_an_older_program_keeps_its_site() -> None:
    record = replace(a_record(), site="north")
    older = orjson.loads(line(record))
    older["revision"] += f"+{older.pop('site')}"
    assert from_line(orjson.dumps(older)) == from_line(line(record)) == record
