"""What kind of day each date is: holidays and moved workdays are decreed, not computed."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "workdays",
        sa.Column("date", sa.Text, primary_key=True),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("official", sa.Boolean, nullable=False),
    )


def downgrade() -> None:
    op.drop_table("workdays")
