"""The to-dos of the board."""

import sqlalchemy as sa
from alembic import op

from raindrop.core.db import BigId, UtcDateTime
from raindrop.migrations.tables import table_options

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "todos",
        sa.Column("id", BigId, primary_key=True),
        sa.Column("content", sa.String(1000), nullable=False),
        sa.Column("created_at", UtcDateTime, nullable=False),
        sa.Column("finished_at", UtcDateTime),
        sa.Column("deleted_at", UtcDateTime),
        sa.Index("ix_todos_deleted_at_id", "deleted_at", "id"),
        **table_options(),
    )


def downgrade() -> None:
    op.drop_table("todos")
