"""What people change of their own account."""

from typing import Any

from flask import Blueprint, Response, jsonify

from raindrop.accounts import own_profile
from raindrop.accounts.schemas import NewEmail, NewName, NewPassword, NewPhone, NewPrefs
from raindrop.accounts.users import dump_user
from raindrop.core.access import allow
from raindrop.core.cookies import forget_session
from raindrop.core.credentials import current_actor
from raindrop.core.v1 import empty, limited, not_served, parse_body

blueprint = Blueprint("profile", __name__, url_prefix="/v1/account")


@blueprint.patch("/email")
@allow("account")
def update_email() -> dict[str, Any]:
    """Change the address; an anonymous account becomes a full one."""
    body = parse_body(NewEmail)
    return dump_user(own_profile.change_email(current_actor(), body.email, body.password))


@blueprint.patch("/phone")
@allow("account")
def update_phone() -> dict[str, Any]:
    """Change the phone number."""
    body = parse_body(NewPhone)
    return dump_user(own_profile.change_phone(current_actor(), body.phone, body.password))


@blueprint.patch("/password")
@allow("account")
@limited(10, 3600, "url:{url},ip:{ip}")
def update_password() -> dict[str, Any]:
    """Change the password."""
    body = parse_body(NewPassword)
    return dump_user(own_profile.change_password(current_actor(), body.password, body.oldPassword))


@blueprint.patch("/name")
@allow("account")
def update_name() -> dict[str, Any]:
    """Change the name."""
    return dump_user(own_profile.change_name(current_actor(), parse_body(NewName).name))


@blueprint.get("/prefs")
@allow("account")
def get_prefs() -> dict[str, Any]:
    """The preferences; from the cache entry that every request reads."""
    prefs: dict[str, Any] = current_actor().person.user["prefs"]
    return prefs


@blueprint.patch("/prefs")
@allow("account")
def update_prefs() -> dict[str, Any]:
    """Replace the preferences."""
    return dump_user(own_profile.change_prefs(current_actor(), parse_body(NewPrefs).prefs))


@blueprint.patch("/status")
@allow("account")
def update_status() -> Response:
    """Close one's own account; only an administrator opens it again."""
    actor = current_actor()
    response = jsonify(dump_user(own_profile.block_self(actor)))
    forget_session(response, actor.tenant)
    return response


@blueprint.delete("")
@allow("account")
def delete_account() -> Response:
    """Delete one's own account and everything of it."""
    actor = current_actor()
    own_profile.delete_self(actor)
    response = empty()
    forget_session(response, actor.tenant)
    return response


not_served(blueprint, "POST", "/targets/push")
not_served(blueprint, "PUT", "/targets/<target_id>/push")
not_served(blueprint, "DELETE", "/targets/<target_id>/push")
