"""Restricted numbers, and which of them was on the number of a call."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "restrictions",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("ref", sa.Text, nullable=False),
        sa.Column("sealed", sa.Text, nullable=False),
        sa.Column("block", sa.Boolean, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("afterwards", sa.Text, nullable=False),
        sa.Column("talk_ms", sa.BigInteger),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("evidence", sa.Text, nullable=False),
        sa.Column("approver", sa.Text, nullable=False),
        sa.Column("added_by", sa.Text, nullable=False),
        sa.Column("added_ms", sa.BigInteger, nullable=False),
        sa.Column("until_ms", sa.BigInteger, nullable=False),
        sa.Column("second_approver", sa.Text),
        sa.Column("ended_by", sa.Text),
        sa.Column("ended_ms", sa.BigInteger),
    )
    op.add_column("calls", sa.Column("restriction", sa.BigInteger))
    op.create_index("ix_calls_restriction", "calls", ["restriction"])


def downgrade() -> None:
    op.drop_index("ix_calls_restriction", "calls")
    op.drop_column("calls", "restriction")
    op.drop_table("restrictions")
