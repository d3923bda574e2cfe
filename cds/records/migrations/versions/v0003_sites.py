"""The site as which a decision was judged, in a column of its own."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Adds the column. Rows that are there keep their site behind the revision: no event is changed, and no table held up."""
    op.add_column("decisions", sa.Column("site", sa.String(63)))
