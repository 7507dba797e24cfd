"""``/v1/teams/ID/memberships``: members and invitations."""

from functools import partial
from typing import Any

from flask import Blueprint, Response, jsonify

from raindrop.core.access import allow
from raindrop.core.cookies import remember_session
from raindrop.core.credentials import current_actor
from raindrop.core.v1 import ListArguments, empty, limited, parse_body, parse_query, show_list
from raindrop.teams import invitations, memberships
from raindrop.teams.invitations import Invitee
from raindrop.teams.schemas import Acceptance, MembershipRoles, NewMembership

blueprint = Blueprint("teams_memberships", __name__, url_prefix="/v1/teams/<team_id>/memberships")


@blueprint.get("")
@allow("teams.read")
def list_memberships(team_id: str) -> dict[str, Any]:
    """A team's members and open invitations."""
    given, actor = parse_query(ListArguments), current_actor()
    members, total = memberships.list_memberships(
        actor, team_id, given.queries, given.search, is_counted=given.total
    )
    return show_list("memberships", members, total, partial(memberships.show_member, actor))


@blueprint.post("")
@allow("teams.write")
@limited(10, 3600, "url:{url},ip:{ip}")
def create_membership(team_id: str) -> tuple[dict[str, Any], int]:
    """Invite somebody; with a key, make a member."""
    body, actor = parse_body(NewMembership), current_actor()
    invitee = Invitee(body.email, body.userId, body.phone, body.name)
    member = invitations.invite(actor, team_id, invitee, body.roles, body.url)
    return memberships.show_member(actor, member), 201


@blueprint.get("/<membership_id>")
@allow("teams.read")
def get_membership(team_id: str, membership_id: str) -> dict[str, Any]:
    """One membership."""
    actor = current_actor()
    return memberships.show_member(actor, memberships.get_membership(actor, team_id, membership_id))


@blueprint.patch("/<membership_id>")
@allow("teams.write")
def set_roles(team_id: str, membership_id: str) -> dict[str, Any]:
    """Give a member other roles."""
    body, actor = parse_body(MembershipRoles), current_actor()
    member = memberships.set_roles(actor, team_id, membership_id, body.roles)
    return memberships.show_member(actor, member)


@blueprint.delete("/<membership_id>")
@allow("teams.write")
def delete_membership(team_id: str, membership_id: str) -> Response:
    """Take a member out, or leave."""
    memberships.end_membership(current_actor(), team_id, membership_id)
    return empty()


@blueprint.patch("/<membership_id>/status")
@allow("public")
def accept_invitation(team_id: str, membership_id: str) -> Response:
    """Accept an invitation."""
    body, actor = parse_body(Acceptance), current_actor()
    member, session, held = invitations.accept(
        actor, team_id, membership_id, body.userId, body.secret
    )
    response = jsonify(memberships.dump_member(member))
    if session and held:
        remember_session(response, actor.tenant, held, session.expires_at.timestamp())
    return response
