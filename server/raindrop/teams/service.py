"""Teams: making, finding, changing, deleting, showing."""

from collections.abc import Iterable, Sequence
from http import HTTPStatus
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from raindrop.core.access import Actor, ActorKind, Unauthorized
from raindrop.core.cache import get_cache
from raindrop.core.credentials import user_tag
from raindrop.core.db import db, utc_now
from raindrop.core.errors import AppError, NotFound
from raindrop.core.events import publish
from raindrop.core.formats import new_id, show_time
from raindrop.core.queries import list_rows
from raindrop.core.tenancy import Tenant, find_row
from raindrop.teams.models import Membership, Team

OWNER = "owner"


class TeamNotFound(NotFound):
    """No such team in the project, or none that the actor may see."""

    type = "team_not_found"
    message = "There is no team with this id, or you are not a member of it."


class TeamAlreadyExists(AppError):
    """The id is another team's."""

    type = "team_already_exists"
    status = HTTPStatus.CONFLICT
    message = "A team with this id already exists in the project; choose another."


def create_team(actor: Actor, public_id: str, name: str, roles: Sequence[str]) -> Team:
    """Make a team; the user who does so is its first member and owner.

    Args:
        roles: of that member, besides ``owner``.

    Raises:
        TeamAlreadyExists
    """
    is_user, now = actor.kind == ActorKind.USER, utc_now()
    team = Team(
        project_id=actor.tenant.id,
        public_id=public_id,
        name=name,
        total=int(is_user),
        prefs={},
        created_at=now,
        updated_at=now,
    )
    db.session.add(team)
    try:
        db.session.flush()  # the database decides who was first
    except IntegrityError:
        raise TeamAlreadyExists from None
    if is_user:
        _add_founder(actor, team, roles)
    publish_team(actor, team, "create")
    return team


def list_teams(
    actor: Actor, queries: Sequence[str], search: str, *, is_counted: bool
) -> tuple[Sequence[Team], int]:
    """The teams that the actor may see, and how many.

    Raises:
        QueryInvalid, CursorNotFound
    """
    where = []
    if not actor.is_privileged:
        mine = sa.select(Membership.team_id).where(
            Membership.user_id == actor.person.user_id, Membership.is_confirmed
        )
        where.append(Team.id.in_(mine))
    return list_rows(
        Team,
        actor.tenant,
        queries,
        {"name": Team.name, "total": Team.total},
        where=where,
        search=search,
        searched=(Team.name, Team.public_id),
        is_counted=is_counted,
    )


def get_team(actor: Actor, public_id: str, *, lock: bool = False) -> Team:
    """A team that the actor may see.

    Raises:
        TeamNotFound
    """
    team = find_team(actor.tenant, public_id, lock=lock)
    if not (actor.is_privileged or f"team:{public_id}" in actor.roles):
        raise TeamNotFound
    return team


def get_owned_team(actor: Actor, public_id: str, *, lock: bool = False) -> Team:
    """A team that the actor may change.

    Raises:
        TeamNotFound: the actor does not even see it.
        Unauthorized: a member who is no owner.
    """
    team = get_team(actor, public_id, lock=lock)
    if not may_change(actor, team):
        raise Unauthorized("Only an owner of the team may do this.")
    return team


def find_team(tenant: Tenant, public_id: str, *, lock: bool = False) -> Team:
    """A team of the project, whoever asks.

    Raises:
        TeamNotFound
    """
    team = find_row(Team, tenant, public_id, lock=lock)
    if team is None:
        raise TeamNotFound
    return team


def may_change(actor: Actor, team: Team) -> bool:
    """Whether the actor is an owner of the team, or stands above."""
    return actor.is_privileged or f"team:{team.public_id}/{OWNER}" in actor.roles


def rename_team(actor: Actor, public_id: str, name: str) -> Team:
    """Give a team another name.

    Raises:
        TeamNotFound, Unauthorized
    """
    team = get_owned_team(actor, public_id)
    team.name, team.updated_at = name, utc_now()
    publish_team(actor, team, "update")
    return team


def set_prefs(actor: Actor, public_id: str, prefs: dict[str, Any]) -> Team:
    """Keep an object for the team.

    Raises:
        TeamNotFound, Unauthorized
    """
    team = get_owned_team(actor, public_id)
    team.prefs, team.updated_at = prefs, utc_now()
    publish_team(actor, team, "update.prefs")
    return team


def count_members(team: Team, difference: int) -> None:
    """Change the number of confirmed members, exact among others who do so."""
    db.session.execute(
        sa.update(Team)
        .where(Team.id == team.id)
        .values(total=Team.total + difference, updated_at=utc_now()),
        execution_options={"synchronize_session": False},
    )


def roles_of_member(user_id: int) -> list[str]:
    """The roles that a user has by confirmed memberships, by the row's integer key.

    A deleted team's memberships may still be there: the team is not in their project any more.
    """
    query = (
        sa.select(Team.public_id, Membership.public_id, Membership.roles)
        .join(Team, (Team.id == Membership.team_id) & (Team.project_id == Membership.project_id))
        .where(Membership.user_id == user_id, Membership.is_confirmed)
    )
    roles = []
    for team_id, membership_id, names in db.session.execute(query):
        roles += [f"team:{team_id}", f"member:{membership_id}"]
        roles += [f"team:{team_id}/{name}" for name in names]
    return roles


def dump_team(team: Team) -> dict[str, Any]:
    """A team as the contract has it."""
    return {
        "$id": team.public_id,
        "$createdAt": show_time(team.created_at),
        "$updatedAt": show_time(team.updated_at),
        "name": team.name,
        "total": team.total,
        "prefs": team.prefs,
    }


def publish_team(actor: Actor, team: Team, action: str) -> None:
    """Leave the event ``teams.ID.<action>``."""
    publish(
        f"teams.{team.public_id}.{action}",
        resource=f"team/{team.public_id}",
        payload=dump_team(team),
        actor=actor,
    )


def _add_founder(actor: Actor, team: Team, roles: Iterable[str]) -> None:
    membership = Membership(
        project_id=team.project_id,
        public_id=new_id(),
        team_id=team.id,
        user_id=actor.person.user_id,
        roles=list(dict.fromkeys((*roles, OWNER))),
        is_confirmed=True,
        invited_at=team.created_at,
        joined_at=team.created_at,
    )
    db.session.add(membership)
    get_cache().invalidate(user_tag(actor.tenant.public_id, actor.user_id))
