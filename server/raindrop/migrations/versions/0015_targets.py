"""Where messages reach users."""

import sqlalchemy as sa
from alembic import op

from raindrop.core.db import BigId, UtcDateTime
from raindrop.migrations.tables import table_options

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    op.create_table(
        "targets",
        sa.Column("id", BigId, primary_key=True),
        sa.Column("project_id", BigId, nullable=False),
        sa.Column("public_id", sa.String(36), nullable=False),
        sa.Column("user_id", BigId, nullable=False),
        sa.Column("provider_type", sa.String(16), nullable=False),
        sa.Column("provider_id", sa.String(36)),
        sa.Column("identifier", sa.String(320), nullable=False),
        sa.Column("name", sa.String(128), nullable=False),
        sa.Column("created_at", UtcDateTime, nullable=False),
        sa.Column("updated_at", UtcDateTime, nullable=False),
        sa.ForeignKeyConstraint(["project_id"], ["projects.id"], name="fk_targets_project_id"),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name="fk_targets_user_id", ondelete="CASCADE"
        ),
        sa.UniqueConstraint(
            "project_id",
            "provider_type",
            "identifier",
            name="uq_targets_project_id_provider_type_identifier",
        ),
        sa.UniqueConstraint("project_id", "public_id", name="uq_targets_project_id_public_id"),
        sa.Index("ix_targets_user_id", "user_id"),
        **table_options(),
    )


def downgrade() -> None:
    op.drop_table("targets")
