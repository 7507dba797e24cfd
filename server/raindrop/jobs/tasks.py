"""Celery tasks of the jobs room."""

import datetime

from flask import current_app

from raindrop.core.db import unit_of_work, utc_now
from raindrop.core.queues import queue_depth
from raindrop.core.tasks import task
from raindrop.jobs.runner import run_job
from raindrop.jobs.service import delete_ended_jobs
from raindrop.jobs.sweeper import sweep

DELETE_BATCH = 100


@task("jobs.run", is_stepped=True)
def run(job_id: int) -> None:
    """Run one job."""
    run_job(job_id)


@task("jobs.sweep")
def sweep_jobs() -> None:
    """Recover jobs whose message or worker was lost."""
    sweep(queue_depth)


@task("jobs.delete_old", is_stepped=True)
def delete_old() -> None:
    """Delete ended jobs after their retention, in small transactions."""
    retention = datetime.timedelta(days=current_app.config["RAINDROP"].job_retention_days)
    while True:
        with unit_of_work():
            deleted = delete_ended_jobs(utc_now() - retention, DELETE_BATCH)
        if deleted < DELETE_BATCH:
            return
