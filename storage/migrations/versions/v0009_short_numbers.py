"""Short numbers of departments, for the keys of a telephone."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("departments", sa.Column("code", sa.Text, nullable=False, server_default=""))


def downgrade() -> None:
    op.drop_column("departments", "code")
