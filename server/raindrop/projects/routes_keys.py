"""``/v1/projects/ID/keys``, ``/dev-keys`` and ``/jwts``."""

import time
from typing import Any

from flask import Blueprint, Flask, Response, request

from raindrop.core import credentials
from raindrop.core.access import allow
from raindrop.core.credentials import current_actor
from raindrop.core.tasks import send
from raindrop.core.v1 import ListArguments, empty, parse_body, parse_query, show_list
from raindrop.projects import keys
from raindrop.projects.schemas import DevKeyFields, DynamicKey, KeyFields, TotalOnly
from raindrop.projects.shapes import dump_key

blueprint = Blueprint("project_keys", __name__, url_prefix="/v1/projects/<project_id>")

NOTED_MAX = 10_000
NOTE_EVERY_S = keys.ACCESS_STEP.total_seconds()

_noted: dict[tuple[int, str, str], float] = {}
"""When this process last said that a key is in use."""


@blueprint.get("/keys")
@allow("keys.read")
def list_keys(project_id: str) -> dict[str, Any]:
    """The project's keys."""
    asked = parse_query(TotalOnly)
    found, total = keys.list_keys(current_actor(), project_id, is_counted=asked.total)
    return show_list("keys", found, total, dump_key)


@blueprint.post("/keys")
@allow("keys.write")
def create_key(project_id: str) -> tuple[dict[str, Any], int]:
    """Make a key; only this answer tells its secret."""
    body = parse_body(KeyFields)
    key, secret = keys.create_key(current_actor(), project_id, body.name, body.scopes, body.expire)
    return dump_key(key, secret), 201


@blueprint.get("/keys/<key_id>")
@allow("keys.read")
def get_key(project_id: str, key_id: str) -> dict[str, Any]:
    """One key."""
    return dump_key(keys.get_key(current_actor(), project_id, key_id, is_dev=False))


@blueprint.put("/keys/<key_id>")
@allow("keys.write")
def update_key(project_id: str, key_id: str) -> dict[str, Any]:
    """Change a key."""
    body = parse_body(KeyFields)
    key = keys.update_key(
        current_actor(),
        project_id,
        key_id,
        name=body.name,
        scopes=body.scopes,
        expires_at=body.expire,
    )
    return dump_key(key)


@blueprint.delete("/keys/<key_id>")
@allow("keys.write")
def delete_key(project_id: str, key_id: str) -> Response:
    """Revoke a key."""
    keys.delete_key(current_actor(), project_id, key_id, is_dev=False)
    return empty()


@blueprint.get("/dev-keys")
@allow("projects.read")
def list_dev_keys(project_id: str) -> dict[str, Any]:
    """The project's dev keys."""
    asked = parse_query(ListArguments)
    found, total = keys.list_dev_keys(current_actor(), project_id, asked.queries)
    return show_list("devKeys", found, total, dump_key)


@blueprint.post("/dev-keys")
@allow("projects.write")
def create_dev_key(project_id: str) -> tuple[dict[str, Any], int]:
    """Make a dev key; only this answer tells its secret."""
    body = parse_body(DevKeyFields)
    key, secret = keys.create_dev_key(current_actor(), project_id, body.name, body.expire)
    return dump_key(key, secret), 201


@blueprint.get("/dev-keys/<key_id>")
@allow("projects.read")
def get_dev_key(project_id: str, key_id: str) -> dict[str, Any]:
    """One dev key."""
    return dump_key(keys.get_key(current_actor(), project_id, key_id, is_dev=True))


@blueprint.put("/dev-keys/<key_id>")
@allow("projects.write")
def update_dev_key(project_id: str, key_id: str) -> dict[str, Any]:
    """Change a dev key."""
    body = parse_body(DevKeyFields)
    key = keys.update_key(
        current_actor(),
        project_id,
        key_id,
        name=body.name,
        scopes=(),
        expires_at=body.expire,
        is_dev=True,
    )
    return dump_key(key)


@blueprint.delete("/dev-keys/<key_id>")
@allow("projects.write")
def delete_dev_key(project_id: str, key_id: str) -> Response:
    """Revoke a dev key."""
    keys.delete_key(current_actor(), project_id, key_id, is_dev=True)
    return empty()


@blueprint.post("/jwts")
@allow("projects.write")
def create_jwt(project_id: str) -> tuple[dict[str, Any], int]:
    """Make a key that ends by itself."""
    body = parse_body(DynamicKey)
    token = keys.sign_dynamic_key(current_actor(), project_id, body.scopes, body.duration)
    return {"jwt": token}, 201


def init_keys(app: Flask) -> None:
    """Remember which keys are in use."""

    @app.after_request
    def note_use(response: Response) -> Response:
        for project_id, key_id in credentials.used_keys():
            _note_use(project_id, key_id, request.headers.get("X-SDK-Name", ""))
        return response


def _note_use(project_id: int, key_id: str, sdk: str) -> None:
    """Have a use recorded; a process says it once an hour for each key and client library."""
    sdk = sdk[: keys.SDK_NAME_MAX] if sdk.isprintable() else ""
    now, entry = time.monotonic(), (project_id, key_id, sdk)
    if now - _noted.get(entry, -NOTE_EVERY_S) < NOTE_EVERY_S:
        return
    if len(_noted) >= NOTED_MAX:
        _noted.clear()
    _noted[entry] = now
    send("projects.note_key_use", queue="events", project_id=project_id, key_id=key_id, sdk=sdk)
