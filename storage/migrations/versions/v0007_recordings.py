"""What became of the recording of each call."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "recordings",
        sa.Column("call_id", sa.Text, primary_key=True),
        sa.Column("last_seq", sa.BigInteger, nullable=False),
        sa.Column("outcome", sa.Text),
        sa.Column("file", sa.Text),
        sa.Column("started_ms", sa.BigInteger),
        sa.Column("ended_ms", sa.BigInteger),
        sa.Column("seconds", sa.Float),
        sa.Column("bytes", sa.BigInteger),
        sa.Column("sha256", sa.Text),
        sa.Column("spans", sa.JSON, nullable=False),
        sa.Column("paused", sa.JSON, nullable=False),
        sa.Column("problem", sa.Text),
        sa.Column("deleted_ms", sa.BigInteger),
    )
    op.add_column("calls", sa.Column("recording", sa.Text))


def downgrade() -> None:
    op.drop_column("calls", "recording")
    op.drop_table("recordings")
