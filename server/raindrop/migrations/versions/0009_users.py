"""The people of each project."""

import sqlalchemy as sa
from alembic import op

from raindrop.core.db import BigId, UtcDateTime
from raindrop.migrations.tables import table_options

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    op.create_table(
        "users",
        sa.Column("id", BigId, primary_key=True),
        sa.Column("project_id", BigId, nullable=False),
        sa.Column("public_id", sa.String(36), nullable=False),
        sa.Column("name", sa.String(128), nullable=False),
        sa.Column("email", sa.String(320)),
        sa.Column("phone", sa.String(16)),
        sa.Column("password", sa.String(512)),
        sa.Column("hash_type", sa.String(32), nullable=False),
        sa.Column("hash_options", sa.JSON, nullable=False),
        sa.Column("password_history", sa.JSON, nullable=False),
        sa.Column("password_updated_at", UtcDateTime),
        sa.Column("is_active", sa.Boolean, nullable=False),
        sa.Column("labels", sa.JSON, nullable=False),
        sa.Column("is_email_verified", sa.Boolean, nullable=False),
        sa.Column("is_phone_verified", sa.Boolean, nullable=False),
        sa.Column("has_mfa", sa.Boolean, nullable=False),
        sa.Column("recovery_codes", sa.Text),
        sa.Column("prefs", sa.JSON, nullable=False),
        sa.Column("search_text", sa.String(1000), nullable=False),
        sa.Column("accessed_at", UtcDateTime),
        sa.Column("created_at", UtcDateTime, nullable=False),
        sa.Column("updated_at", UtcDateTime, nullable=False),
        sa.ForeignKeyConstraint(["project_id"], ["projects.id"], name="fk_users_project_id"),
        sa.UniqueConstraint("project_id", "email", name="uq_users_project_id_email"),
        sa.UniqueConstraint("project_id", "phone", name="uq_users_project_id_phone"),
        sa.UniqueConstraint("project_id", "public_id", name="uq_users_project_id_public_id"),
        sa.Index("ix_users_project_id_created_at", "project_id", "created_at"),
        **table_options(),
    )


def downgrade() -> None:
    op.drop_table("users")
