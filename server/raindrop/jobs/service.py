"""Creating jobs, and what a person or the sweeper may do to them."""

import datetime
import secrets
from typing import IO, Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.engine import CursorResult

from raindrop.core.db import db, utc_now
from raindrop.core.errors import Conflict, NotFound
from raindrop.core.tasks import enqueue
from raindrop.jobs.files import add_file, find_file
from raindrop.jobs.models import ENDED, WAITING, Job, JobFile, JobLogLine, JobStatus

LOG_LINES_SHOWN = 200


class JobNotFound(NotFound):
    """No job with this id."""

    type = "job_not_found"
    message = "There is no such job; it may have ended long ago and been deleted."


class JobStateConflict(Conflict):
    """The job's state does not allow this."""

    type = "job_state_conflict"


class Upload(NamedTuple):
    """A file that came with a request."""

    name: str
    content_type: str
    stream: IO[bytes]


def create_job(
    kind: str,
    *,
    queue: str,
    params: dict[str, Any] | None = None,
    upload: Upload | None = None,
) -> Job:
    """Record a job and, with the commit, nudge a worker.

    Args:
        kind: the handler's name, such as ``todos.import``.
        upload: the file that the job reads; stored with the row.
    """
    now = utc_now()
    job = Job(
        public_id=secrets.token_urlsafe(16),
        kind=kind,
        queue=queue,
        status=JobStatus.QUEUED,
        params=params or {},
        checkpoint={},
        done=0,
        attempts=0,
        fruitless_attempts=0,
        is_cancel_requested=False,
        run_at=now,
        created_at=now,
    )
    db.session.add(job)
    db.session.flush()  # the file and the message need its id
    if upload:
        add_file(job.id, "input", upload.name, upload.content_type, upload.stream)
    send(job)
    return job


def send(job: Job) -> None:
    """Nudge a worker once the open transaction is committed."""
    job.sent_at = utc_now()
    enqueue("jobs.run", queue=job.queue, job_id=job.id)


def get_job(public_id: str) -> Job:
    """The job with this random id.

    Raises:
        JobNotFound
    """
    job: Job | None = db.session.scalar(sa.select(Job).where(Job.public_id == public_id))
    if job is None:
        raise JobNotFound
    return job


def get_output(job: Job) -> JobFile | None:
    """The finished job's file, or ``None``."""
    return find_file(job.id, "output") if job.status == JobStatus.FINISHED else None


def get_log(job: Job) -> list[JobLogLine]:
    """The newest lines of the job's log, in order."""
    newest = db.session.scalars(
        sa.select(JobLogLine)
        .where(JobLogLine.job_id == job.id)
        .order_by(JobLogLine.id.desc())
        .limit(LOG_LINES_SHOWN)
    )
    return list(newest)[::-1]


def cancel_job(job: Job) -> None:
    """Cancel a job: at once where it waits, at its next step where it runs.

    Raises:
        JobStateConflict: it has ended.
    """
    canceled = _update(
        job, Job.status.in_(WAITING), status=JobStatus.CANCELED, finished_at=utc_now()
    )
    if not canceled and not _update(job, Job.status == JobStatus.STARTED, is_cancel_requested=True):
        raise JobStateConflict("This job has ended; there is nothing to cancel.")
    db.session.refresh(job)


def retry_job(job: Job) -> None:
    """Queue a failed or canceled job again; it goes on from its last checkpoint.

    Raises:
        JobStateConflict: it has not ended, or it has finished.
    """
    retried = _update(
        job,
        Job.status.in_((JobStatus.FAILED, JobStatus.CANCELED)),
        status=JobStatus.QUEUED,
        fruitless_attempts=0,
        is_cancel_requested=False,
        error_type=None,
        error_message=None,
        finished_at=None,
        run_at=utc_now(),
    )
    if not retried:
        raise JobStateConflict("Only a failed or canceled job can be tried again.")
    db.session.refresh(job)
    send(job)


def delete_ended_jobs(before: datetime.datetime, limit: int) -> int:
    """Delete up to ``limit`` jobs, with log and files, that ended before a time; how many."""
    ids = list(
        db.session.scalars(
            sa.select(Job.id)
            .where(Job.finished_at < before, Job.status.in_(ENDED))
            .order_by(Job.finished_at)
            .limit(limit)
        )
    )
    db.session.execute(sa.delete(Job).where(Job.id.in_(ids)))
    return len(ids)


def count_by_status() -> dict[str, int]:
    """How many jobs there are in each of the seven states."""
    rows = db.session.execute(sa.select(Job.status, sa.func.count()).group_by(Job.status))
    counted = dict(rows.tuples().all())
    return {status.value: counted.get(status, 0) for status in JobStatus}


def oldest_waiting() -> dict[str, datetime.datetime]:
    """For each queue with due jobs, since when the oldest of them waits."""
    rows = db.session.execute(
        sa.select(Job.queue, sa.func.min(Job.run_at))
        .where(Job.status.in_(WAITING), Job.run_at <= utc_now())
        .group_by(Job.queue)
    )
    return dict(rows.tuples().all())


def _update(job: Job, condition: sa.ColumnElement[bool], **values: Any) -> bool:
    result = db.session.execute(sa.update(Job).where(Job.id == job.id, condition).values(**values))
    assert isinstance(result, CursorResult)
    return result.rowcount == 1
