"""What agents write down of calls, and what the work-order platform is still to be told."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "intake",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("root", sa.Integer, nullable=False),
        sa.Column("revision", sa.Integer, nullable=False),
        sa.Column("call_id", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("subject", sa.Text, nullable=False),
        sa.Column("name_sealed", sa.Text),
        sa.Column("hidden", sa.Boolean, nullable=False),
        sa.Column("text_sealed", sa.Text, nullable=False),
        sa.Column("district", sa.Text, nullable=False),
        sa.Column("by", sa.Text, nullable=False),
        sa.Column("at_ms", sa.BigInteger, nullable=False),
    )
    op.create_index("ix_intake_call", "intake", ["call_id"])
    op.create_index("ix_intake_revision", "intake", ["root", "revision"], unique=True)
    op.create_table(
        "outbox",
        sa.Column("id", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("event", sa.Text, nullable=False, unique=True),
        sa.Column("call_id", sa.Text, nullable=False),
        sa.Column("type", sa.Text, nullable=False),
        sa.Column("body", sa.JSON, nullable=False),
        sa.Column("intake", sa.Integer),
        sa.Column("made_ms", sa.BigInteger, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("first_ms", sa.BigInteger),
        sa.Column("next_ms", sa.BigInteger, nullable=False),
        sa.Column("last_error", sa.Text),
        sa.Column("closed_ms", sa.BigInteger),
        sa.Column("closed_by", sa.Text),
        sa.Column("reason", sa.Text),
    )
    op.create_index("ix_outbox_due", "outbox", ["state", "next_ms", "id"])
    op.create_index("ix_outbox_call", "outbox", ["call_id", "id"])


def downgrade() -> None:
    op.drop_table("outbox")
    op.drop_table("intake")
