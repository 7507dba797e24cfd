"""Jobs of the teams room."""

from collections.abc import Iterator

import sqlalchemy as sa

from raindrop.core.db import db
from raindrop.jobs.runner import Progress, RunningJob, job_handler
from raindrop.teams.models import Membership, Team

DELETE_BATCH = 1000


@job_handler("teams.delete")
def delete_team(job: RunningJob) -> Iterator[Progress]:
    """Delete a team's memberships in batches, and last its row; what is gone stays gone, so a job
    that begins again goes on."""
    team_id = job.params["team_id"]
    done = job.checkpoint.get("done", 0)
    mine = sa.select(Membership.id).where(Membership.team_id == team_id).limit(DELETE_BATCH)
    while ids := list(db.session.scalars(mine)):
        db.session.execute(sa.delete(Membership).where(Membership.id.in_(ids)))
        done += len(ids)
        yield Progress(done, None, {"done": done})
    db.session.execute(sa.delete(Team).where(Team.id == team_id))
    job.result = {"deleted": done}
