"""Projects, and the one of the operators' own accounts."""

import datetime

import sqlalchemy as sa
from alembic import op

from raindrop.core.db import BigId, UtcDateTime
from raindrop.migrations.tables import table_options

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    projects = op.create_table(
        "projects",
        sa.Column("id", BigId, primary_key=True),
        sa.Column("public_id", sa.String(36), nullable=False),
        sa.Column("name", sa.String(128), nullable=False),
        sa.Column("team_id", sa.String(36), nullable=False),
        sa.Column("details", sa.JSON, nullable=False),
        sa.Column("settings", sa.JSON, nullable=False),
        sa.Column("deleted_at", UtcDateTime),
        sa.Column("created_at", UtcDateTime, nullable=False),
        sa.Column("updated_at", UtcDateTime, nullable=False),
        sa.UniqueConstraint("public_id", name="uq_projects_public_id"),
        sa.Index("ix_projects_team_id", "team_id"),
        **table_options(),
    )
    now = datetime.datetime.now(datetime.UTC)
    console = {
        "public_id": "console",
        "name": "Console",
        "team_id": "",
        "details": {},
        "settings": {},
        "created_at": now,
        "updated_at": now,
    }
    op.bulk_insert(projects, [console])


def downgrade() -> None:
    op.drop_table("projects")
