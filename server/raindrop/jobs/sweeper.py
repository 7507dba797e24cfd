"""Sending again what a lost message or a dead worker left behind."""

import datetime
import logging
from collections.abc import Callable

import sqlalchemy as sa

from raindrop.core.db import db, utc_now
from raindrop.core.errors import AppError
from raindrop.jobs.models import WAITING, Job, JobStatus
from raindrop.jobs.runner import MAX_ATTEMPTS
from raindrop.jobs.service import send

log = logging.getLogger(__name__)

LOST_AFTER_S = 10
"""A due job whose message was sent so long ago, and whose queue is empty, lost its message."""

LOST_FOR_SURE_AFTER_S = 120
"""The same, however full its queue is; a second message does no harm."""

BATCH = 200


def sweep(queue_depth: Callable[[str], int]) -> int:
    """Send again up to ``BATCH`` due jobs that no message and no worker stands for; how many.

    Args:
        queue_depth: how many messages wait in a queue. While some do, an unclaimed job is not
            lost, only behind them.
    """
    now = utc_now()
    # Found without locks, then locked one by one by primary key: locking along the index of
    # states would meet the updates of workers and people from the other side.
    ids = db.session.scalars(sa.select(Job.id).where(_is_left(now)).order_by(Job.id).limit(BATCH))
    return sum(_recover(job_id, now, queue_depth) for job_id in ids.all())


def _is_left(now: datetime.datetime) -> sa.ColumnElement[bool]:
    lost_before = now - datetime.timedelta(seconds=LOST_AFTER_S)
    is_unsent = sa.or_(
        Job.sent_at.is_(None),
        Job.sent_at < Job.run_at,
        Job.sent_at < Job.lease_expires_at,
        Job.sent_at < lost_before,
    )
    is_due = sa.and_(Job.status.in_(WAITING), Job.run_at <= now)
    is_abandoned = sa.and_(Job.status == JobStatus.STARTED, Job.lease_expires_at < now)
    return sa.and_(sa.or_(is_due, is_abandoned), is_unsent)


def _recover(job_id: int, now: datetime.datetime, queue_depth: Callable[[str], int]) -> bool:
    job = db.session.scalar(
        sa.select(Job).where(Job.id == job_id, _is_left(now)).with_for_update(skip_locked=True)
    )
    if job is None:
        return False
    if job.status == JobStatus.STARTED and job.is_cancel_requested:
        _end(job, JobStatus.CANCELED)
        return False
    if job.fruitless_attempts >= MAX_ATTEMPTS:
        job.error_type = AppError.type
        job.error_message = f"Given up: its worker died {job.fruitless_attempts} times."
        _end(job, JobStatus.FAILED)
        return False
    if _may_be_in_line(job, now) and queue_depth(job.queue) > 0:
        return False
    log.warning("job %d (%s) is sent again", job.id, job.status)
    send(job)
    return True


def _may_be_in_line(job: Job, now: datetime.datetime) -> bool:
    if job.status not in WAITING or job.sent_at is None or job.sent_at < job.run_at:
        return False
    return job.sent_at > now - datetime.timedelta(seconds=LOST_FOR_SURE_AFTER_S)


def _end(job: Job, status: JobStatus) -> None:
    job.status = status
    job.finished_at = utc_now()
    job.lease_token = job.lease_expires_at = None
