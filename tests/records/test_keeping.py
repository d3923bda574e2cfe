"""What is written is there, once, as it was written; and goes when it is old."""

from __future__ import annotations

from datetime import timedelta

import pytest

from cds.records.feedback import FeedbackEvent
from cds.records.store import Store, StoredIn
from cds.records.store_errors import UnknownDecision

from .conftest import CLIENT, KEYED, NOON, SERVICE, a_record, card_uuid

AN_HOUR = timedelta(hours=1)


def overridden(decision: str, place: int = 1, at=NOON, **more) -> FeedbackEvent:
    return FeedbackEvent(KEYED.card(card_uuid(decision, place)), "overridden", at, **more)


def exported(store: Store, kind: str) -> list[dict]:
    return [line[kind] for line in store.export() if kind in line]


def test_a_decision_is_read_back_as_it_was_written(store: Store) -> None:
    record = a_record(cards=3)
    assert store.write_decision(record) is StoredIn.STORED
    assert store.decision(record.id) == record


def test_a_decision_written_twice_is_there_once(store: Store) -> None:
    record = a_record(cards=2)
    store.write_decision(record)
    store.write_decision(record)
    assert [line["id"] for line in exported(store, "decision")] == [record.id]


def test_an_id_that_is_not_stored_is_refused_by_name(store: Store) -> None:
    with pytest.raises(UnknownDecision, match="No decision d-1 is stored here"):
        store.decision("d-1")


@pytest.mark.row("FB-9")
def test_the_same_feedback_sent_again_is_there_once(store: Store) -> None:
    record = a_record()
    store.write_decision(record)
    batch = [overridden(record.id), overridden(record.id, at=NOON + AN_HOUR)]
    store.write_feedback(batch, CLIENT, SERVICE, NOON)
    store.write_feedback([*batch, *batch], CLIENT, SERVICE, NOON + AN_HOUR)
    assert len(exported(store, "feedback")) == 2


def test_another_client_reports_for_itself(store: Store) -> None:
    record = a_record()
    for client in (CLIENT, "other-hospital"):
        store.write_feedback([overridden(record.id)], client, SERVICE, NOON)
    assert len(exported(store, "feedback")) == 2


@pytest.mark.row("FB-12")
def test_feedback_about_a_card_that_is_not_known_is_kept(store: Store) -> None:
    store.write_feedback([FeedbackEvent(KEYED.card("not one of ours"), "accepted", NOON, ("s",))], CLIENT, SERVICE, NOON)
    assert [line["suggestions"] for line in exported(store, "feedback")] == [["s"]]


@pytest.mark.row("FB-2")
def test_no_feedback_needs_no_store(store: Store) -> None:
    store.write_feedback([], CLIENT, SERVICE, NOON)
    assert exported(store, "feedback") == []


def test_everything_is_exported_oldest_first_with_its_cards(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cds.records.queries.AT_A_TIME", 4)
    records = [a_record(made_at=NOON + timedelta(minutes=n // 2), cards=n % 3) for n in range(11)]
    for record in reversed(records):
        store.write_decision(record)
    found = exported(store, "decision")
    assert sorted(line["id"] for line in found) == sorted(record.id for record in records)
    assert [line["made_at"] for line in found] == sorted(record.made_at for record in records)
    cards = {line["id"]: [card["card"] for card in line["cards"]] for line in found}
    assert cards == {record.id: [card.card for card in record.cards] for record in records}


def test_what_is_old_is_purged_with_its_cards_and_what_is_new_stays(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cds.records.queries.AT_A_TIME", 2)
    old = [a_record(made_at=NOON - AN_HOUR, cards=2) for _ in range(5)]
    new = a_record(made_at=NOON, cards=1)
    for record in (*old, new):
        store.write_decision(record)
        store.write_feedback([overridden(record.id)], CLIENT, SERVICE, record.made_at)
    purged = store.purge(NOON)
    assert (purged.decisions, purged.feedback) == (5, 5)
    assert [line["id"] for line in exported(store, "decision")] == [new.id]
    assert len(exported(store, "feedback")) == 1
    with pytest.raises(UnknownDecision):
        store.decision(old[0].id)
