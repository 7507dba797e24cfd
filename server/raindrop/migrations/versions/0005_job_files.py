"""The files that jobs read and make."""

import sqlalchemy as sa
from alembic import op

from raindrop.core.db import BigId
from raindrop.migrations.tables import table_options

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    op.create_table(
        "job_files",
        sa.Column("id", BigId, primary_key=True),
        sa.Column("job_id", BigId, nullable=False),
        sa.Column("role", sa.String(8), nullable=False),
        sa.Column("name", sa.String(255), nullable=False),
        sa.Column("content_type", sa.String(128), nullable=False),
        sa.Column("size_bytes", sa.BigInteger, nullable=False),
        sa.ForeignKeyConstraint(
            ["job_id"], ["jobs.id"], name="fk_job_files_job_id", ondelete="CASCADE"
        ),
        sa.UniqueConstraint("job_id", "role", name="uq_job_files_job_id_role"),
        **table_options(),
    )


def downgrade() -> None:
    op.drop_table("job_files")
