"""Memberships: finding, changing, ending, showing."""

from collections.abc import Sequence
from http import HTTPStatus
from typing import Any, NamedTuple

import sqlalchemy as sa

from raindrop.accounts.models import User
from raindrop.accounts.users import forget, get_user
from raindrop.core.access import Actor, Unauthorized
from raindrop.core.db import db, utc_now
from raindrop.core.errors import AppError, NotFound
from raindrop.core.events import publish
from raindrop.core.formats import show_time
from raindrop.core.queries import holds, list_rows
from raindrop.core.tenancy import Tenant, find_row
from raindrop.teams.models import Membership, Team
from raindrop.teams.service import (
    OWNER,
    TeamNotFound,
    count_members,
    find_team,
    get_team,
    may_change,
)

COLUMNS = {
    "userId": Membership.user_public_id,
    "teamId": Membership.team_public_id,
    "invited": Membership.invited_at,
    "joined": Membership.joined_at,
    "confirm": Membership.is_confirmed,
    "roles": Membership.roles,
}


class MembershipNotFound(NotFound):
    """No such membership in the project."""

    type = "membership_not_found"
    message = "There is no membership with this id."


class MembershipMismatch(NotFound):
    """The membership is another team's."""

    type = "team_membership_mismatch"
    message = "This membership is not one of the team's."


class DowngradeProhibited(AppError):
    """The last owner would be none."""

    type = "membership_downgrade_prohibited"
    status = HTTPStatus.BAD_REQUEST
    message = "The team needs an owner; make another member one first."


class DeletionProhibited(AppError):
    """The last owner would leave the others behind."""

    type = "membership_deletion_prohibited"
    status = HTTPStatus.BAD_REQUEST
    message = "The team needs an owner; make another member one, or delete the team."


class Member(NamedTuple):
    """A membership with its two ends."""

    membership: Membership
    team: Team
    user: User


def list_memberships(
    actor: Actor, team_id: str, queries: Sequence[str], search: str, *, is_counted: bool
) -> tuple[list[Member], int]:
    """The memberships of a team, and how many.

    Raises:
        TeamNotFound, QueryInvalid, CursorNotFound
    """
    team = get_team(actor, team_id)
    living = sa.select(User.id).where(User.project_id == actor.tenant.id)
    where = sa.and_(Membership.team_id == team.id, Membership.user_id.in_(living))
    return _list(actor.tenant, where, queries, search, is_counted=is_counted)


def list_of_user(
    actor: Actor, user_id: str, queries: Sequence[str], search: str, *, is_counted: bool
) -> tuple[list[Member], int]:
    """The memberships of a user, and how many.

    Raises:
        UserNotFound, QueryInvalid, CursorNotFound
    """
    user = get_user(actor.tenant, user_id)
    living = sa.select(Team.id).where(Team.project_id == actor.tenant.id)
    where = sa.and_(Membership.user_id == user.id, Membership.team_id.in_(living))
    return _list(actor.tenant, where, queries, search, is_counted=is_counted)


def get_membership(actor: Actor, team_id: str, public_id: str) -> Member:
    """A membership of a team that the actor may see.

    Raises:
        TeamNotFound, MembershipNotFound, MembershipMismatch
    """
    return find_member(actor.tenant, get_team(actor, team_id), public_id)


def set_roles(actor: Actor, team_id: str, public_id: str, roles: Sequence[str]) -> Member:
    """Give a member other roles.

    Raises:
        TeamNotFound, Unauthorized, MembershipNotFound, MembershipMismatch, DowngradeProhibited
    """
    team = get_team(actor, team_id, lock=True)  # of two last owners one stays
    member = find_member(actor.tenant, team, public_id)
    if not may_change(actor, team):
        raise Unauthorized("Only an owner of the team may change roles.")
    is_last = not actor.is_privileged and _is_last_owner(member.membership)
    if is_last and OWNER not in roles:
        raise DowngradeProhibited
    member.membership.roles = list(dict.fromkeys(roles))
    changed(actor, member, "update")
    return member


def end_membership(actor: Actor, team_id: str, public_id: str) -> None:
    """Take a member out, or let one go; an invitation is taken back, or declined.

    Raises:
        TeamNotFound, Unauthorized, MembershipNotFound, MembershipMismatch, DeletionProhibited
    """
    team = find_team(actor.tenant, team_id, lock=True)
    is_visible = actor.is_privileged or f"team:{team_id}" in actor.roles
    found = find_row(Membership, actor.tenant, public_id)
    is_own = found is not None and _is_own(actor, found)
    if not (is_visible or (is_own and found and found.team_id == team.id)):
        raise TeamNotFound
    member = find_member(actor.tenant, team, public_id)
    if not (is_own or may_change(actor, team)):
        raise Unauthorized("Only an owner of the team may take out others.")
    if not actor.is_privileged and _leaves_others_alone(member.membership):
        raise DeletionProhibited
    db.session.delete(member.membership)
    if member.membership.is_confirmed:
        count_members(team, -1)
    changed(actor, member, "delete")


def find_member(tenant: Tenant, team: Team, public_id: str, *, lock: bool = False) -> Member:
    """A membership of a team, whoever asks.

    Raises:
        MembershipNotFound, MembershipMismatch
    """
    membership = find_row(Membership, tenant, public_id, lock=lock)
    if membership is None:
        raise MembershipNotFound
    if membership.team_id != team.id:
        raise MembershipMismatch
    return Member(membership, team, db.session.get_one(User, membership.user_id))


def changed(actor: Actor, member: Member, action: str) -> None:
    """What follows every change of a membership: the user's roles are read anew, the event is
    left.

    Args:
        action: the end of the event's name, such as ``update.status``.
    """
    membership, team, user = member
    membership.updated_at = utc_now()
    forget(actor.tenant, user)
    publish(
        f"teams.{team.public_id}.memberships.{membership.public_id}.{action}",
        resource=f"team/{team.public_id}",
        payload=dump_member(member),
        actor=actor,
    )


def show_member(actor: Actor, member: Member) -> dict[str, Any]:
    """A membership as the actor may see it: what the project hides of members is empty for all
    but the member, keys and administrators."""
    shown, settings = dump_member(member), actor.tenant.settings
    if actor.is_privileged or _is_own(actor, member.membership):
        return shown
    if not settings.shows_member_name:
        shown["userName"] = ""
    if not settings.shows_member_email:
        shown["userEmail"] = ""
    if not settings.shows_member_mfa:
        shown["mfa"] = False
    return shown


def dump_member(member: Member) -> dict[str, Any]:
    """A membership as the contract has it, with all of it."""
    membership, team, user = member
    return {
        "$id": membership.public_id,
        "$createdAt": show_time(membership.created_at),
        "$updatedAt": show_time(membership.updated_at),
        "userId": user.public_id,
        "userName": user.name,
        "userEmail": user.email or "",
        "teamId": team.public_id,
        "teamName": team.name,
        "invited": show_time(membership.invited_at),
        "joined": show_time(membership.joined_at),
        "confirm": membership.is_confirmed,
        "mfa": user.has_mfa,
        "roles": membership.roles,
    }


def _list(
    tenant: Tenant,
    where: sa.ColumnElement[bool],
    queries: Sequence[str],
    search: str,
    *,
    is_counted: bool,
) -> tuple[list[Member], int]:
    rows, total = list_rows(
        Membership,
        tenant,
        queries,
        COLUMNS,
        where=[where],
        search=search,
        searched=(Membership.public_id, Membership.user_public_id),
        is_counted=is_counted,
    )
    users = _by_id(User, {row.user_id for row in rows})
    teams = _by_id(Team, {row.team_id for row in rows})
    return [Member(row, teams[row.team_id], users[row.user_id]) for row in rows], total


def _by_id(model: type[Any], ids: set[int]) -> dict[int, Any]:
    return {row.id: row for row in db.session.scalars(sa.select(model).where(model.id.in_(ids)))}


def _is_own(actor: Actor, membership: Membership) -> bool:
    is_user = bool(actor.user_id)
    return is_user and actor.person.user_id == membership.user_id


def _is_last_owner(membership: Membership) -> bool:
    is_owner = membership.is_confirmed and OWNER in membership.roles
    return is_owner and not _has_others(membership, holds(Membership.roles, OWNER))


def _leaves_others_alone(membership: Membership) -> bool:
    return _is_last_owner(membership) and _has_others(membership)


def _has_others(membership: Membership, *which: sa.ColumnElement[bool]) -> bool:
    others = sa.select(Membership.id).where(
        Membership.team_id == membership.team_id,
        Membership.id != membership.id,
        Membership.is_confirmed,
        *which,
    )
    return db.session.scalar(others.limit(1)) is not None
