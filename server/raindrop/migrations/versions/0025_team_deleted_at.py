"""Teams that a job is about to delete."""

import sqlalchemy as sa
from alembic import op

from raindrop.core.db import UtcDateTime

revision = "0025"
down_revision = "0024"


def upgrade() -> None:
    op.add_column("teams", sa.Column("deleted_at", UtcDateTime))


def downgrade() -> None:
    op.drop_column("teams", "deleted_at")
