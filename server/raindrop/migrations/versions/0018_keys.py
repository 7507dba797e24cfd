"""API keys."""

import sqlalchemy as sa
from alembic import op

from raindrop.core.db import BigId, UtcDateTime
from raindrop.migrations.tables import table_options

revision = "0018"
down_revision = "0017"


def upgrade() -> None:
    op.create_table(
        "keys",
        sa.Column("id", BigId, primary_key=True),
        sa.Column("project_id", BigId, nullable=False),
        sa.Column("public_id", sa.String(36), nullable=False),
        sa.Column("name", sa.String(128), nullable=False),
        sa.Column("scopes", sa.JSON, nullable=False),
        sa.Column("secret_digest", sa.String(64), nullable=False),
        sa.Column("is_dev", sa.Boolean, nullable=False),
        sa.Column("expires_at", UtcDateTime),
        sa.Column("accessed_at", UtcDateTime),
        sa.Column("sdks", sa.JSON, nullable=False),
        sa.Column("created_at", UtcDateTime, nullable=False),
        sa.Column("updated_at", UtcDateTime, nullable=False),
        sa.ForeignKeyConstraint(["project_id"], ["projects.id"], name="fk_keys_project_id"),
        sa.UniqueConstraint("project_id", "public_id", name="uq_keys_project_id_public_id"),
        sa.UniqueConstraint("secret_digest", name="uq_keys_secret_digest"),
        **table_options(),
    )


def downgrade() -> None:
    op.drop_table("keys")
