"""Authenticator apps."""

import sqlalchemy as sa
from alembic import op

from raindrop.core.db import BigId, UtcDateTime
from raindrop.migrations.tables import table_options

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    op.create_table(
        "authenticators",
        sa.Column("id", BigId, primary_key=True),
        sa.Column("project_id", BigId, nullable=False),
        sa.Column("public_id", sa.String(36), nullable=False),
        sa.Column("user_id", BigId, nullable=False),
        sa.Column("type", sa.String(16), nullable=False),
        sa.Column("secret", sa.String(512), nullable=False),
        sa.Column("is_verified", sa.Boolean, nullable=False),
        sa.Column("last_step", sa.BigInteger, nullable=False),
        sa.Column("created_at", UtcDateTime, nullable=False),
        sa.Column("updated_at", UtcDateTime, nullable=False),
        sa.ForeignKeyConstraint(
            ["project_id"], ["projects.id"], name="fk_authenticators_project_id"
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name="fk_authenticators_user_id", ondelete="CASCADE"
        ),
        sa.UniqueConstraint(
            "project_id", "public_id", name="uq_authenticators_project_id_public_id"
        ),
        sa.UniqueConstraint("user_id", "type", name="uq_authenticators_user_id_type"),
        **table_options(),
    )


def downgrade() -> None:
    op.drop_table("authenticators")
