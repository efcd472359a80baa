"""Calls, their steps, presentations, agents' periods, and where the journal's reader stands."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    _calls()
    op.create_table(
        "call_steps",
        sa.Column("call_id", sa.Text, primary_key=True),
        sa.Column("seq", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("at_ms", sa.BigInteger, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("data", sa.JSON, nullable=False),
    )
    _presentations()
    _agent_periods()
    op.create_table(
        "journal_position",
        sa.Column("journal_id", sa.Text, primary_key=True),
        sa.Column("segment", sa.BigInteger, nullable=False),
        sa.Column("offset", sa.BigInteger, nullable=False),
    )


def downgrade() -> None:
    for table in ("journal_position", "agent_periods", "presentations", "call_steps", "calls"):
        op.drop_table(table)


def _calls() -> None:
    op.create_table(
        "calls",
        sa.Column("call_id", sa.Text, primary_key=True),
        sa.Column("last_seq", sa.BigInteger, nullable=False),
        sa.Column("number", sa.Text, nullable=False),
        sa.Column("line", sa.Text, nullable=False),
        sa.Column("trunk", sa.Text, nullable=False),
        sa.Column("emergency", sa.Boolean, nullable=False),
        sa.Column("caller_ref", sa.Text),
        sa.Column("caller_sealed", sa.Text),
        sa.Column("arrived_ms", sa.BigInteger, nullable=False),
        sa.Column("answered_ms", sa.BigInteger),
        sa.Column("ended_ms", sa.BigInteger),
        sa.Column("wait_ms", sa.BigInteger),
        sa.Column("talk_ms", sa.BigInteger, nullable=False),
        sa.Column("talks", sa.Integer, nullable=False),
        sa.Column("seat_id", sa.Text),
        sa.Column("agent_id", sa.Text),
        sa.Column("answered_by", sa.Text),
        sa.Column("talking_seat_id", sa.Text),
        sa.Column("talking_agent_id", sa.Text),
        sa.Column("talking_since_ms", sa.BigInteger),
        sa.Column("presented", sa.Integer, nullable=False),
        sa.Column("requeued", sa.Integer, nullable=False),
        sa.Column("noticed", sa.Boolean, nullable=False),
        sa.Column("fallback_stage", sa.Text),
        sa.Column("judged", sa.Text),
        sa.Column("outcome", sa.Text),
        sa.Column("ended_by", sa.Text),
        sa.Column("cause", sa.Integer),
        sa.Column("flags", sa.Text, nullable=False),
    )
    op.create_index("ix_calls_arrived", "calls", ["arrived_ms"])
    op.create_index("ix_calls_caller", "calls", ["caller_ref", "arrived_ms"])
    is_open = sa.text("ended_ms IS NULL")
    op.create_index("ix_calls_open", "calls", ["arrived_ms"], sqlite_where=is_open, postgresql_where=is_open)


def _presentations() -> None:
    op.create_table(
        "presentations",
        sa.Column("call_id", sa.Text, primary_key=True),
        sa.Column("presentation", sa.Text, primary_key=True),
        sa.Column("seat_id", sa.Text, primary_key=True),
        sa.Column("agent_id", sa.Text),
        sa.Column("ring", sa.Integer),
        sa.Column("why", sa.Text),
        sa.Column("wait_ms", sa.BigInteger),
        sa.Column("sent_ms", sa.BigInteger),
        sa.Column("dialing_ms", sa.BigInteger),
        sa.Column("ringing_ms", sa.BigInteger),
        sa.Column("ended_ms", sa.BigInteger),
        sa.Column("outcome", sa.Text),
        sa.Column("ring_ms", sa.BigInteger),
    )
    op.create_index("ix_presentations_seat", "presentations", ["seat_id", "sent_ms"])


def _agent_periods() -> None:
    op.create_table(
        "agent_periods",
        sa.Column("agent_id", sa.Text, primary_key=True),
        sa.Column("entry", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("since_ms", sa.BigInteger, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("seat_id", sa.Text),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("until_ms", sa.BigInteger),
    )
    is_open = sa.text("until_ms IS NULL")
    op.create_index(
        "ix_agent_periods_open", "agent_periods", ["agent_id"], sqlite_where=is_open, postgresql_where=is_open
    )
