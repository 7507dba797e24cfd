"""Celery tasks of the accounts room."""

from raindrop.accounts.presence import note_access
from raindrop.accounts.sweeper import BATCH, EXPIRING, delete_expired
from raindrop.core.db import unit_of_work, utc_now
from raindrop.core.tasks import task


@task("accounts.sweep", is_stepped=True)
def sweep() -> None:
    """Delete expired sessions, tokens and challenges, in small transactions."""
    now = utc_now()
    for model in EXPIRING:
        deleted = BATCH
        while deleted == BATCH:
            with unit_of_work():
                deleted = delete_expired(model, now)


@task("accounts.note_access")
def note_user_access(user_id: int) -> None:
    """Note that somebody was here today."""
    note_access(user_id)
