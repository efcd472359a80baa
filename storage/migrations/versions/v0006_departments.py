"""The directory of departments, and every leg that was dialled to a third party."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "departments",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("level", sa.Integer, nullable=False),
        sa.Column("hours", sa.Text, nullable=False),
        sa.Column("numbers", sa.JSON, nullable=False),
        sa.Column("shows_caller", sa.Boolean, nullable=False),
        sa.Column("note", sa.Text, nullable=False),
        sa.Column("disabled", sa.Boolean, nullable=False),
        sa.Column("revision", sa.Integer, nullable=False),
    )
    op.create_table(
        "handoffs",
        sa.Column("call_id", sa.Text, primary_key=True),
        sa.Column("act", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("leg", sa.Integer, primary_key=True, autoincrement=False),
        *(sa.Column(name, sa.Text) for name in ("verb", "target_kind", "target", "name", "by", "via", "case")),
        sa.Column("route", sa.Integer),
        sa.Column("way", sa.Text),
        sa.Column("seat", sa.Text),
        *(
            sa.Column(f"{moment}_ms", sa.BigInteger)
            for moment in ("asked", "dialled", "ringing", "answered", "joined", "ended")
        ),
        sa.Column("outcome", sa.Text),
        sa.Column("cause", sa.Integer),
        sa.Column("act_outcome", sa.Text),
        sa.Column("reason", sa.Text),
    )
    op.create_index("ix_handoffs_asked", "handoffs", ["asked_ms"])


def downgrade() -> None:
    op.drop_table("handoffs")
    op.drop_table("departments")
