"""Celery tasks and jobs of the accounts room."""

from collections.abc import Iterator

from raindrop.accounts.deletion import delete_some
from raindrop.accounts.presence import note_access
from raindrop.accounts.sweeper import BATCH, EXPIRING, delete_expired
from raindrop.core.db import unit_of_work, utc_now
from raindrop.core.tasks import task
from raindrop.jobs.runner import Progress, RunningJob, job_handler


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


@job_handler("accounts.delete_user")
def delete_user(job: RunningJob) -> Iterator[Progress]:
    """Delete everything of a deleted user in small steps; run again, it goes on with the rest."""
    done = job.checkpoint.get("done", 0)
    while deleted := delete_some(job.params["user"]):
        done += deleted
        yield Progress(done, None, {"done": done})
    job.result = {"deleted": done}
