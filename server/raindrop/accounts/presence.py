"""When users were last here, to the day.

A sign-in writes it along. For sessions that last, the request that shows the account asks a task
to, at most once a day: reading writes nothing.
"""

import datetime

import sqlalchemy as sa

from raindrop.accounts.models import User
from raindrop.accounts.users import forget
from raindrop.core.access import Identity
from raindrop.core.db import db, utc_now
from raindrop.core.formats import show_time
from raindrop.core.tasks import enqueue
from raindrop.core.tenancy import tenant_by_id

STEP = datetime.timedelta(days=1)


def notice(person: Identity) -> None:
    """Have it noted that somebody is here, where that was not noted today."""
    # ISO 8601 in UTC with milliseconds sorts as the times do.
    if person.user["accessedAt"] < show_time(utc_now() - STEP):
        enqueue("accounts.note_access", queue="accounts", user_id=person.user_id)


def note_sign_in(user: User) -> None:
    """The same for whoever signs in; the row is written in the open transaction."""
    now = utc_now()
    if user.accessed_at is None or user.accessed_at < now - STEP:
        user.accessed_at = now


def note_access(user_id: int) -> None:
    """Note that somebody is here; a second message of the day changes nothing."""
    now = utc_now()
    is_due = sa.and_(
        User.id == user_id, sa.or_(User.accessed_at.is_(None), User.accessed_at < now - STEP)
    )
    # Not a change of the user: updated_at stays.
    values = {"accessed_at": now, "updated_at": User.updated_at}
    noted = db.session.execute(
        sa.update(User).where(is_due).values(values),
        execution_options={"synchronize_session": False},
    )
    user = db.session.get(User, user_id) if noted.rowcount else None  # type: ignore[attr-defined]
    tenant = user and tenant_by_id(user.project_id)
    if user and tenant:
        forget(tenant, user)
