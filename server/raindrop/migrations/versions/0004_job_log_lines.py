"""The log of each job."""

import sqlalchemy as sa
from alembic import op

from raindrop.core.db import BigId, UtcDateTime
from raindrop.migrations.tables import table_options

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.create_table(
        "job_log_lines",
        sa.Column("id", BigId, primary_key=True),
        sa.Column("job_id", BigId, nullable=False),
        sa.Column("at", UtcDateTime, nullable=False),
        sa.Column("level", sa.String(8), nullable=False),
        sa.Column("message", sa.String(1000), nullable=False),
        sa.ForeignKeyConstraint(
            ["job_id"], ["jobs.id"], name="fk_job_log_lines_job_id", ondelete="CASCADE"
        ),
        sa.Index("ix_job_log_lines_job_id", "job_id"),
        **table_options(),
    )


def downgrade() -> None:
    op.drop_table("job_log_lines")
