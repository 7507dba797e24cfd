"""``/v1/teams``: teams and what is kept for them."""

from typing import Any

from flask import Blueprint, Response

from raindrop.core.access import allow
from raindrop.core.credentials import current_actor
from raindrop.core.v1 import ListArguments, empty, parse_body, parse_query, show_list
from raindrop.teams import service
from raindrop.teams.deletion import delete_team as delete
from raindrop.teams.schemas import NewTeam, TeamPrefs, TeamRename

blueprint = Blueprint("teams", __name__, url_prefix="/v1/teams")


@blueprint.get("")
@allow("teams.read")
def list_teams() -> dict[str, Any]:
    """The teams of the person, or all of them."""
    given = parse_query(ListArguments)
    teams, total = service.list_teams(
        current_actor(), given.queries, given.search, is_counted=given.total
    )
    return show_list("teams", teams, total, service.dump_team)


@blueprint.post("")
@allow("teams.write")
def create_team() -> tuple[dict[str, Any], int]:
    """Make a team."""
    body = parse_body(NewTeam)
    team = service.create_team(current_actor(), body.teamId, body.name, body.roles)
    return service.dump_team(team), 201


@blueprint.get("/<team_id>")
@allow("teams.read")
def get_team(team_id: str) -> dict[str, Any]:
    """One team."""
    return service.dump_team(service.get_team(current_actor(), team_id))


@blueprint.put("/<team_id>")
@allow("teams.write")
def rename_team(team_id: str) -> dict[str, Any]:
    """Rename a team."""
    body = parse_body(TeamRename)
    return service.dump_team(service.rename_team(current_actor(), team_id, body.name))


@blueprint.delete("/<team_id>")
@allow("teams.write")
def delete_team(team_id: str) -> Response:
    """Delete a team."""
    delete(current_actor(), team_id)
    return empty()


@blueprint.get("/<team_id>/prefs")
@allow("teams.read")
def get_prefs(team_id: str) -> dict[str, Any]:
    """What is kept for a team."""
    return service.get_team(current_actor(), team_id).prefs


@blueprint.put("/<team_id>/prefs")
@allow("teams.write")
def set_prefs(team_id: str) -> dict[str, Any]:
    """Keep an object for a team."""
    body = parse_body(TeamPrefs)
    return service.set_prefs(current_actor(), team_id, body.prefs).prefs
