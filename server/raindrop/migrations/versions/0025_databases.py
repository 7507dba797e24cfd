"""Databases."""

import sqlalchemy as sa
from alembic import op

from raindrop.core.db import BigId, UtcDateTime
from raindrop.migrations.tables import table_options

revision = "0025"
down_revision = "0024"


def upgrade() -> None:
    op.create_table(
        "databases",
        sa.Column("id", BigId, primary_key=True),
        sa.Column("project_id", BigId, nullable=False),
        sa.Column("public_id", sa.String(36), nullable=False),
        sa.Column("name", sa.String(128), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("is_enabled", sa.Boolean, nullable=False),
        sa.Column("created_at", UtcDateTime, nullable=False),
        sa.Column("updated_at", UtcDateTime, nullable=False),
        sa.Column("deleted_at", UtcDateTime),
        sa.ForeignKeyConstraint(["project_id"], ["projects.id"], name="fk_databases_project_id"),
        sa.UniqueConstraint("project_id", "public_id", name="uq_databases_project_id_public_id"),
        **table_options(),
    )


def downgrade() -> None:
    op.drop_table("databases")
