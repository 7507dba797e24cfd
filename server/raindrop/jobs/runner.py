"""Running a job: claim, lease, steps, end.

A handler is a generator. What it does between two ``yield``s is one transaction, committed by
the runner together with the progress, the checkpoint and a renewed lease, and only while this
worker still holds the lease. So a step happens exactly once, whoever is killed when, if the
handler goes on from ``job.checkpoint``.
"""

import datetime
import logging
import secrets
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import sqlalchemy as sa
from billiard import Event
from flask import Flask, current_app
from sqlalchemy.engine import CursorResult
from sqlalchemy.exc import OperationalError

from raindrop.core.db import db, unit_of_work, utc_now
from raindrop.core.errors import AppError, ServiceUnavailable
from raindrop.jobs.models import WAITING, Job, JobLogLine, JobStatus

log = logging.getLogger(__name__)

MAX_ATTEMPTS = 5
"""So many attempts in a row that end before a single step; one that got on counts anew."""

RETRY_BASE_S = 2
RETRY_CAP_S = 60

stopping = Event()
"""Set in the worker's main process when it is told to stop; its children share it, and a running
job is given back at its next step."""


class JobFailed(AppError):
    """A handler's word that the job cannot succeed, in words for the person who started it."""

    type = "job_failed"


class Progress(NamedTuple):
    """What a handler yields after each step."""

    done: int
    total: int | None
    checkpoint: dict[str, Any]


class _LeaseLost(Exception):
    """Another worker has the job, or it was deleted."""


class _Canceled(Exception):
    pass


class _Stopping(Exception):
    pass


@dataclass
class RunningJob:
    """What a handler sees of its job."""

    id: int
    params: dict[str, Any]
    checkpoint: dict[str, Any]
    token: str
    result: dict[str, Any] = field(default_factory=dict)

    def log(self, level: str, message: str) -> None:
        """Add a line to the job's log, committed with the step."""
        db.session.add(
            JobLogLine(job_id=self.id, at=utc_now(), level=level, message=message[:1000])
        )


Handler = Callable[[RunningJob], Iterator[Progress]]

_handlers: dict[str, Handler] = {}


def job_handler(kind: str) -> Callable[[Handler], Handler]:
    """Register a generator function as the handler of a kind of job."""

    def register(handler: Handler) -> Handler:
        _handlers[kind] = handler
        return handler

    return register


def run_job(job_id: int) -> None:
    """Run a job if it is to be had; a second delivery finds nothing to claim and returns."""
    with unit_of_work():
        job, kind = _claim(job_id)
    if job is None:
        return
    log.info("job %d (%s) started", job.id, kind)
    try:
        with _heartbeat(job):
            _run_steps(job, _handlers[kind])
    except _LeaseLost:
        log.warning("job %d is no longer ours", job.id)
    except _Canceled:
        _end(job, JobStatus.CANCELED)
    except _Stopping:
        _give_back(job, delay_s=0)
    except AppError as error:
        if isinstance(error, ServiceUnavailable):
            _defer(job, error)
        else:
            _end(job, JobStatus.FAILED, error.type, error.message)
    except (OperationalError, OSError) as error:
        _defer(job, error)
    except Exception:
        log.exception("job %d failed", job.id)
        _end(job, JobStatus.FAILED, AppError.type, AppError.message)
    else:
        log.info("job %d finished", job.id)


def _run_steps(job: RunningJob, handler: Handler) -> None:
    steps = handler(job)
    while True:
        if stopping.is_set():
            steps.close()  # type: ignore[attr-defined]  # a generator
            raise _Stopping
        with unit_of_work():
            progress = next(steps, None)
            if progress is None:
                _update(job, **_ending(JobStatus.FINISHED), result=job.result)
                return
            _record_step(job, progress)


def _claim(job_id: int) -> tuple[RunningJob | None, str]:
    now = utc_now()
    is_due = sa.and_(Job.status.in_(WAITING), Job.run_at <= now)
    is_abandoned = sa.and_(Job.status == JobStatus.STARTED, Job.lease_expires_at < now)
    token = secrets.token_hex(16)
    claimed = _rowcount(
        sa.update(Job)
        .where(Job.id == job_id, sa.or_(is_due, is_abandoned), _has_attempts())
        .values(
            status=JobStatus.STARTED,
            lease_token=token,
            lease_expires_at=_lease_end(),
            attempts=Job.attempts + 1,
            fruitless_attempts=Job.fruitless_attempts + 1,
            started_at=sa.func.coalesce(Job.started_at, now),
        )
    )
    if not claimed:
        return None, ""
    job = db.session.get_one(Job, job_id, populate_existing=True)
    return RunningJob(job.id, job.params, job.checkpoint, token), job.kind


def _has_attempts() -> sa.ColumnElement[bool]:
    return Job.fruitless_attempts < MAX_ATTEMPTS


def _record_step(job: RunningJob, progress: Progress) -> None:
    _update(
        job,
        done=progress.done,
        total=progress.total,
        checkpoint=progress.checkpoint,
        fruitless_attempts=1,
        lease_expires_at=_lease_end(),
    )
    is_cancel_requested = db.session.scalar(
        sa.select(Job.is_cancel_requested).where(Job.id == job.id)
    )
    if is_cancel_requested:
        raise _Canceled


def _update(job: RunningJob, **values: Any) -> None:
    """Change the row while the lease is ours.

    Raises:
        _LeaseLost: it is not; the step's transaction is rolled back with this.
    """
    if not _rowcount(
        sa.update(Job).where(Job.id == job.id, Job.lease_token == job.token).values(**values)
    ):
        raise _LeaseLost


def _ending(status: JobStatus) -> dict[str, Any]:
    return {
        "status": status,
        "finished_at": utc_now(),
        "lease_token": None,
        "lease_expires_at": None,
    }


def _end(
    job: RunningJob,
    status: JobStatus,
    error_type: str | None = None,
    error_message: str | None = None,
) -> None:
    with _own_words(job):
        if error_message:
            job.log("error", error_message)
        _update(job, **_ending(status), error_type=error_type, error_message=error_message)


def _defer(job: RunningJob, error: Exception) -> None:
    """Wait and try again after something that may pass, up to ``MAX_ATTEMPTS``."""
    log.warning("job %d could not go on: %s", job.id, error)
    with unit_of_work(is_write=False):
        attempts = db.session.scalar(sa.select(Job.fruitless_attempts).where(Job.id == job.id)) or 0
    if attempts >= MAX_ATTEMPTS:
        message = f"Given up after {attempts} attempts: a part of the server did not answer."
        _end(job, JobStatus.FAILED, ServiceUnavailable.type, message)
    else:
        _give_back(job, delay_s=min(RETRY_CAP_S, RETRY_BASE_S * 2**attempts))


def _give_back(job: RunningJob, *, delay_s: int) -> None:
    """Leave the job to the next worker; the sweeper sends it when it is due."""
    values: dict[str, Any] = {"lease_token": None, "lease_expires_at": None, "sent_at": None}
    if delay_s:
        values |= {
            "status": JobStatus.DEFERRED,
            "run_at": utc_now() + datetime.timedelta(seconds=delay_s),
        }
    else:
        # Not the job's fault: the attempt does not count.
        values |= {
            "status": JobStatus.QUEUED,
            "attempts": Job.attempts - 1,
            "fruitless_attempts": Job.fruitless_attempts - 1,
        }
    with _own_words(job):
        job.log("warning", "Interrupted; it goes on by itself.")
        _update(job, **values)


@contextmanager
def _own_words(job: RunningJob) -> Iterator[None]:
    """A transaction about the end of the job, given up if the job is no longer ours."""
    try:
        with unit_of_work():
            yield
    except _LeaseLost:
        log.warning("job %d is no longer ours", job.id)


@contextmanager
def _heartbeat(job: RunningJob) -> Iterator[None]:
    """Renew the lease while a step takes long, from a thread beside it."""
    is_over = threading.Event()
    app = current_app._get_current_object()  # type: ignore[attr-defined]
    thread = threading.Thread(target=_beat, args=(app, job, is_over), daemon=True)
    thread.start()
    try:
        yield
    finally:
        is_over.set()
        thread.join()


def _beat(app: Flask, job: RunningJob, is_over: threading.Event) -> None:
    while not is_over.wait(app.config["RAINDROP"].job_lease_s / 3):
        try:
            with app.app_context(), unit_of_work():
                _update(job, lease_expires_at=_lease_end())
        except _LeaseLost:
            return
        except (OperationalError, ServiceUnavailable) as error:
            log.warning("the lease of job %d could not be renewed: %s", job.id, error)


def _lease_end() -> datetime.datetime:
    return utc_now() + datetime.timedelta(seconds=current_app.config["RAINDROP"].job_lease_s)


def _rowcount(statement: sa.Update) -> int:
    result = db.session.execute(statement, execution_options={"synchronize_session": False})
    assert isinstance(result, CursorResult)
    return result.rowcount
