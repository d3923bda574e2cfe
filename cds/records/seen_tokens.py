"""The tokens of callers that were used, until they expire, so that no worker takes one twice."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, delete

from cds.records.rows import unless_there
from cds.records.tables import seen_tokens


def first_use(connection: Connection, token: str, until: datetime) -> bool:
    """Whether the token, a digest that names nobody, is written down for the first time."""
    insert = unless_there(connection.dialect.name, seen_tokens).returning(seen_tokens.c.token)
    return connection.execute(insert, {"token": token, "until": until}).first() is not None


def forget(connection: Connection, now: datetime) -> int:
    """How many tokens were deleted: those that have expired are refused by their own time."""
    return connection.execute(delete(seen_tokens).where(seen_tokens.c.until < now)).rowcount
