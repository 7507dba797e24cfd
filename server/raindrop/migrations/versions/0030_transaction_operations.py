"""What transactions stage."""

import sqlalchemy as sa
from alembic import op

from raindrop.core.db import BigId, UtcDateTime
from raindrop.migrations.tables import table_options

revision = "0030"
down_revision = "0029"


def upgrade() -> None:
    op.create_table(
        "transaction_operations",
        sa.Column("id", BigId, primary_key=True),
        sa.Column("project_id", BigId, nullable=False),
        sa.Column("transaction_id", BigId, nullable=False),
        sa.Column("position", sa.Integer, nullable=False),
        sa.Column("action", sa.String(16), nullable=False),
        sa.Column("database_id", sa.String(36), nullable=False),
        sa.Column("collection_id", sa.String(36), nullable=False),
        sa.Column("document_id", sa.String(36), nullable=False),
        sa.Column("payload", sa.JSON, nullable=False),
        sa.Column("seen_at", UtcDateTime),
        sa.Column("created_at", UtcDateTime, nullable=False),
        sa.ForeignKeyConstraint(
            ["project_id"], ["projects.id"], name="fk_transaction_operations_project_id"
        ),
        sa.ForeignKeyConstraint(
            ["transaction_id"],
            ["transactions.id"],
            ondelete="CASCADE",
            name="fk_transaction_operations_transaction_id",
        ),
        sa.UniqueConstraint(
            "transaction_id", "position", name="uq_transaction_operations_transaction_id_position"
        ),
        sa.Index("ix_transaction_operations_project_id", "project_id"),
        **table_options(),
    )


def downgrade() -> None:
    op.drop_table("transaction_operations")
