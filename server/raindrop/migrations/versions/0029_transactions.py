"""Transactions: operations that are staged."""

import sqlalchemy as sa
from alembic import op

from raindrop.core.db import BigId, UtcDateTime
from raindrop.migrations.tables import table_options

revision = "0029"
down_revision = "0028"


def upgrade() -> None:
    op.create_table(
        "transactions",
        sa.Column("id", BigId, primary_key=True),
        sa.Column("project_id", BigId, nullable=False),
        sa.Column("public_id", sa.String(36), nullable=False),
        sa.Column("owner", sa.String(64), nullable=False),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("operations", sa.Integer, nullable=False),
        sa.Column("expires_at", UtcDateTime, nullable=False),
        sa.Column("created_at", UtcDateTime, nullable=False),
        sa.Column("updated_at", UtcDateTime, nullable=False),
        sa.ForeignKeyConstraint(["project_id"], ["projects.id"], name="fk_transactions_project_id"),
        sa.UniqueConstraint("project_id", "public_id", name="uq_transactions_project_id_public_id"),
        sa.Index("ix_transactions_expires_at", "expires_at"),
        **table_options(),
    )


def downgrade() -> None:
    op.drop_table("transactions")
