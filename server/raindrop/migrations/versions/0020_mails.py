"""Mails, sent and to be sent."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import mysql

from raindrop.core.db import BigId, UtcDateTime
from raindrop.migrations.tables import table_options

revision = "0020"
down_revision = "0019"


def upgrade() -> None:
    op.create_table(
        "mails",
        sa.Column("id", BigId, primary_key=True),
        sa.Column("project_id", BigId, nullable=False),
        sa.Column("public_id", sa.String(36), nullable=False),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("locale", sa.String(16), nullable=False),
        sa.Column("recipient", sa.String(320), nullable=False),
        sa.Column("sender", sa.String(500), nullable=False),
        sa.Column("reply_to", sa.String(320), nullable=False),
        sa.Column("subject", sa.String(255), nullable=False),
        sa.Column("content", sa.Text().with_variant(mysql.MEDIUMTEXT(), "mysql"), nullable=False),
        sa.Column("status", sa.String(8), nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("answer", sa.String(1000), nullable=False),
        sa.Column("next_attempt_at", UtcDateTime),
        sa.Column("sent_at", UtcDateTime),
        sa.Column("created_at", UtcDateTime, nullable=False),
        sa.Column("updated_at", UtcDateTime, nullable=False),
        sa.ForeignKeyConstraint(["project_id"], ["projects.id"], name="fk_mails_project_id"),
        sa.UniqueConstraint("project_id", "public_id", name="uq_mails_project_id_public_id"),
        sa.Index("ix_mails_created_at", "created_at"),
        sa.Index("ix_mails_status_next_attempt_at", "status", "next_attempt_at"),
        **table_options(),
    )


def downgrade() -> None:
    op.drop_table("mails")
