"""``/v1/users``: a user's sessions, tokens and JWTs, and where messages reach the user."""

from typing import Any

from flask import Blueprint, Response

from raindrop.accounts import grants, schemas_users, sessions, signin, targets
from raindrop.accounts.routes_users import find
from raindrop.accounts.tokens import dump_token
from raindrop.accounts.users import dump_target
from raindrop.core.access import allow
from raindrop.core.credentials import current_actor
from raindrop.core.v1 import ListArguments, empty, parse_body, parse_query

blueprint = Blueprint("access", __name__)


@blueprint.get("/<user_id>/sessions")
@allow("users.read")
def list_sessions(user_id: str) -> dict[str, Any]:
    """The user's sessions."""
    asked, user = parse_query(schemas_users.TotalArgument), find(user_id)
    found = sessions.list_sessions(current_actor().tenant, user)
    shown = [sessions.dump_session(each, user) for each in found]
    return {"total": len(shown) if asked.total else 0, "sessions": shown}


@blueprint.post("/<user_id>/sessions")
@allow("users.write")
def create_session(user_id: str) -> tuple[dict[str, Any], int]:
    """Begin a session for the user; its secret is told here and nowhere else."""
    actor, user = current_actor(), find(user_id)
    session, held = signin.begin_session(actor, user)
    return sessions.dump_session(session, user, secret=held.encode()), 201


@blueprint.delete("/<user_id>/sessions")
@allow("users.write")
def delete_sessions(user_id: str) -> Response:
    """End all of the user's sessions."""
    sessions.end_sessions(current_actor(), find(user_id))
    return empty()


@blueprint.delete("/<user_id>/sessions/<session_id>")
@allow("users.write")
def delete_session(user_id: str, session_id: str) -> Response:
    """End one session."""
    actor, user = current_actor(), find(user_id)
    sessions.end_session(actor, user, sessions.get_session(actor.tenant, user, session_id))
    return empty()


@blueprint.post("/<user_id>/tokens")
@allow("users.write")
def create_token(user_id: str) -> tuple[dict[str, Any], int]:
    """A token that the user can redeem for a session."""
    body, user = parse_body(schemas_users.NewToken), find(user_id)
    issued = grants.create_token(current_actor(), user, body.length, body.expire)
    return dump_token(issued), 201


@blueprint.post("/<user_id>/jwts")
@allow("users.write")
def create_jwt(user_id: str) -> tuple[dict[str, Any], int]:
    """A JWT that acts as the user."""
    body, user = parse_body(schemas_users.NewJwt), find(user_id)
    return {"jwt": grants.create_jwt(current_actor(), user, body.sessionId, body.duration)}, 201


@blueprint.get("/<user_id>/targets")
@allow("targets.read")
def list_targets(user_id: str) -> dict[str, Any]:
    """Where messages reach the user."""
    asked, user = parse_query(ListArguments), find(user_id)
    found, total = targets.list_targets(
        current_actor().tenant, user, asked.queries, is_counted=asked.total
    )
    return {"total": total, "targets": [dump_target(target, user) for target in found]}


@blueprint.post("/<user_id>/targets")
@allow("targets.write")
def create_target(user_id: str) -> tuple[dict[str, Any], int]:
    """Add where messages reach the user."""
    body, user = parse_body(schemas_users.NewTarget), find(user_id)
    target = targets.create_target(
        current_actor(),
        user,
        body.targetId,
        provider_type=body.providerType,
        identifier=body.identifier,
        provider_id=body.providerId,
        name=body.name,
    )
    return dump_target(target, user), 201


@blueprint.get("/<user_id>/targets/<target_id>")
@allow("targets.read")
def get_target(user_id: str, target_id: str) -> dict[str, Any]:
    """One target."""
    user = find(user_id)
    return dump_target(targets.get_target(current_actor().tenant, user, target_id), user)


@blueprint.patch("/<user_id>/targets/<target_id>")
@allow("targets.write")
def update_target(user_id: str, target_id: str) -> dict[str, Any]:
    """Change a target."""
    actor, body, user = current_actor(), parse_body(schemas_users.TargetChange), find(user_id)
    target = targets.get_target(actor.tenant, user, target_id, lock=True)
    targets.change_target(
        actor,
        user,
        target,
        identifier=body.identifier,
        provider_id=body.providerId,
        name=body.name,
    )
    return dump_target(target, user)


@blueprint.delete("/<user_id>/targets/<target_id>")
@allow("targets.write")
def delete_target(user_id: str, target_id: str) -> Response:
    """Take a target away."""
    actor, user = current_actor(), find(user_id)
    targets.delete_target(actor, user, targets.get_target(actor.tenant, user, target_id))
    return empty()
