"""Having a collection's tables changed soon: a change joins the job that waits for the same
collection, so that many changes at once are one job."""

import datetime

import sqlalchemy as sa

from raindrop.core.db import db, utc_now
from raindrop.jobs.models import Job, JobStatus
from raindrop.jobs.service import create_job

KIND = "databases.converge"
FRESH = datetime.timedelta(seconds=5)
"""A job that waits for longer is not joined: its message may be lost, until a sweep sends another,
while that of a new job has just been sent."""
LOOKED_AT = 100


def converge_soon(collection_id: int) -> None:
    """Have a worker bring a collection's tables to what the open transaction records of it.

    The job that is joined stays locked until the commit: no worker can take it before, so whoever
    takes it finds what is recorded here.
    """
    if not any(map(_is_held, _waiting(collection_id))):
        create_job(KIND, queue="databases", params={"collection": collection_id})


def _waiting(collection_id: int) -> list[int]:
    """The numbers of jobs for the collection that nobody has begun, as it seems without a lock."""
    query = sa.select(Job.id, Job.params).where(
        Job.status == JobStatus.QUEUED, Job.run_at > utc_now() - FRESH, Job.kind == KIND
    )
    newest = db.session.execute(query.order_by(Job.run_at.desc()).limit(LOOKED_AT))
    return [number for number, params in newest if params == {"collection": collection_id}]


def _is_held(number: int) -> bool:
    """Whether a job still waits; then it does until the commit. One that somebody else has locked
    is not waited for: a worker may stand still in the middle of taking it."""
    query = sa.select(Job.id).where(Job.id == number, Job.status == JobStatus.QUEUED)
    return db.session.scalar(query.with_for_update(skip_locked=True)) is not None
