"""Teams and memberships."""

import sqlalchemy as sa

from raindrop.core.db import db
from raindrop.teams.models import Membership, Team


def roles_of_member(user_id: int) -> list[str]:
    """The roles that a user has by confirmed memberships, by the row's integer key."""
    query = (
        sa.select(Team.public_id, Membership.public_id, Membership.roles)
        .join(Team, Team.id == Membership.team_id)
        .where(Membership.user_id == user_id, Membership.is_confirmed)
    )
    roles = []
    for team_id, membership_id, names in db.session.execute(query):
        roles += [f"team:{team_id}", f"member:{membership_id}"]
        roles += [f"team:{team_id}/{name}" for name in names]
    return roles
