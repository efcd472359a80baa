"""Citizens who want to be called back, and the calls that agents place."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "callbacks",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("ref", sa.Text, nullable=False),
        sa.Column("sealed", sa.Text, nullable=False),
        sa.Column("line", sa.Text, nullable=False),
        sa.Column("wanted_ms", sa.BigInteger),
        sa.Column("due_ms", sa.BigInteger, nullable=False),
        sa.Column("consent", sa.Boolean, nullable=False),
        sa.Column("note", sa.Text, nullable=False),
        sa.Column("case_id", sa.Text, nullable=False),
        sa.Column("call_id", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("last_ms", sa.BigInteger),
        sa.Column("added_by", sa.Text, nullable=False),
        sa.Column("added_ms", sa.BigInteger, nullable=False),
        sa.Column("closed_by", sa.Text),
        sa.Column("closed_ms", sa.BigInteger),
    )
    op.create_index("ix_callbacks_due", "callbacks", ["due_ms"])
    op.create_table(
        "outbound_calls",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("case_id", sa.Text, nullable=False),
        sa.Column("callback", sa.Integer),
        sa.Column("agent_id", sa.Text, nullable=False),
        sa.Column("seat_id", sa.Text, nullable=False),
        sa.Column("line", sa.Text, nullable=False),
        sa.Column("asked_by", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("asked_ms", sa.BigInteger, nullable=False),
        sa.Column("agent_answered_ms", sa.BigInteger),
        sa.Column("dialled_ms", sa.BigInteger),
        sa.Column("citizen_ringing_ms", sa.BigInteger),
        sa.Column("answered_ms", sa.BigInteger),
        sa.Column("ended_ms", sa.BigInteger),
        sa.Column("outcome", sa.Text),
        sa.Column("cause", sa.Integer),
    )
    op.create_index("ix_outbound_calls_asked", "outbound_calls", ["asked_ms"])
    op.create_index("ix_outbound_calls_callback", "outbound_calls", ["callback"])


def downgrade() -> None:
    op.drop_table("outbound_calls")
    op.drop_table("callbacks")
