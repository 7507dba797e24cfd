"""``/v1/projects``: projects themselves, and what later releases do with them."""

from typing import Any

from flask import Blueprint, Response

from raindrop.core.access import allow
from raindrop.core.credentials import current_actor
from raindrop.core.v1 import ListArguments, empty, not_served, parse_body, parse_query
from raindrop.projects import service
from raindrop.projects.schemas import NewProject, ProjectChange, TeamChange
from raindrop.projects.shapes import dump_project, dump_projects

blueprint = Blueprint("projects", __name__, url_prefix="/v1/projects")


@blueprint.get("")
@allow("projects.read")
def list_projects() -> dict[str, Any]:
    """The operator's projects."""
    asked = parse_query(ListArguments)
    found, total = service.list_projects(
        current_actor(), asked.queries, search=asked.search, is_counted=asked.total
    )
    return {"total": total, "projects": dump_projects(found)}


@blueprint.post("")
@allow("projects.write")
def create_project() -> tuple[dict[str, Any], int]:
    """Make a project."""
    body = parse_body(NewProject)
    project = service.create_project(
        current_actor(),
        body.projectId,
        body.name,
        team_id=body.teamId,
        region=body.region,
        details=body.given_details(),
    )
    return dump_project(project), 201


@blueprint.get("/<project_id>")
@allow("projects.read")
def get_project(project_id: str) -> dict[str, Any]:
    """One project."""
    return dump_project(service.get_project(current_actor(), project_id))


@blueprint.patch("/<project_id>")
@allow("projects.write")
def update_project(project_id: str) -> dict[str, Any]:
    """Change a project's name and details."""
    body = parse_body(ProjectChange)
    project = service.update_project(current_actor(), project_id, body.name, body.given_details())
    return dump_project(project)


@blueprint.delete("/<project_id>")
@allow("projects.write")
def delete_project(project_id: str) -> Response:
    """Delete a project with everything in it."""
    service.delete_project(current_actor(), project_id)
    return empty()


@blueprint.patch("/<project_id>/team")
@allow("projects.write")
def move_project(project_id: str) -> dict[str, Any]:
    """Give a project to another team."""
    team_id = parse_body(TeamChange).teamId
    return dump_project(service.move_project(current_actor(), project_id, team_id))


not_served(blueprint, "GET", "/<project_id>/webhooks")
not_served(blueprint, "POST", "/<project_id>/webhooks")
not_served(blueprint, "GET", "/<project_id>/webhooks/<webhook_id>")
not_served(blueprint, "PUT", "/<project_id>/webhooks/<webhook_id>")
not_served(blueprint, "DELETE", "/<project_id>/webhooks/<webhook_id>")
not_served(blueprint, "PATCH", "/<project_id>/webhooks/<webhook_id>/signature")
