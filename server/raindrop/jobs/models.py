"""Tables of the jobs room."""

import datetime
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import mysql
from sqlalchemy.orm import Mapped, mapped_column

from raindrop.core.db import BigId, UtcDateTime, db

CHUNK_BYTES = 256 * 1024


class JobStatus(StrEnum):
    """Where a job stands.

    ``scheduled`` waits for its time; ``deferred`` waits for the next attempt after one that
    could not end; the last three are ends.
    """

    QUEUED = "queued"
    SCHEDULED = "scheduled"
    DEFERRED = "deferred"
    STARTED = "started"
    FINISHED = "finished"
    FAILED = "failed"
    CANCELED = "canceled"


WAITING = (JobStatus.QUEUED, JobStatus.SCHEDULED, JobStatus.DEFERRED)
ENDED = (JobStatus.FINISHED, JobStatus.FAILED, JobStatus.CANCELED)


class Job(db.Model):  # type: ignore[name-defined, misc]
    """One long job.

    ``lease_token`` names the worker that runs it; every write of that worker is conditional on
    it. ``checkpoint`` is where the next attempt goes on.
    """

    __tablename__ = "jobs"
    __table_args__ = (
        sa.Index("ix_jobs_status_run_at", "status", "run_at"),
        sa.Index("ix_jobs_finished_at", "finished_at"),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    public_id: Mapped[str] = mapped_column(sa.String(32), unique=True)
    kind: Mapped[str] = mapped_column(sa.String(64))
    queue: Mapped[str] = mapped_column(sa.String(32))
    status: Mapped[str] = mapped_column(sa.String(16))
    params: Mapped[dict[str, Any]] = mapped_column(sa.JSON)
    checkpoint: Mapped[dict[str, Any]] = mapped_column(sa.JSON)
    done: Mapped[int]
    total: Mapped[int | None]
    result: Mapped[dict[str, Any] | None] = mapped_column(sa.JSON(none_as_null=True))
    error_type: Mapped[str | None] = mapped_column(sa.String(64))
    error_message: Mapped[str | None] = mapped_column(sa.String(1000))
    attempts: Mapped[int]
    fruitless_attempts: Mapped[int]
    is_cancel_requested: Mapped[bool]
    lease_token: Mapped[str | None] = mapped_column(sa.String(32))
    lease_expires_at: Mapped[datetime.datetime | None] = mapped_column(UtcDateTime)
    sent_at: Mapped[datetime.datetime | None] = mapped_column(UtcDateTime)
    run_at: Mapped[datetime.datetime] = mapped_column(UtcDateTime)
    created_at: Mapped[datetime.datetime] = mapped_column(UtcDateTime)
    started_at: Mapped[datetime.datetime | None] = mapped_column(UtcDateTime)
    finished_at: Mapped[datetime.datetime | None] = mapped_column(UtcDateTime)


class JobLogLine(db.Model):  # type: ignore[name-defined, misc]
    """A line of a job's log, for people."""

    __tablename__ = "job_log_lines"
    __table_args__ = (sa.Index("ix_job_log_lines_job_id", "job_id"), {"sqlite_autoincrement": True})

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    job_id: Mapped[int] = mapped_column(sa.ForeignKey(Job.id, ondelete="CASCADE"))
    at: Mapped[datetime.datetime] = mapped_column(UtcDateTime)
    level: Mapped[str] = mapped_column(sa.String(8))
    message: Mapped[str] = mapped_column(sa.String(1000))


class JobFile(db.Model):  # type: ignore[name-defined, misc]
    """A file that a job reads (``input``) or makes (``output``).

    It lives in the database so that it is committed with the job's row and every worker on
    every host can read it.
    """

    __tablename__ = "job_files"
    __table_args__ = (sa.UniqueConstraint("job_id", "role"), {"sqlite_autoincrement": True})

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    job_id: Mapped[int] = mapped_column(sa.ForeignKey(Job.id, ondelete="CASCADE"))
    role: Mapped[str] = mapped_column(sa.String(8))
    name: Mapped[str] = mapped_column(sa.String(255))
    content_type: Mapped[str] = mapped_column(sa.String(128))
    size_bytes: Mapped[int] = mapped_column(sa.BigInteger)


class JobFileChunk(db.Model):  # type: ignore[name-defined, misc]
    """A piece of a file, at most ``CHUNK_BYTES`` of it."""

    __tablename__ = "job_file_chunks"

    file_id: Mapped[int] = mapped_column(
        sa.ForeignKey(JobFile.id, ondelete="CASCADE"), primary_key=True
    )
    seq: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    data: Mapped[bytes] = mapped_column(sa.LargeBinary().with_variant(mysql.MEDIUMBLOB(), "mysql"))
