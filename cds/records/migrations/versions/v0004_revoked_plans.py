"""Decisions whose plans can't be opened any more."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Makes their table."""
    op.create_table(
        "revoked_plans",
        sa.Column("decision", sa.String(36), nullable=False),
        sa.Column("revoked_at", sa.DateTime, nullable=False),
        sa.PrimaryKeyConstraint("decision", name="pk_revoked_plans"),
        sa.ForeignKeyConstraint(["decision"], ["decisions.id"], name="fk_revoked_plans", ondelete="CASCADE"),
    )
