"""Sign-ins."""

import sqlalchemy as sa
from alembic import op

from raindrop.core.db import BigId, UtcDateTime
from raindrop.migrations.tables import table_options

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    op.create_table(
        "sessions",
        sa.Column("id", BigId, primary_key=True),
        sa.Column("project_id", BigId, nullable=False),
        sa.Column("public_id", sa.String(36), nullable=False),
        sa.Column("user_id", BigId, nullable=False),
        sa.Column("secret_digest", sa.String(64), nullable=False),
        sa.Column("provider", sa.String(64), nullable=False),
        sa.Column("provider_uid", sa.String(320), nullable=False),
        sa.Column("access_token", sa.Text, nullable=False),
        sa.Column("access_token_expires_at", UtcDateTime),
        sa.Column("refresh_token", sa.Text, nullable=False),
        sa.Column("ip", sa.String(45), nullable=False),
        sa.Column("user_agent", sa.String(500), nullable=False),
        sa.Column("client", sa.JSON, nullable=False),
        sa.Column("country_code", sa.String(2), nullable=False),
        sa.Column("factors", sa.JSON, nullable=False),
        sa.Column("mfa_updated_at", UtcDateTime),
        sa.Column("expires_at", UtcDateTime, nullable=False),
        sa.Column("created_at", UtcDateTime, nullable=False),
        sa.Column("updated_at", UtcDateTime, nullable=False),
        sa.ForeignKeyConstraint(["project_id"], ["projects.id"], name="fk_sessions_project_id"),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name="fk_sessions_user_id", ondelete="CASCADE"
        ),
        sa.UniqueConstraint("project_id", "public_id", name="uq_sessions_project_id_public_id"),
        sa.UniqueConstraint("secret_digest", name="uq_sessions_secret_digest"),
        sa.Index("ix_sessions_expires_at", "expires_at"),
        sa.Index("ix_sessions_user_id", "user_id"),
        **table_options(),
    )


def downgrade() -> None:
    op.drop_table("sessions")
