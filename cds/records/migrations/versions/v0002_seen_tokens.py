"""Tokens of callers that were used."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Makes their table."""
    op.create_table(
        "seen_tokens",
        sa.Column("token", sa.String(32), nullable=False),
        sa.Column("until", sa.DateTime, nullable=False),
        sa.PrimaryKeyConstraint("token", name="pk_seen_tokens"),
    )
    op.create_index("ix_seen_tokens_until", "seen_tokens", ["until"])
