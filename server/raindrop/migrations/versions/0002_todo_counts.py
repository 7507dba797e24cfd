"""The number of to-dos, in eight slots."""

import sqlalchemy as sa
from alembic import op

from raindrop.migrations.tables import table_options

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    counts = op.create_table(
        "todo_counts",
        sa.Column("slot", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("total", sa.BigInteger, nullable=False),
        **table_options() | {"sqlite_autoincrement": False},
    )
    op.bulk_insert(counts, [{"slot": slot, "total": 0} for slot in range(8)])


def downgrade() -> None:
    op.drop_table("todo_counts")
