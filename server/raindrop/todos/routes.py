"""``/api/todo``: the public board."""

from typing import Any, cast

from flask import Response, current_app
from flask_openapi3 import APIBlueprint, OpenAPI, Tag

from raindrop.config import Settings
from raindrop.core.cache import get_cache
from raindrop.core.edge import allow_edge
from raindrop.core.http import answers, body_of, file_body, limiter, only_file, parse_body
from raindrop.jobs.schemas import JobAnswer, accept
from raindrop.todos import service
from raindrop.todos.schemas import (
    BoardAnswer,
    BoardQuery,
    ExportOptions,
    NewTodo,
    TodoAnswer,
    TodoPath,
)

FORM = "application/x-www-form-urlencoded"

tag = Tag(name="todo", description="The public to-do board")
blueprint = APIBlueprint("todos", __name__, url_prefix="/api/todo", abp_tags=[tag])


writes_limited = limiter.shared_limit(
    lambda: cast(Settings, current_app.config["RAINDROP"]).todo_rate_limit, scope="todos"
)
"""One budget for all writes of a client."""

jobs_limited = limiter.shared_limit(
    lambda: cast(Settings, current_app.config["RAINDROP"]).todo_job_rate_limit, scope="todo-jobs"
)
"""A budget of its own for what keeps a worker busy."""


def init_room(app: OpenAPI) -> None:
    """Register the room's routes and its hot page."""
    app.register_api(blueprint)
    with app.app_context():
        get_cache().add_hot(service.hot_board())


@blueprint.get("", responses=answers(200, BoardAnswer))
def list_todos(query: BoardQuery) -> Response:
    """Ten to-dos, newest first."""
    if query.before is not None:
        return _json(service.get_older(query.before))
    page = service.get_page(query.start)
    return allow_edge(_json(page.body or b""), [service.BOARD_TAG], page.generation, page.ttl_ms)


@blueprint.get("/<int:todo_id>", responses=answers(200, TodoAnswer, 404))
def get_todo(path: TodoPath) -> Response:
    """One to-do."""
    return _json(service.get_item(path.todo_id))


@blueprint.post(
    "",
    responses=answers(201, TodoAnswer, 415, 429),
    openapi_extensions=body_of(NewTodo, "application/json", FORM),
)
@writes_limited
def create_todo() -> tuple[dict[str, Any], int]:
    """Add a to-do."""
    return service.dump_todo(service.create_todo(parse_body(NewTodo).content)), 201


@blueprint.put("/<int:todo_id>/finish", responses=answers(200, TodoAnswer, 404, 429))
@writes_limited
def finish_todo(path: TodoPath) -> dict[str, Any]:
    """Mark a to-do as finished."""
    return service.dump_todo(service.finish_todo(path.todo_id))


@blueprint.put("/<int:todo_id>/reopen", responses=answers(200, TodoAnswer, 404, 429))
@writes_limited
def reopen_todo(path: TodoPath) -> dict[str, Any]:
    """Take the mark back."""
    return service.dump_todo(service.reopen_todo(path.todo_id))


@blueprint.delete("/<int:todo_id>", responses=answers(200, TodoAnswer, 404, 429))
@writes_limited
def delete_todo(path: TodoPath) -> dict[str, Any]:
    """Delete a to-do; it can be restored for an hour."""
    return service.dump_todo(service.delete_todo(path.todo_id))


@blueprint.put("/<int:todo_id>/restore", responses=answers(200, TodoAnswer, 404, 429))
@writes_limited
def restore_todo(path: TodoPath) -> dict[str, Any]:
    """Put a deleted to-do back to its place."""
    return service.dump_todo(service.restore_todo(path.todo_id))


@blueprint.post(
    "/import", responses=answers(202, JobAnswer, 413, 429), openapi_extensions=file_body("file")
)
@writes_limited
@jobs_limited
def import_todos() -> tuple[dict[str, Any], int, dict[str, str]]:
    """Import a CSV or JSON-lines file of up to 4 MB, as a job."""
    file = only_file("file")
    return accept(service.start_import(file.filename or "", file.mimetype, file.stream))


@blueprint.post(
    "/export",
    responses=answers(202, JobAnswer, 415, 429),
    openapi_extensions=body_of(ExportOptions, "application/json", FORM),
)
@writes_limited
@jobs_limited
def export_todos() -> tuple[dict[str, Any], int, dict[str, str]]:
    """Write the whole board to a file, as a job."""
    return accept(service.start_export(parse_body(ExportOptions).format))


def _json(body: bytes) -> Response:
    return Response(body, mimetype="application/json")
