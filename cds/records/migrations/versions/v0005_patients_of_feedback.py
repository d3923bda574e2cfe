"""Whose patient a report is about, so that what was said of one is found without looking through all of their decisions."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Adds the column and fills it for the reports whose decision is stored."""
    op.add_column("feedback", sa.Column("patient", sa.String(32)))
    op.execute(
        "UPDATE feedback SET patient = (SELECT decisions.patient FROM cards JOIN decisions ON decisions.id = cards.decision "
        "WHERE cards.card = feedback.card)"
    )
    op.create_index("ix_feedback_patient", "feedback", ["patient", "client"])
