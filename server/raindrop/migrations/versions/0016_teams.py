"""Teams."""

import sqlalchemy as sa
from alembic import op

from raindrop.core.db import BigId, UtcDateTime
from raindrop.migrations.tables import table_options

revision = "0016"
down_revision = "0015"


def upgrade() -> None:
    op.create_table(
        "teams",
        sa.Column("id", BigId, primary_key=True),
        sa.Column("project_id", BigId, nullable=False),
        sa.Column("public_id", sa.String(36), nullable=False),
        sa.Column("name", sa.String(128), nullable=False),
        sa.Column("total", sa.Integer, nullable=False),
        sa.Column("prefs", sa.JSON, nullable=False),
        sa.Column("created_at", UtcDateTime, nullable=False),
        sa.Column("updated_at", UtcDateTime, nullable=False),
        sa.ForeignKeyConstraint(["project_id"], ["projects.id"], name="fk_teams_project_id"),
        sa.UniqueConstraint("project_id", "public_id", name="uq_teams_project_id_public_id"),
        **table_options(),
    )


def downgrade() -> None:
    op.drop_table("teams")
