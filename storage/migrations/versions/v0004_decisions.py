"""What every seat was to a decision, and the editions of the rules to which decisions refer."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "decisions",
        sa.Column("call_id", sa.Text, primary_key=True),
        sa.Column("seq", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("at_ms", sa.BigInteger, nullable=False),
        sa.Column("edition", sa.Text, nullable=False),
        sa.Column("codes", sa.LargeBinary, nullable=False),
    )
    op.create_index("ix_decisions_at", "decisions", ["at_ms"])
    op.create_index("ix_decisions_edition", "decisions", ["edition"])
    op.create_table(
        "editions",
        sa.Column("edition", sa.Text, primary_key=True),
        sa.Column("told_ms", sa.BigInteger, nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=False),
    )


def downgrade() -> None:
    for table in ("editions", "decisions"):
        op.drop_table(table)
