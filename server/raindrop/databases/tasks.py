"""Jobs of the databases room."""

from collections.abc import Iterator

from raindrop.databases import ddl
from raindrop.jobs.runner import Progress, RunningJob, job_handler


@job_handler("databases.converge")
def converge(job: RunningJob) -> Iterator[Progress]:
    """Bring a collection's tables to what is recorded of it; run again, it finds less to do."""
    for done in ddl.converge(job.params["collection"]):
        yield Progress(done, None, {})
    job.result = {}
