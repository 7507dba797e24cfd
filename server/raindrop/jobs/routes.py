"""``/api/jobs``: a job by its random id."""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from flask import Flask, Response, stream_with_context
from flask_openapi3 import APIBlueprint, OpenAPI, Tag
from flask_openapi3.types import ResponseDict
from prometheus_client.core import GaugeMetricFamily, Metric
from sqlalchemy.exc import OperationalError

from raindrop.core import metrics
from raindrop.core.db import unit_of_work
from raindrop.core.errors import ServiceUnavailable
from raindrop.core.http import answers
from raindrop.jobs import service
from raindrop.jobs.files import JobFileNotFound, read_pieces
from raindrop.jobs.models import Job
from raindrop.jobs.schemas import JobAnswer, JobPath, dump_job

tag = Tag(name="jobs", description="Long work that goes on after the answer")
blueprint = APIBlueprint("jobs", __name__, url_prefix="/api/jobs", abp_tags=[tag])

_TEXT = {"schema": {"type": "string"}}
FILE_ANSWERS: ResponseDict = answers(200, JobAnswer, 404) | {
    200: {"content": {"text/csv": _TEXT, "application/x-ndjson": _TEXT}}
}


def init_room(app: OpenAPI) -> None:
    """Register the room's routes and figures."""
    app.register_api(blueprint)
    metrics.add_source(lambda: _figures(app))


@blueprint.get("/<string:job_id>", responses=answers(200, JobAnswer, 404))
def get_job(path: JobPath) -> dict[str, Any]:
    """A job's state, progress, log and result."""
    return _show(service.get_job(path.job_id))


@blueprint.post("/<string:job_id>/cancel", responses=answers(200, JobAnswer, 404, 409))
def cancel_job(path: JobPath) -> dict[str, Any]:
    """Cancel a job that has not ended; a running one stops at its next step."""
    job = service.get_job(path.job_id)
    service.cancel_job(job)
    return _show(job)


@blueprint.post("/<string:job_id>/retry", responses=answers(200, JobAnswer, 404, 409))
def retry_job(path: JobPath) -> dict[str, Any]:
    """Queue a failed or canceled job again."""
    job = service.get_job(path.job_id)
    service.retry_job(job)
    return _show(job)


@blueprint.get("/<string:job_id>/file", responses=FILE_ANSWERS)
def get_job_file(path: JobPath) -> Response:
    """The file that a finished job made."""
    file = service.get_output(service.get_job(path.job_id))
    if file is None:
        raise JobFileNotFound
    response = Response(stream_with_context(read_pieces(file.id)), content_type=file.content_type)
    response.content_length = file.size_bytes
    response.headers.set("Content-Disposition", "attachment", filename=file.name)
    return response


def _show(job: Job) -> dict[str, Any]:
    return dump_job(job, service.get_log(job), service.get_output(job))


def _figures(app: Flask) -> Iterable[Metric]:
    try:
        with app.app_context(), unit_of_work(is_write=False):
            counts = service.count_by_status()
            waiting = service.oldest_waiting()
    except (OperationalError, ServiceUnavailable):
        return ()  # the other figures say that the database is away
    jobs = GaugeMetricFamily("raindrop_jobs", "Jobs by state", labels=["status"])
    for status, count in counts.items():
        jobs.add_metric([status], count)
    ages = GaugeMetricFamily(
        "raindrop_job_wait_seconds", "Age of the oldest due job that waits", labels=["queue"]
    )
    now = datetime.now(UTC)
    for queue, since in waiting.items():
        ages.add_metric([queue], (now - since).total_seconds())
    return jobs, ages
