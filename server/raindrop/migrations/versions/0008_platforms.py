"""Where the clients of projects run."""

import sqlalchemy as sa
from alembic import op

from raindrop.core.db import BigId, UtcDateTime
from raindrop.migrations.tables import table_options

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    op.create_table(
        "platforms",
        sa.Column("id", BigId, primary_key=True),
        sa.Column("project_id", BigId, nullable=False),
        sa.Column("public_id", sa.String(36), nullable=False),
        sa.Column("type", sa.String(32), nullable=False),
        sa.Column("name", sa.String(128), nullable=False),
        sa.Column("key", sa.String(256), nullable=False),
        sa.Column("store", sa.String(256), nullable=False),
        sa.Column("hostname", sa.String(256), nullable=False),
        sa.Column("created_at", UtcDateTime, nullable=False),
        sa.Column("updated_at", UtcDateTime, nullable=False),
        sa.ForeignKeyConstraint(["project_id"], ["projects.id"], name="fk_platforms_project_id"),
        sa.UniqueConstraint("public_id", name="uq_platforms_public_id"),
        sa.Index("ix_platforms_project_id", "project_id"),
        **table_options(),
    )


def downgrade() -> None:
    op.drop_table("platforms")
