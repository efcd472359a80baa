"""Test calls."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "probes",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("number", sa.Text, nullable=False),
        sa.Column("asked_by", sa.Text, nullable=False),
        sa.Column("slot", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("asked_ms", sa.BigInteger, nullable=False),
        sa.Column("dialled_ms", sa.BigInteger),
        sa.Column("ringing_ms", sa.BigInteger),
        sa.Column("answered_ms", sa.BigInteger),
        sa.Column("ended_ms", sa.BigInteger),
        sa.Column("outcome", sa.Text),
        sa.Column("cause", sa.Integer),
        sa.Column("sip", sa.Integer),
        sa.Column("call_id", sa.Text, nullable=False),
        sa.Column("arrived_ms", sa.BigInteger),
        sa.Column("in_answered_ms", sa.BigInteger),
        sa.Column("seat_id", sa.Text, nullable=False),
        sa.Column("agent_id", sa.Text, nullable=False),
        sa.Column("answered_by", sa.Text, nullable=False),
    )
    op.create_index("ix_probes_asked", "probes", ["asked_ms"])


def downgrade() -> None:
    op.drop_table("probes")
