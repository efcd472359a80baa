"""Call-backs made of lost calls, their tries, and who offered a call."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("callbacks", sa.Column("owed_ms", sa.BigInteger))
    op.add_column("callbacks", sa.Column("tried_ms", sa.BigInteger))
    op.add_column("callbacks", sa.Column("reason", sa.Text, nullable=False, server_default=""))
    op.create_index("ix_callbacks_ref", "callbacks", ["ref"])
    op.add_column("outbound_calls", sa.Column("caller_ref", sa.Text))
    op.add_column("outbound_calls", sa.Column("paced", sa.Boolean, nullable=False, server_default=sa.false()))
    # Who was dialled before keeps the pause until the next try.
    op.execute(
        "UPDATE callbacks SET tried_ms = (SELECT MAX(dialled_ms) FROM outbound_calls"
        " WHERE outbound_calls.callback = callbacks.id)"
    )


def downgrade() -> None:
    op.drop_column("outbound_calls", "paced")
    op.drop_column("outbound_calls", "caller_ref")
    op.drop_index("ix_callbacks_ref", "callbacks")
    op.drop_column("callbacks", "reason")
    op.drop_column("callbacks", "tried_ms")
    op.drop_column("callbacks", "owed_ms")
