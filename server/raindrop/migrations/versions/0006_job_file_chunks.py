"""The bytes of those files."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import mysql

from raindrop.core.db import BigId
from raindrop.migrations.tables import table_options

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    op.create_table(
        "job_file_chunks",
        sa.Column("file_id", BigId, primary_key=True),
        sa.Column("seq", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column(
            "data", sa.LargeBinary().with_variant(mysql.MEDIUMBLOB(), "mysql"), nullable=False
        ),
        sa.ForeignKeyConstraint(
            ["file_id"], ["job_files.id"], name="fk_job_file_chunks_file_id", ondelete="CASCADE"
        ),
        **table_options() | {"sqlite_autoincrement": False},
    )


def downgrade() -> None:
    op.drop_table("job_file_chunks")
