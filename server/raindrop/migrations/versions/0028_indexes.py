"""Indexes of collections."""

import sqlalchemy as sa
from alembic import op

from raindrop.core.db import BigId, UtcDateTime
from raindrop.migrations.tables import table_options

revision = "0028"
down_revision = "0027"


def upgrade() -> None:
    op.create_table(
        "indexes",
        sa.Column("id", BigId, primary_key=True),
        sa.Column("project_id", BigId, nullable=False),
        sa.Column("collection_id", BigId, nullable=False),
        sa.Column("key", sa.String(36), nullable=False),
        sa.Column("type", sa.String(16), nullable=False),
        sa.Column("members", sa.JSON, nullable=False),
        sa.Column("is_written", sa.Boolean, nullable=False),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("error", sa.String(500), nullable=False),
        sa.Column("created_at", UtcDateTime, nullable=False),
        sa.Column("updated_at", UtcDateTime, nullable=False),
        sa.ForeignKeyConstraint(["project_id"], ["projects.id"], name="fk_indexes_project_id"),
        sa.ForeignKeyConstraint(
            ["collection_id"], ["collections.id"], name="fk_indexes_collection_id"
        ),
        sa.UniqueConstraint("collection_id", "key", name="uq_indexes_collection_id_key"),
        sa.Index("ix_indexes_project_id", "project_id"),
        **table_options(),
    )


def downgrade() -> None:
    op.drop_table("indexes")
