"""Jobs and tasks of the databases room."""

from collections.abc import Iterator

from raindrop.core.db import unit_of_work
from raindrop.core.tasks import task
from raindrop.databases import ddl, deletion, exporting, importing, maintenance, transactions
from raindrop.jobs.runner import Progress, RunningJob, job_handler
from raindrop.projects.deletion import register_cleaner

register_cleaner(deletion.drop_tables_of_project)  # here, for it is a worker that deletes projects

SWEEP_BATCH = 500


@job_handler("databases.converge")
def converge(job: RunningJob) -> Iterator[Progress]:
    """Bring a collection's tables to what is recorded of it; run again, it finds less to do."""
    for done in ddl.converge(job.params["collection"]):
        yield Progress(done, None, {})


@job_handler("databases.drop")
def drop(job: RunningJob) -> Iterator[Progress]:
    """Drop the tables of a deleted collection."""
    deletion.drop_collection(job.params["collection"])
    yield Progress(1, 1, {})


@job_handler("databases.delete")
def delete(job: RunningJob) -> Iterator[Progress]:
    """Drop the tables of a deleted database's collections."""
    for done in deletion.drop_database(job.params["database"]):
        yield Progress(done, None, {})


@job_handler("databases.repair")
def repair(job: RunningJob) -> Iterator[Progress]:
    """Make a collection's tables as they are recorded."""
    schema = maintenance.find_schema(job.params["collection"])
    for done in maintenance.repair(schema) if schema else ():
        yield Progress(done, None, {})


job_handler("databases.import")(importing.import_documents)
job_handler("databases.export")(exporting.export_documents)


@task("databases.sweep")
def sweep() -> None:
    """Finish what was left half-done, whoever was killed when."""
    deletion.sweep()


@task("databases.sweep_transactions", is_stepped=True)
def sweep_transactions() -> None:
    """Delete transactions that are long over, in small transactions of the database."""
    deleted = SWEEP_BATCH
    while deleted == SWEEP_BATCH:
        with unit_of_work():
            deleted = transactions.delete_old(SWEEP_BATCH)
