"""Projects' own wording of mails."""

import sqlalchemy as sa
from alembic import op

from raindrop.core.db import BigId
from raindrop.migrations.tables import table_options

revision = "0019"
down_revision = "0018"


def upgrade() -> None:
    op.create_table(
        "email_templates",
        sa.Column("id", BigId, primary_key=True),
        sa.Column("project_id", BigId, nullable=False),
        sa.Column("type", sa.String(32), nullable=False),
        sa.Column("locale", sa.String(16), nullable=False),
        sa.Column("subject", sa.String(255), nullable=False),
        sa.Column("message", sa.Text, nullable=False),
        sa.Column("sender_name", sa.String(255), nullable=False),
        sa.Column("sender_email", sa.String(320), nullable=False),
        sa.Column("reply_to", sa.String(320), nullable=False),
        sa.ForeignKeyConstraint(
            ["project_id"], ["projects.id"], name="fk_email_templates_project_id"
        ),
        sa.UniqueConstraint(
            "project_id", "type", "locale", name="uq_email_templates_project_id_type_locale"
        ),
        **table_options(),
    )


def downgrade() -> None:
    op.drop_table("email_templates")
