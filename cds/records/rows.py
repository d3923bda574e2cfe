"""Records as rows of the tables, and as lines of the spool."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, fields
from datetime import UTC, date, datetime
from functools import cache
from typing import Any

import orjson
from sqlalchemy import Connection, Row, Table, delete
from sqlalchemy.dialects import postgresql, sqlite

from cds.decision.declined_cards import from_json
from cds.knowledge.site_overlay import of_site
from cds.records.decisions import DecisionRecord, ShownCard
from cds.records.tables import cards, decisions

COLUMNS = tuple(field.name for field in fields(DecisionRecord) if field.name != "cards")

PROBE = dict.fromkeys(COLUMNS, "probe") | {
    "made_at": datetime(1970, 1, 1, tzinfo=UTC), "day": date(1970, 1, 1), "payload": "{}" + " " * 32 * 1024, "site": None
}  # fmt: skip
PROBE_CARD = {
    "card": "probe",
    "decision": "probe",
    "place": 1,
    "rule": "probe",
    "agent": None,
    "indicator": "info",
    "fingerprint": "{}",
}


def insert_decisions(connection: Connection, records: Sequence[DecisionRecord]) -> None:
    """Writes the records and their cards as rows. One that is stored already is left as it is."""
    rows = [{name: getattr(record, name) for name in COLUMNS} for record in records]
    shown = [_card_row(card, place, record.id) for record in records for place, card in enumerate(record.cards, start=1)]
    connection.execute(unless_there(connection.dialect.name, decisions), rows)
    if shown:
        connection.execute(unless_there(connection.dialect.name, cards), shown)


def written_and_taken_back(connection: Connection) -> None:
    """Tries the tables: writes a decision with a card that nobody made, and deletes it. Raises what the database raises."""
    connection.execute(unless_there(connection.dialect.name, decisions), [PROBE])
    connection.execute(unless_there(connection.dialect.name, cards), [PROBE_CARD])
    connection.execute(delete(decisions).where(decisions.c.id == PROBE["id"]))


@cache
def unless_there(dialect: str, table: Table) -> Any:
    """An INSERT that passes over a row whose key is there already."""
    insert = postgresql.insert if dialect == "postgresql" else sqlite.insert
    return insert(table).on_conflict_do_nothing()


def _card_row(card: ShownCard, place: int, decision: str) -> dict[str, Any]:
    return {
        "card": card.card,
        "decision": decision,
        "place": place,
        "rule": card.rule,
        "agent": card.agent,
        "indicator": card.fingerprint.indicator,
        "fingerprint": orjson.dumps(card.fingerprint.json()).decode(),
    }


def record_of(row: Row[Any], shown: Iterable[Row[Any]]) -> DecisionRecord:
    """The record that a row of decisions and its rows of cards hold."""
    values = with_site({name: getattr(row, name) for name in COLUMNS})
    return DecisionRecord(**values, cards=tuple(_shown(card._asdict()) for card in shown))


def with_site(members: Mapping[str, Any]) -> dict[str, Any]:
    """The members of a decision, with the site that an older program wrote behind its revision in its own place."""
    book, site = of_site(members["revision"])
    return {**members, "revision": book, "site": members.get("site") or site}


def _shown(card: Mapping[str, Any]) -> ShownCard:
    told = card["fingerprint"]
    bad = from_json(orjson.loads(told) if isinstance(told, str) else told)
    return ShownCard(card["card"], card["rule"], card["agent"], bad)


def line(record: DecisionRecord) -> bytes:
    """The record as one line of the spool."""
    members = {name: getattr(record, name) for name in COLUMNS}
    shown = [{**asdict(card), "fingerprint": card.fingerprint.json()} for card in record.cards]
    return orjson.dumps({**members, "cards": shown})


def from_line(told: bytes) -> DecisionRecord | None:
    """The record in a line of the spool; None for a line that a crash cut short, whose answer never left."""
    try:
        members = orjson.loads(told)
        members["made_at"] = datetime.fromisoformat(members["made_at"])
        members["day"] = date.fromisoformat(members["day"])
        return DecisionRecord(**{**with_site(members), "cards": tuple(_shown(card) for card in members["cards"])})
    except (orjson.JSONDecodeError, KeyError, TypeError, ValueError):
        return None
