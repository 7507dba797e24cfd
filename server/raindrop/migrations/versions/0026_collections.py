"""Collections."""

import sqlalchemy as sa
from alembic import op

from raindrop.core.db import BigId, UtcDateTime
from raindrop.migrations.tables import table_options

revision = "0026"
down_revision = "0025"


def upgrade() -> None:
    op.create_table(
        "collections",
        sa.Column("id", BigId, primary_key=True),
        sa.Column("project_id", BigId, nullable=False),
        sa.Column("database_id", BigId, nullable=False),
        sa.Column("public_id", sa.String(36), nullable=False),
        sa.Column("name", sa.String(128), nullable=False),
        sa.Column("is_enabled", sa.Boolean, nullable=False),
        sa.Column("has_document_security", sa.Boolean, nullable=False),
        sa.Column("permissions", sa.JSON, nullable=False),
        sa.Column("schema_version", sa.Integer, nullable=False),
        sa.Column("created_at", UtcDateTime, nullable=False),
        sa.Column("updated_at", UtcDateTime, nullable=False),
        sa.Column("deleted_at", UtcDateTime),
        sa.ForeignKeyConstraint(["project_id"], ["projects.id"], name="fk_collections_project_id"),
        sa.ForeignKeyConstraint(
            ["database_id"], ["databases.id"], name="fk_collections_database_id"
        ),
        sa.UniqueConstraint(
            "database_id", "public_id", name="uq_collections_database_id_public_id"
        ),
        sa.Index("ix_collections_project_id", "project_id"),
        **table_options(),
    )


def downgrade() -> None:
    op.drop_table("collections")
