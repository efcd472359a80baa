"""The id of the case that came with a call."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("calls", sa.Column("case_id", sa.Text))


def downgrade() -> None:
    op.drop_column("calls", "case_id")
