"""What is forgotten after its time, what is held, and what is kept of days whose calls are gone."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

REMEMBERED = sa.text("forgotten_ms IS NULL")
WRITTEN = sa.text("text_sealed != ''")


def upgrade() -> None:
    for name in ("forgotten_ms", "redialled_ms", "called_back_ms"):
        op.add_column("calls", sa.Column(name, sa.BigInteger))
    op.create_index(
        "ix_calls_remembered", "calls", ["arrived_ms"], sqlite_where=REMEMBERED, postgresql_where=REMEMBERED
    )
    op.create_index("ix_agent_periods_until", "agent_periods", ["until_ms"])
    op.create_index("ix_intake_remembered", "intake", ["at_ms"], sqlite_where=WRITTEN, postgresql_where=WRITTEN)
    op.create_table(
        "holds",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("call_id", sa.Text, nullable=False),
        sa.Column("ref", sa.Text, nullable=False),
        sa.Column("sealed", sa.Text, nullable=False),
        sa.Column("case_id", sa.Text, nullable=False),
        sa.Column("since_ms", sa.BigInteger),
        sa.Column("until_ms", sa.BigInteger),
        sa.Column("days", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("added_by", sa.Text, nullable=False),
        sa.Column("added_ms", sa.BigInteger, nullable=False),
        sa.Column("lifted_by", sa.Text),
        sa.Column("lifted_ms", sa.BigInteger),
        sa.Column("lifted_reason", sa.Text),
    )
    op.create_table(
        "forgotten_days",
        sa.Column("since_ms", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("until_ms", sa.BigInteger, nullable=False),
        sa.Column("day", sa.Text, nullable=False),
        sa.Column("calls", sa.Integer, nullable=False),
        sa.Column("data", sa.Text, nullable=False),
        sa.Column("at_ms", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "kept_figures",
        sa.Column("since_ms", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("number", sa.Text, primary_key=True),
        sa.Column("body", sa.LargeBinary, nullable=False),
    )
    op.create_table(
        "forgettings",
        sa.Column("kind", sa.Text, primary_key=True),
        sa.Column("until_ms", sa.BigInteger, nullable=False),
        sa.Column("at_ms", sa.BigInteger, nullable=False),
    )


def downgrade() -> None:
    for table in ("forgettings", "kept_figures", "forgotten_days", "holds"):
        op.drop_table(table)
    op.drop_index("ix_intake_remembered", "intake")
    op.drop_index("ix_agent_periods_until", "agent_periods")
    op.drop_index("ix_calls_remembered", "calls")
    with op.batch_alter_table("calls") as calls:
        for name in ("called_back_ms", "redialled_ms", "forgotten_ms"):
            calls.drop_column(name)
