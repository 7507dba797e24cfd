"""Jobs of the teams room."""

from collections.abc import Iterator

from raindrop.jobs.runner import Progress, RunningJob, job_handler
from raindrop.teams.deletion import delete_some


@job_handler("teams.delete")
def delete_team(job: RunningJob) -> Iterator[Progress]:
    """Delete everything of a deleted team in small steps; run again, it goes on with the rest."""
    done = job.checkpoint.get("done", 0)
    while deleted := delete_some(job.params["team"]):
        done += deleted
        yield Progress(done, None, {"done": done})
    job.result = {"deleted": done}
