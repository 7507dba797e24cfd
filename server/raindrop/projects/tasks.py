"""Jobs and tasks of the projects room."""

from collections.abc import Iterator

from raindrop.core.tasks import task
from raindrop.jobs.runner import Progress, RunningJob, job_handler
from raindrop.projects.deletion import delete_rows, find_deleted
from raindrop.projects.keys import note_use


@job_handler("projects.delete")
def delete_project(job: RunningJob) -> Iterator[Progress]:
    """Delete everything that a deleted project has; a repeat goes on with what is left."""
    project_id, done = job.params["project_id"], job.checkpoint.get("done", 0)
    if find_deleted(project_id) is None:
        return
    for count in delete_rows(project_id):
        done += count
        yield Progress(done, None, {"done": done})
    job.result = {"deleted": done}


@task("projects.note_key_use")
def note_key_use(project_id: int, key_id: str, sdk: str) -> None:
    """Remember that a key was used."""
    note_use(project_id, key_id, sdk)
