"""The tables of the store. Every change of them is a migration in `cds/records/migrations/versions/`."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    Boolean,
    Column,
    Date,
    DateTime,
    Dialect,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    TypeDecorator,
    UniqueConstraint,
)

HEAD = "0005"
"""The newest migration."""


class Moment(TypeDecorator[datetime]):
    """A moment in UTC, kept without its zone, since SQLite has none."""

    impl = DateTime
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        return None if value is None else value.astimezone(UTC).replace(tzinfo=None)

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        return None if value is None else value.replace(tzinfo=UTC)


METADATA = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_name)s",
        "uq": "uq_%(table_name)s",
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s",
    }
)

decisions = Table(
    "decisions",
    METADATA,
    Column("id", String(36), primary_key=True),
    Column("made_at", Moment, nullable=False, index=True),
    Column("day", Date, nullable=False),
    Column("service", String(100), nullable=False),
    Column("client", String(200), nullable=False),
    Column("revision", String(100), nullable=False),
    Column("program", String(50), nullable=False),
    Column("patient", String(32), nullable=False),
    Column("call", String(32), nullable=False),
    Column("payload", Text, nullable=False),
    Column("site", String(63)),
    Index("ix_decisions_patient", "patient", "client"),
)
"""One row a hook call. `patient` and `call` are keyed hashes, `payload` is JSON: see docs/records.md.

Programs that know no column `site` write it behind the revision.
"""

cards = Table(
    "cards",
    METADATA,
    Column("card", String(32), primary_key=True),
    Column("decision", String(36), ForeignKey("decisions.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("place", Integer, nullable=False),
    Column("rule", String(100), nullable=False),
    Column("agent", String(100)),
    Column("indicator", String(20), nullable=False),
    Column("fingerprint", Text, nullable=False),
)
"""One row a card that was shown. `card` is the keyed hash of its uuid, `place` counts the cards of a call from 1.

`fingerprint` is how bad it was, as JSON.
"""

feedback = Table(
    "feedback",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("received_at", Moment, nullable=False, index=True),
    Column("client", String(200), nullable=False),
    Column("service", String(100), nullable=False),
    Column("card", String(32), nullable=False, index=True),
    Column("outcome", String(20), nullable=False),
    Column("outcome_at", Moment, nullable=False),
    Column("suggestions", Text, nullable=False),
    Column("reasons", Text, nullable=False),
    Column("commented", Boolean(create_constraint=False), nullable=False),
    Column("patient", String(32)),
    UniqueConstraint("client", "card", "outcome", "outcome_at"),
    Index("ix_feedback_patient", "patient", "client"),
)
"""One row a feedback event. `card` and `suggestions` hold keyed hashes, `reasons` codes, as JSON lists.

`patient` is that of the card's decision, written as soon as both are stored; nothing else is ever changed.
"""

seen_tokens = Table(
    "seen_tokens",
    METADATA,
    Column("token", String(32), primary_key=True),
    Column("until", Moment, nullable=False, index=True),
)
"""One row a token of a caller that was used. `token` is a digest; `until` is when the token expires."""

revoked_plans = Table(
    "revoked_plans",
    METADATA,
    Column("decision", String(36), ForeignKey("decisions.id", ondelete="CASCADE"), primary_key=True),
    Column("revoked_at", Moment, nullable=False),
)
"""One row a decision whose plans can't be opened any more by the addresses on its cards."""
