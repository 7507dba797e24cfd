"""Accounts at OAuth2 providers."""

import sqlalchemy as sa
from alembic import op

from raindrop.core.db import BigId, UtcDateTime
from raindrop.migrations.tables import table_options

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    op.create_table(
        "identities",
        sa.Column("id", BigId, primary_key=True),
        sa.Column("project_id", BigId, nullable=False),
        sa.Column("public_id", sa.String(36), nullable=False),
        sa.Column("user_id", BigId, nullable=False),
        sa.Column("provider", sa.String(64), nullable=False),
        sa.Column("provider_uid", sa.String(255), nullable=False),
        sa.Column("provider_email", sa.String(320), nullable=False),
        sa.Column("access_token", sa.Text, nullable=False),
        sa.Column("access_token_expires_at", UtcDateTime),
        sa.Column("refresh_token", sa.Text, nullable=False),
        sa.Column("created_at", UtcDateTime, nullable=False),
        sa.Column("updated_at", UtcDateTime, nullable=False),
        sa.ForeignKeyConstraint(["project_id"], ["projects.id"], name="fk_identities_project_id"),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name="fk_identities_user_id", ondelete="CASCADE"
        ),
        sa.UniqueConstraint(
            "project_id",
            "provider",
            "provider_uid",
            name="uq_identities_project_id_provider_provider_uid",
        ),
        sa.UniqueConstraint("project_id", "public_id", name="uq_identities_project_id_public_id"),
        sa.Index("ix_identities_user_id", "user_id"),
        **table_options(),
    )


def downgrade() -> None:
    op.drop_table("identities")
