"""The project that nobody finds, where deleted users are until a job has deleted what they had."""

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0023"


def upgrade() -> None:
    op.execute(
        sa.text(
            "INSERT INTO projects"
            " (public_id, name, team_id, details, settings, deleted_at, created_at, updated_at)"
            " VALUES ('.deleted', 'Deleted users', '', '{}', '{}', CURRENT_TIMESTAMP,"
            " CURRENT_TIMESTAMP, CURRENT_TIMESTAMP)"
        )
    )


def downgrade() -> None:
    # Of users whose deletion is not done yet it keeps the project.
    op.execute(
        sa.text(
            "DELETE FROM projects WHERE public_id = '.deleted'"
            " AND NOT EXISTS (SELECT 1 FROM users WHERE users.project_id = projects.id)"
        )
    )
