"""Deleting a team: gone for everybody at once; its memberships are deleted by a job.

As with users, the row moves to a project that nobody finds, so its id is free at once.
"""

import sqlalchemy as sa

from raindrop.accounts.deletion import NOBODYS
from raindrop.accounts.models import User
from raindrop.core.access import Actor
from raindrop.core.cache import get_cache
from raindrop.core.credentials import user_tag
from raindrop.core.db import db
from raindrop.core.tenancy import Project, Tenant
from raindrop.jobs.service import create_job
from raindrop.teams.models import Membership, Team
from raindrop.teams.service import get_owned_team, publish_team

BATCH = 1000
TAGS_MAX = 200
"""A team of more members takes the whole project's identities from the cache when it is deleted:
one key in place of thousands."""


def delete_team(actor: Actor, public_id: str) -> None:
    """Delete a team: its members lose its roles at once, a job deletes their memberships.

    Raises:
        TeamNotFound, Unauthorized
    """
    team = get_owned_team(actor, public_id, lock=True)
    publish_team(actor, team, "delete")
    _forget_members(actor.tenant, team)
    nobodys = sa.select(Project.id).where(Project.public_id == NOBODYS)
    team.project_id, team.public_id = db.session.scalars(nobodys).one(), f"~{team.id}"
    create_job("teams.delete", queue="deletes", params={"team": team.id})


def delete_some(team_id: int) -> int:
    """Delete up to ``BATCH`` memberships of a deleted team, or its row when there are none left.

    Returns:
        How many rows; 0: nothing is left.
    """
    mine = sa.select(Membership.id).where(Membership.team_id == team_id).limit(BATCH)
    ids = list(db.session.scalars(mine))
    if ids:
        db.session.execute(sa.delete(Membership).where(Membership.id.in_(ids)))
        return len(ids)
    team = db.session.get(Team, team_id)
    if team is not None:
        db.session.delete(team)
    return int(team is not None)


def end_memberships_of(user_id: int, limit: int) -> int:
    """Delete up to ``limit`` memberships of a deleted user; how many.

    Args:
        user_id: the integer key of the user's row.
    """
    mine = sa.select(Membership.id, Membership.team_id, Membership.is_confirmed).where(
        Membership.user_id == user_id
    )
    rows = db.session.execute(mine.limit(limit).with_for_update()).all()
    left = [row.team_id for row in rows if row.is_confirmed]
    # A user is in a team once, so each loses one.
    db.session.execute(
        sa.update(Team).where(Team.id.in_(left)).values(total=Team.total - 1),
        execution_options={"synchronize_session": False},
    )
    ids = [row.id for row in rows]
    db.session.execute(sa.delete(Membership).where(Membership.id.in_(ids)))
    return len(ids)


def _forget_members(tenant: Tenant, team: Team) -> None:
    members = (
        sa.select(User.public_id)
        .join(Membership, Membership.user_id == User.id)
        .where(Membership.team_id == team.id, Membership.is_confirmed)
        .limit(TAGS_MAX + 1)
    )
    tags = [user_tag(tenant.public_id, user_id) for user_id in db.session.scalars(members)]
    get_cache().invalidate(*(tags if len(tags) <= TAGS_MAX else [tenant.tag]))
