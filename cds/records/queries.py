"""What is asked of the store: one decision, everything, and what is old enough to go."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson
from sqlalchemy import Connection, Engine, Select, Table, delete, literal, select, tuple_, update

from cds.records.decisions import DecisionRecord
from cds.records.feedback import FeedbackEvent
from cds.records.outcomes import taken
from cds.records.rows import record_of, unless_there, with_site
from cds.records.store_errors import UnknownDecision
from cds.records.tables import Moment, cards, decisions, feedback

AT_A_TIME = 500
"""Rows read or deleted in one statement, so that no writer waits long."""


@dataclass(frozen=True, slots=True)
class Purged:
    """How many decisions, with their cards, and how many feedback events were deleted."""

    decisions: int
    feedback: int


def insert_feedback(
    connection: Connection, events: Sequence[FeedbackEvent], client: str, service: str, received_at: datetime
) -> None:
    """Writes the events as rows. One that was reported before is passed over."""
    rows = [
        {
            "received_at": received_at,
            "client": client,
            "service": service,
            "card": event.card,
            "outcome": event.outcome,
            "outcome_at": event.at,
            "suggestions": orjson.dumps(event.suggestions).decode(),
            "reasons": orjson.dumps(event.reasons).decode(),
            "commented": event.commented,
        }
        for event in events
    ]
    connection.execute(unless_there(connection.dialect.name, feedback), rows)
    tell_patients(connection, {event.card for event in events})


def tell_patients(connection: Connection, of: Collection[str]) -> None:
    """Writes to the feedback on these cards which patient it is about, where their decisions are stored."""
    patient = select(decisions.c.patient).join(cards, cards.c.decision == decisions.c.id).where(cards.c.card == feedback.c.card)
    untold = update(feedback).where(feedback.c.card.in_(of), feedback.c.patient.is_(None))
    connection.execute(untold.values(patient=patient.scalar_subquery()))


def decision(connection: Connection, id: str) -> DecisionRecord:
    """The decision of an id. Refuses: an id that is not stored (UnknownDecision)."""
    row = connection.execute(select(decisions).where(decisions.c.id == id)).one_or_none()
    if row is None:
        raise UnknownDecision(f"No decision {id} is stored here. Its id is in the answer's extension, and in each card's.")
    return record_of(row, connection.execute(select(cards).where(cards.c.decision == id).order_by(cards.c.place)))


def everything(engine: Engine) -> Iterator[dict[str, Any]]:
    """Every decision with its cards, then every feedback event, each as JSON values, oldest first."""
    for page in _pages(engine, decisions, "made_at"):
        shown = _rows(engine, select(cards).where(cards.c.decision.in_([row["id"] for row in page])).order_by(cards.c.place))
        for row in page:
            own = [_told(card, "fingerprint") for card in shown if card["decision"] == row["id"]]
            yield {"decision": {**_told(with_site(row), "payload"), "cards": own}}
    for page in _pages(engine, feedback, "received_at"):
        with engine.connect() as connection:
            labels = taken(connection, page)
        for row in page:
            told = _told(row, "suggestions", "reasons")
            yield {"feedback": {**told, "taken": [labels[key] for key in told["suggestions"] if key in labels]}}


def _told(row: Mapping[str, Any], *as_json: str) -> dict[str, Any]:
    return {name: orjson.loads(value) if name in as_json else value for name, value in row.items()}


def _pages(engine: Engine, table: Table, moment: str) -> Iterator[Sequence[dict[str, Any]]]:
    """The rows by their moment, a page at a time, each read for itself."""
    place = (table.c[moment], table.c.id)
    asked: Select[Any] = select(table).order_by(*place).limit(AT_A_TIME)
    page = _rows(engine, asked)
    while page:
        yield page
        last = (literal(page[-1][moment], Moment()), literal(page[-1]["id"]))
        page = _rows(engine, asked.where(tuple_(*place) > tuple_(*last)))


def _rows(engine: Engine, asked: Select[Any]) -> list[dict[str, Any]]:
    with engine.connect() as connection:
        return [{str(name): value for name, value in row.items()} for row in connection.execute(asked).mappings()]


def purge(engine: Engine, before: datetime) -> Purged:
    """What was deleted: all that was made or received before a moment, with the cards of the decisions."""
    return Purged(_delete(engine, decisions, "made_at", before), _delete(engine, feedback, "received_at", before))


def _delete(engine: Engine, table: Table, moment: str, before: datetime) -> int:
    deleted = 0
    old = select(table.c.id).where(table.c[moment] < before).limit(AT_A_TIME)
    while True:
        with engine.begin() as connection:
            gone = connection.execute(delete(table).where(table.c.id.in_(old))).rowcount
        deleted += gone
        if gone == 0:
            return deleted
