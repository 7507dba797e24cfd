"""The audit trail: the contract's logs, and ``/api/projects/ID/audits`` for the console."""

from typing import Any

from flask_openapi3 import APIBlueprint, OpenAPI, Tag

from raindrop.audits import routes_logs, routes_logs_databases, service
from raindrop.audits.schemas import ProjectPath, TrailAnswer, TrailQuery, dump_trail
from raindrop.core.access import check_access
from raindrop.core.credentials import console_admin, console_user
from raindrop.core.http import answers
from raindrop.core.tenancy import CONSOLE

tag = Tag(name="audits", description="Who did what in a project, for the console")
blueprint = APIBlueprint(
    "audits", __name__, url_prefix="/api/projects/<string:project_id>/audits", abp_tags=[tag]
)


def init_room(app: OpenAPI) -> None:
    """Register the room's routes."""
    app.register_api(blueprint)
    for logs in (routes_logs.account, routes_logs.users, routes_logs.teams):
        app.register_blueprint(logs)
    routes_logs_databases.both.init_app(app)


@blueprint.get("", responses=answers(200, TrailAnswer, 401, 403, 404))
def list_audits(path: ProjectPath, query: TrailQuery) -> dict[str, Any]:
    """A project's audit trail, newest first; of the console's own, what the operator did."""
    user = query.user
    if path.project_id == CONSOLE:
        actor = console_user()
        check_access(actor, ("account",), service=blueprint.name)
        user = actor.user_id
    else:
        actor = console_admin(path.project_id)
        check_access(actor, ("users.read",), service=blueprint.name)
    found = service.list_by_project(
        actor.tenant,
        user=user,
        resource=query.resource,
        event=query.event,
        before=query.before,
        limit=query.limit,
    )
    return dump_trail(found, query.limit)
