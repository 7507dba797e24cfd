"""``/v1/projects/ID/platforms``."""

from typing import Any

from flask import Blueprint, Response

from raindrop.core.access import allow
from raindrop.core.credentials import current_actor
from raindrop.core.v1 import empty, parse_body, parse_query, show_list
from raindrop.projects import platforms
from raindrop.projects.schemas import NewPlatform, PlatformFields, TotalOnly
from raindrop.projects.shapes import dump_platform

blueprint = Blueprint(
    "project_platforms", __name__, url_prefix="/v1/projects/<project_id>/platforms"
)


@blueprint.get("")
@allow("platforms.read")
def list_platforms(project_id: str) -> dict[str, Any]:
    """The project's platforms."""
    asked = parse_query(TotalOnly)
    found, total = platforms.list_platforms(current_actor(), project_id, is_counted=asked.total)
    return show_list("platforms", found, total, dump_platform)


@blueprint.post("")
@allow("platforms.write")
def create_platform(project_id: str) -> tuple[dict[str, Any], int]:
    """Add a platform."""
    body = parse_body(NewPlatform)
    platform = platforms.create_platform(
        current_actor(),
        project_id,
        body.type,
        body.name,
        key=body.key,
        store=body.store,
        hostname=body.hostname,
    )
    return dump_platform(platform), 201


@blueprint.get("/<platform_id>")
@allow("platforms.read")
def get_platform(project_id: str, platform_id: str) -> dict[str, Any]:
    """One platform."""
    return dump_platform(platforms.get_platform(current_actor(), project_id, platform_id))


@blueprint.put("/<platform_id>")
@allow("platforms.write")
def update_platform(project_id: str, platform_id: str) -> dict[str, Any]:
    """Change a platform."""
    body = parse_body(PlatformFields)
    platform = platforms.update_platform(
        current_actor(),
        project_id,
        platform_id,
        body.name,
        key=body.key,
        store=body.store,
        hostname=body.hostname,
    )
    return dump_platform(platform)


@blueprint.delete("/<platform_id>")
@allow("platforms.write")
def delete_platform(project_id: str, platform_id: str) -> Response:
    """Take a platform away."""
    platforms.delete_platform(current_actor(), project_id, platform_id)
    return empty()
