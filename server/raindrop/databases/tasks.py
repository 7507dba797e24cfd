"""Jobs of the databases room."""

from collections.abc import Iterator

from raindrop.core.db import unit_of_work
from raindrop.core.tasks import task
from raindrop.databases import ddl, transactions
from raindrop.jobs.runner import Progress, RunningJob, job_handler

SWEEP_BATCH = 500


@job_handler("databases.converge")
def converge(job: RunningJob) -> Iterator[Progress]:
    """Bring a collection's tables to what is recorded of it; run again, it finds less to do."""
    for done in ddl.converge(job.params["collection"]):
        yield Progress(done, None, {})
    job.result = {}


@task("databases.sweep_transactions", is_stepped=True)
def sweep_transactions() -> None:
    """Delete transactions that are long over, in small transactions of the database."""
    deleted = SWEEP_BATCH
    while deleted == SWEEP_BATCH:
        with unit_of_work():
            deleted = transactions.delete_old(SWEEP_BATCH)
