"""A patient with thousands of decisions costs a call no more than any other: counted in steps of the database, not by a clock."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from cds.records import declined_query as last_word
from cds.records.feedback import FeedbackEvent
from cds.records.rows import insert_decisions
from cds.records.store import Store

from .conftest import CLIENT, KEYED, NOON, SERVICE, a_record, spool_in, sqlite

MANY = 3000
A_DAY = timedelta(days=1)


def steps(store: Store) -> int:
    """Hundreds of steps that SQLite takes to tell what was declined."""
    taken: list[None] = []
    with store._database().patient.connect() as connection:
        driver = connection.connection.driver_connection
        driver.set_progress_handler(lambda: taken.append(None), 100)  # type: ignore[union-attr]
        patient = KEYED.patient(CLIENT, None, "patient")
        last_word.declined(connection, patient, CLIENT, (NOON - A_DAY).date(), {("abrupt-stop", "alprazolam")})
        driver.set_progress_handler(None, 100)  # type: ignore[union-attr]
    return len(taken)


def test_what_was_declined_is_found_without_looking_through_all_decisions(tmp_path: Path) -> None:
    store = Store(sqlite(tmp_path), spool_in(tmp_path))
    assert store.start()
    records = [a_record() for _ in range(MANY)]
    store._write(lambda connection: insert_decisions(connection, records[:10]))
    declined = [FeedbackEvent(record.cards[0].card, "overridden", NOON) for record in records[:10]]
    store.write_feedback(declined, CLIENT, SERVICE, NOON)
    few = steps(store)
    store._write(lambda connection: insert_decisions(connection, records[10:]))
    assert steps(store) <= few + 2
    more = [FeedbackEvent(record.cards[0].card, "overridden", NOON) for record in records[10:]]
    store.write_feedback(more, CLIENT, SERVICE, NOON)
    assert steps(store) < few * last_word.MOST_SAID
    store.close()


def test_what_was_said_before_its_decision_was_stored_is_found_once_it_is(store: Store) -> None:
    record = a_record()
    store.write_feedback([FeedbackEvent(record.cards[0].card, "overridden", NOON)], CLIENT, SERVICE, NOON)
    [told] = [line["feedback"] for line in store.export() if "feedback" in line]
    assert told["patient"] is None
    store._taken_over([record])
    [told] = [line["feedback"] for line in store.export() if "feedback" in line]
    assert told["patient"] == record.patient
