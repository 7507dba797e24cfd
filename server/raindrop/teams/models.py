"""Tables of the teams room."""

import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, column_property, mapped_column

from raindrop.accounts.models import NAME_MAX, User
from raindrop.core.db import UtcDateTime, db
from raindrop.core.tenancy import TenantRow


class Team(TenantRow, db.Model):  # type: ignore[name-defined, misc]
    """A team; ``total`` counts its confirmed memberships."""

    __tablename__ = "teams"
    __table_args__ = (
        sa.UniqueConstraint("project_id", "public_id"),
        {"sqlite_autoincrement": True},
    )

    name: Mapped[str] = mapped_column(sa.String(NAME_MAX))
    total: Mapped[int] = mapped_column(default=0)
    prefs: Mapped[dict[str, Any]] = mapped_column(sa.JSON, default=dict)


class Membership(TenantRow, db.Model):  # type: ignore[name-defined, misc]
    """A user's place in a team.

    Attributes:
        secret_digest: the invitation's, together with the e-mail address that it was sent to; None
            where there was none.
        user_public_id, team_public_id: for queries.
    """

    __tablename__ = "memberships"
    __table_args__ = (
        sa.UniqueConstraint("project_id", "public_id"),
        sa.UniqueConstraint("team_id", "user_id"),
        sa.Index("ix_memberships_user_id", "user_id"),
        {"sqlite_autoincrement": True},
    )

    team_id: Mapped[int] = mapped_column(sa.ForeignKey(Team.id, ondelete="CASCADE"))
    user_id: Mapped[int] = mapped_column(sa.ForeignKey(User.id, ondelete="CASCADE"))
    roles: Mapped[list[str]] = mapped_column(sa.JSON)
    is_confirmed: Mapped[bool] = mapped_column(default=False)
    secret_digest: Mapped[str | None] = mapped_column(sa.String(64))
    invited_at: Mapped[datetime.datetime] = mapped_column(UtcDateTime)
    joined_at: Mapped[datetime.datetime | None] = mapped_column(UtcDateTime)
    invitation_expires_at: Mapped[datetime.datetime | None] = mapped_column(UtcDateTime)
    user_public_id: Mapped[str] = column_property(
        sa.select(User.public_id)
        .where(User.id == user_id)
        .correlate_except(User)
        .scalar_subquery(),
        deferred=True,
    )
    team_public_id: Mapped[str] = column_property(
        sa.select(Team.public_id)
        .where(Team.id == team_id)
        .correlate_except(Team)
        .scalar_subquery(),
        deferred=True,
    )
