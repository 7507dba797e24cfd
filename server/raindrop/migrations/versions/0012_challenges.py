"""Second factors that were asked for."""

import sqlalchemy as sa
from alembic import op

from raindrop.core.db import BigId, UtcDateTime
from raindrop.migrations.tables import table_options

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    op.create_table(
        "challenges",
        sa.Column("id", BigId, primary_key=True),
        sa.Column("project_id", BigId, nullable=False),
        sa.Column("public_id", sa.String(36), nullable=False),
        sa.Column("user_id", BigId, nullable=False),
        sa.Column("factor", sa.String(32), nullable=False),
        sa.Column("code_digest", sa.String(64), nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("expires_at", UtcDateTime, nullable=False),
        sa.Column("created_at", UtcDateTime, nullable=False),
        sa.Column("updated_at", UtcDateTime, nullable=False),
        sa.ForeignKeyConstraint(["project_id"], ["projects.id"], name="fk_challenges_project_id"),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name="fk_challenges_user_id", ondelete="CASCADE"
        ),
        sa.UniqueConstraint("project_id", "public_id", name="uq_challenges_project_id_public_id"),
        sa.Index("ix_challenges_expires_at", "expires_at"),
        sa.Index("ix_challenges_user_id", "user_id"),
        **table_options(),
    )


def downgrade() -> None:
    op.drop_table("challenges")
