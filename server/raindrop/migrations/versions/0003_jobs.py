"""The one table of long jobs."""

import sqlalchemy as sa
from alembic import op

from raindrop.core.db import BigId, UtcDateTime
from raindrop.migrations.tables import table_options

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.create_table(
        "jobs",
        sa.Column("id", BigId, primary_key=True),
        sa.Column("public_id", sa.String(32), nullable=False),
        sa.Column("kind", sa.String(64), nullable=False),
        sa.Column("queue", sa.String(32), nullable=False),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("params", sa.JSON, nullable=False),
        sa.Column("checkpoint", sa.JSON, nullable=False),
        sa.Column("done", sa.Integer, nullable=False),
        sa.Column("total", sa.Integer),
        sa.Column("result", sa.JSON),
        sa.Column("error_type", sa.String(64)),
        sa.Column("error_message", sa.String(1000)),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("fruitless_attempts", sa.Integer, nullable=False),
        sa.Column("is_cancel_requested", sa.Boolean, nullable=False),
        sa.Column("lease_token", sa.String(32)),
        sa.Column("lease_expires_at", UtcDateTime),
        sa.Column("sent_at", UtcDateTime),
        sa.Column("run_at", UtcDateTime, nullable=False),
        sa.Column("created_at", UtcDateTime, nullable=False),
        sa.Column("started_at", UtcDateTime),
        sa.Column("finished_at", UtcDateTime),
        sa.UniqueConstraint("public_id", name="uq_jobs_public_id"),
        sa.Index("ix_jobs_status_run_at", "status", "run_at"),
        sa.Index("ix_jobs_finished_at", "finished_at"),
        **table_options(),
    )


def downgrade() -> None:
    op.drop_table("jobs")
