"""The audit trail."""

import sqlalchemy as sa
from alembic import op

from raindrop.core.db import BigId, UtcDateTime
from raindrop.migrations.tables import table_options

revision = "0023"
down_revision = "0022"


def upgrade() -> None:
    op.create_table(
        "audits",
        sa.Column("id", BigId, primary_key=True),
        sa.Column("project_id", BigId, nullable=False),
        sa.Column("event_id", BigId, nullable=False),
        sa.Column("event", sa.String(400), nullable=False),
        sa.Column("resource", sa.String(255), nullable=False),
        sa.Column("user_id", sa.String(36), nullable=False),
        sa.Column("user_name", sa.String(128), nullable=False),
        sa.Column("user_email", sa.String(320), nullable=False),
        sa.Column("mode", sa.String(16), nullable=False),
        sa.Column("ip", sa.String(45), nullable=False),
        sa.Column("client", sa.JSON, nullable=False),
        sa.Column("country_code", sa.String(2), nullable=False),
        sa.Column("at", UtcDateTime, nullable=False),
        sa.UniqueConstraint("event_id", name="uq_audits_event_id"),
        sa.Index("ix_audits_at", "at"),
        sa.Index("ix_audits_project_id_id", "project_id", "id"),
        sa.Index("ix_audits_project_id_resource_id", "project_id", "resource", "id"),
        sa.Index("ix_audits_project_id_user_id_id", "project_id", "user_id", "id"),
        **table_options(),
    )


def downgrade() -> None:
    op.drop_table("audits")
