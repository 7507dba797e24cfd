"""Jobs of the accounts room."""

from collections.abc import Iterator

from raindrop.accounts.deletion import delete_some
from raindrop.jobs.runner import Progress, RunningJob, job_handler


@job_handler("accounts.delete_user")
def delete_user(job: RunningJob) -> Iterator[Progress]:
    """Delete everything of a deleted user in small steps; run again, it goes on with the rest."""
    done = job.checkpoint.get("done", 0)
    while deleted := delete_some(job.params["user"]):
        done += deleted
        yield Progress(done, None, {"done": done})
    job.result = {"deleted": done}
