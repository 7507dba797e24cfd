"""Events that a consumer has not dealt with."""

import sqlalchemy as sa
from alembic import op

from raindrop.core.db import BigId, UtcDateTime
from raindrop.migrations.tables import table_options

revision = "0022"
down_revision = "0021"


def upgrade() -> None:
    op.create_table(
        "event_deliveries",
        sa.Column("id", BigId, primary_key=True),
        sa.Column("consumer", sa.String(32), nullable=False),
        sa.Column("event_id", BigId, nullable=False),
        sa.Column("batch", sa.String(32), nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("sent_at", UtcDateTime, nullable=False),
        sa.UniqueConstraint("consumer", "event_id", name="uq_event_deliveries_consumer_event_id"),
        sa.Index("ix_event_deliveries_batch", "batch"),
        sa.Index("ix_event_deliveries_sent_at", "sent_at"),
        **table_options(),
    )


def downgrade() -> None:
    op.drop_table("event_deliveries")
