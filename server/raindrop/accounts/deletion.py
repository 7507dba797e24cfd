"""Deleting a user: gone for everybody at once; what the user had is deleted by a job.

The row moves to a project that nobody finds, so no query has to know of deleted users, and id,
e-mail and phone number are free at once. The job deletes it last of all.
"""

from collections.abc import Callable

import sqlalchemy as sa
from sqlalchemy.engine import CursorResult

from raindrop.accounts.models import (
    Authenticator,
    Challenge,
    Session,
    Target,
    Token,
    User,
    UserIdentity,
)
from raindrop.accounts.users import UserNotFound, forget, publish_user
from raindrop.core.access import Actor
from raindrop.core.db import db
from raindrop.core.tenancy import Project, TenantRow
from raindrop.jobs.service import create_job

NOBODYS = ".deleted"
"""The project of deleted users. Its id is none that anybody may choose."""

BATCH = 200
"""So many rows a step: steps share a worker with events and mails."""

Cleaner = Callable[[int, int], int]

_AT_ONCE = (Target, UserIdentity)
"""Few a user, and what they hold must be free for others at once."""

_IN_STEPS = (Session, Token, Challenge, Authenticator)

_cleaners: list[Cleaner] = []


def register_cleaner(clean: Cleaner) -> None:
    """Have something of another room deleted with its user.

    Args:
        clean: is given the integer key of the user's row and a number; deletes at most so many
            rows and says how many. It is called until it says 0; the row is still there.
    """
    if clean not in _cleaners:
        _cleaners.append(clean)


def delete_user(actor: Actor, user: User) -> None:
    """Delete a user and, by a job, everything of the user's. Of two that do, one does.

    Raises:
        UserNotFound: somebody else deleted the user just now.
    """
    publish_user(actor, user, "delete")
    nobodys = sa.select(Project.id).where(Project.public_id == NOBODYS).scalar_subquery()
    moved = db.session.execute(
        sa.update(User)
        .where(User.id == user.id, User.project_id == actor.tenant.id)
        .values(
            project_id=nobodys,
            public_id=f"~{user.id}",
            name="",
            email=None,
            phone=None,
            password=None,
            password_history=[],
            recovery_codes=None,
            prefs={},
            search_text="",
            is_active=False,
        ),
        execution_options={"synchronize_session": False},
    )
    assert isinstance(moved, CursorResult)
    if not moved.rowcount:
        raise UserNotFound
    for model in _AT_ONCE:
        db.session.execute(sa.delete(model).where(model.user_id == user.id))
    forget(actor.tenant, user)
    create_job("accounts.delete_user", queue="deletes", params={"user": user.id})


def delete_some(user_id: int) -> int:
    """Delete up to ``BATCH`` rows of what a deleted user had, the user's own last; how many.

    Args:
        user_id: the integer key of the row.
    """
    for clean in (*_cleaners, *(_cleaner_of(model) for model in _IN_STEPS)):
        if deleted := clean(user_id, BATCH):
            return deleted
    of_nobody = sa.select(Project.id).where(Project.public_id == NOBODYS).scalar_subquery()
    # Sessions that began while the user was deleted go with the row.
    return _delete(sa.delete(User).where(User.id == user_id, User.project_id == of_nobody))


def _cleaner_of(model: type[TenantRow]) -> Cleaner:
    def clean(user_id: int, limit: int) -> int:
        some = sa.select(model.id).where(model.user_id == user_id).limit(limit)  # type: ignore[attr-defined]
        return _delete(sa.delete(model).where(model.id.in_(db.session.scalars(some).all())))

    return clean


def _delete(statement: sa.Delete) -> int:
    deleted = db.session.execute(statement, execution_options={"synchronize_session": False})
    assert isinstance(deleted, CursorResult)
    return deleted.rowcount
