"""Shapes of the jobs API."""

import datetime
from typing import Any, Literal

from flask import url_for
from pydantic import BaseModel, Field

from raindrop.core.http import RequestModel
from raindrop.jobs.models import Job, JobFile, JobLogLine


class JobPath(RequestModel):
    """The id in the address."""

    job_id: str = Field(pattern=r"^[A-Za-z0-9_-]{1,32}$", description="The job's random id")


class ProgressAnswer(BaseModel):
    """How far a job is; ``total`` is null while it is not known."""

    done: int
    total: int | None


class JobErrorAnswer(BaseModel):
    """Why a job failed."""

    type: str
    message: str


class JobLogAnswer(BaseModel):
    """A line of the job's log."""

    at: str
    level: str
    message: str


class JobFileAnswer(BaseModel):
    """The file that a finished job made."""

    name: str
    size_bytes: int
    content_type: str


class JobAnswer(BaseModel):
    """A job; times are ISO 8601, UTC."""

    id: str
    kind: str
    status: Literal["queued", "scheduled", "deferred", "started", "finished", "failed", "canceled"]
    progress: ProgressAnswer
    attempts: int
    created_at: str
    started_at: str | None
    finished_at: str | None
    result: dict[str, Any] | None
    error: JobErrorAnswer | None
    log: list[JobLogAnswer]
    file: JobFileAnswer | None


def accept(job: Job) -> tuple[dict[str, Any], int, dict[str, str]]:
    """The 202 answer of a route that started a job."""
    location = url_for("jobs.get_job", job_id=job.public_id)
    return dump_job(job, [], None), 202, {"Location": location}


def dump_job(job: Job, log: list[JobLogLine], file: JobFile | None) -> dict[str, Any]:
    """The job as its answer."""
    error = job.error_type and {"type": job.error_type, "message": job.error_message}
    return {
        "id": job.public_id,
        "kind": job.kind,
        "status": job.status,
        "progress": {"done": job.done, "total": job.total},
        "attempts": job.attempts,
        "created_at": _iso(job.created_at),
        "started_at": job.started_at and _iso(job.started_at),
        "finished_at": job.finished_at and _iso(job.finished_at),
        "result": job.result,
        "error": error,
        "log": [
            {"at": _iso(line.at), "level": line.level, "message": line.message} for line in log
        ],
        "file": file
        and {
            "name": file.name,
            "size_bytes": file.size_bytes,
            "content_type": file.content_type,
        },
    }


def _iso(time: datetime.datetime) -> str:
    return time.isoformat(timespec="milliseconds").replace("+00:00", "Z")
