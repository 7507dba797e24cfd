"""Places in teams."""

import sqlalchemy as sa
from alembic import op

from raindrop.core.db import BigId, UtcDateTime
from raindrop.migrations.tables import table_options

revision = "0017"
down_revision = "0016"


def upgrade() -> None:
    op.create_table(
        "memberships",
        sa.Column("id", BigId, primary_key=True),
        sa.Column("project_id", BigId, nullable=False),
        sa.Column("public_id", sa.String(36), nullable=False),
        sa.Column("team_id", BigId, nullable=False),
        sa.Column("user_id", BigId, nullable=False),
        sa.Column("roles", sa.JSON, nullable=False),
        sa.Column("is_confirmed", sa.Boolean, nullable=False),
        sa.Column("secret_digest", sa.String(64)),
        sa.Column("invited_at", UtcDateTime, nullable=False),
        sa.Column("joined_at", UtcDateTime),
        sa.Column("invitation_expires_at", UtcDateTime),
        sa.Column("created_at", UtcDateTime, nullable=False),
        sa.Column("updated_at", UtcDateTime, nullable=False),
        sa.ForeignKeyConstraint(["project_id"], ["projects.id"], name="fk_memberships_project_id"),
        sa.ForeignKeyConstraint(
            ["team_id"], ["teams.id"], name="fk_memberships_team_id", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name="fk_memberships_user_id", ondelete="CASCADE"
        ),
        sa.UniqueConstraint("project_id", "public_id", name="uq_memberships_project_id_public_id"),
        sa.UniqueConstraint("team_id", "user_id", name="uq_memberships_team_id_user_id"),
        sa.Index("ix_memberships_user_id", "user_id"),
        **table_options(),
    )


def downgrade() -> None:
    op.drop_table("memberships")
