"""What the pages ask of the store: the last calls."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, func, select

from cds.records.tables import cards, decisions


@dataclass(frozen=True, slots=True)
class RecentCall:
    """A hook call as the first page tells of it."""

    made_at: datetime
    service: str
    client: str
    cards: int


def recent(connection: Connection, most: int) -> list[RecentCall]:
    """The last calls, the newest first."""
    newest = select(decisions.c.id, decisions.c.made_at, decisions.c.service, decisions.c.client)
    some = newest.order_by(decisions.c.made_at.desc()).limit(most).subquery()
    asked = (
        select(some.c.made_at, some.c.service, some.c.client, func.count(cards.c.card))
        .outerjoin(cards, cards.c.decision == some.c.id)
        .group_by(some.c.id, some.c.made_at, some.c.service, some.c.client)
        .order_by(some.c.made_at.desc())
    )
    return [RecentCall(*row) for row in connection.execute(asked)]
