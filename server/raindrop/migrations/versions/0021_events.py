"""What happened."""

import sqlalchemy as sa
from alembic import op

from raindrop.core.db import BigId, UtcDateTime
from raindrop.migrations.tables import table_options

revision = "0021"
down_revision = "0020"


def upgrade() -> None:
    op.create_table(
        "events",
        sa.Column("id", BigId, primary_key=True),
        sa.Column("project_id", BigId),
        sa.Column("name", sa.String(400), nullable=False),
        sa.Column("resource", sa.String(255), nullable=False),
        sa.Column("payload", sa.JSON, nullable=False),
        sa.Column("origin", sa.JSON, nullable=False),
        sa.Column("dropped_tags", sa.JSON, nullable=False),
        sa.Column("state", sa.SmallInteger, nullable=False),
        sa.Column("created_at", UtcDateTime, nullable=False),
        sa.Index("ix_events_created_at", "created_at"),
        sa.Index("ix_events_state_id", "state", "id"),
        **table_options(),
    )


def downgrade() -> None:
    op.drop_table("events")
