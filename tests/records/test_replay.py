"""A stored decision is made again: every story gives the cards that were shown, from the record alone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cds.core.facts import Fact, Known, Unknown
from cds.core.record import RecordPart
from cds.engine.engine import Engine
from cds.knowledge.model import Knowledge
from cds.records.decisions import DecisionRecord, Recorder
from cds.records.payload import fact, fact_json
from cds.records.pseudonyms import Pseudonyms
from cds.records.replay import differences, replayed, shown
from cds.records.rows import from_line, line
from cds.records.store import Store
from cds.records.store_errors import OtherKnowledge

from .conftest import KEYED, NOON, STORIES, Told, spool_in, sqlite

Tell, WriteDown = Callable[..., Told], Callable[[Told], DecisionRecord]
STORY = "abrupt-stop-alprazolam"


@pytest.fixture(scope="module")
def stored(tell: Tell, book: Knowledge, tmp_path_factory: pytest.TempPathFactory) -> Store:
    folder = tmp_path_factory.mktemp("store")
    store = Store(sqlite(folder), spool_in(folder))
    assert store.start()
    return store


@pytest.mark.parametrize("name", STORIES)
def test_the_same_cards(name: str, tell: Tell, write_down: WriteDown, stored: Store, book: Knowledge, engine: Engine) -> None:
    told = tell(name)
    stored.write_decision(write_down(told))
    record = stored.decision(told.decision.id)
    assert differences(record, replayed(record, book, engine)) == []
    assert len(shown(record)) == len(told.decision.answer["cards"])


def changed(record: DecisionRecord, change: Callable[[Any], None]) -> DecisionRecord:
    content = record.content()
    change(content)
    return replace(record, payload=orjson.dumps(content).decode())


def test_a_replay_is_made_from_the_facts_and_not_from_the_cards(
    tell: Tell, write_down: WriteDown, book: Knowledge, engine: Engine
) -> None:
    record = write_down(tell(STORY))
    other = changed(record, lambda content: content["judgements"][0]["facts"].update(use_length={"number": "3"}))
    assert differences(other, replayed(other, book, engine)) != []
    forged = changed(record, lambda content: content["cards"][0].update(summary="Nothing to see here"))
    assert differences(forged, replayed(forged, book, engine)) == ["card 1: summary"]
    dropped = changed(record, lambda content: content["cards"].clear())
    assert "0 cards were shown" in differences(dropped, replayed(dropped, book, engine))[0]


def test_another_revision_is_refused_and_named(tell: Tell, write_down: WriteDown, book: Knowledge, engine: Engine) -> None:
    record = replace(write_down(tell(STORY)), revision="sha256:older")
    with pytest.raises(OtherKnowledge, match=r"made with the rules sha256:older.*as it was on 2026-11-23"):
        replayed(record, book, engine)


def test_a_record_is_the_same_after_the_spool(tell: Tell, write_down: WriteDown) -> None:
    record = write_down(tell(STORY))
    assert from_line(line(record)) == record


@pytest.mark.parametrize("told", [b"", b"{", b"[]", b"{}", b'{"made_at":"x"}', b"null"])
def test_a_line_that_is_no_record_is_none(told: bytes) -> None:
    assert from_line(told) is None


VALUES = st.decimals(allow_nan=False, allow_infinity=False) | st.booleans() | st.dates() | st.text()
FACTS = st.builds(Known, VALUES, st.text()) | st.builds(Unknown, st.text())


@given(FACTS)
def test_a_fact_is_read_back_as_it_was_written(one: Fact) -> None:
    assert fact(orjson.loads(orjson.dumps(fact_json(one, Pseudonyms())))) == one


def test_a_fact_keeps_its_grounds_by_other_names() -> None:
    found = fact(fact_json(Known(Decimal("2.50"), "because", ("MedicationRequest/a", "Condition/b")), Pseudonyms()))
    assert found == Known(Decimal("2.50"), "because", ("MedicationRequest#1", "Condition#1"))
    assert isinstance(found, Known) and str(found.value) == "2.50"


def test_what_was_in_force_is_told(tell: Tell, write_down: WriteDown) -> None:
    in_force = write_down(tell(STORY)).content()["inForce"]
    assert in_force["parameters"]["largest_cut_in_two_weeks"] == "25 percent"
    assert in_force["rules"]["advice"]["abrupt-stop"] >= 1


def test_a_call_without_a_benzodiazepine_costs_little_space(tell: Tell, write_down: WriteDown) -> None:
    assert len(write_down(tell("quiet-amoxicillin")).payload) < 200


def test_what_became_of_each_prefetch_key_is_told(tell: Tell, book: Knowledge) -> None:
    told = tell(STORY)
    parts = {RecordPart.PATIENT: "sent", RecordPart.CONDITIONS: "fetched"}
    record = Recorder(KEYED, "0.1.0").recorded(told.decision, told.call, book, "c", NOON, parts)
    assert record.content()["prefetch"] == {"patient": "sent", "conditions": "fetched"}


def test_a_card_is_stored_with_what_it_was_about(tell: Tell, write_down: WriteDown) -> None:
    card = write_down(tell(STORY)).cards[0]
    assert (card.rule, card.agent, card.fingerprint.indicator) == ("abrupt-stop", "alprazolam", "critical")
    assert card.fingerprint.change == -100 and card.fingerprint.equivalent == Decimal(60)
    assert "long-use" in card.fingerprint.risks


def test_the_day_is_the_decisions_own(tell: Tell, write_down: WriteDown) -> None:
    assert write_down(tell(STORY)).day == date(2026, 11, 23)
