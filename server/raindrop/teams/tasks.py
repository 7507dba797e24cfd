"""Jobs of the teams room, and its part in the job that deletes a user."""

from collections.abc import Iterator

from raindrop.accounts.deletion import register_cleaner
from raindrop.jobs.runner import Progress, RunningJob, job_handler
from raindrop.teams.deletion import delete_some, end_memberships_of

register_cleaner(end_memberships_of)  # here, for it is a worker that deletes users


@job_handler("teams.delete")
def delete_team(job: RunningJob) -> Iterator[Progress]:
    """Delete everything of a deleted team in small steps; run again, it goes on with the rest."""
    done = job.checkpoint.get("done", 0)
    while deleted := delete_some(job.params["team"]):
        done += deleted
        yield Progress(done, None, {"done": done})
    job.result = {"deleted": done}
