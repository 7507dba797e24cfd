"""``/v1/users``: a project's users, for its keys and administrators."""

from typing import Any

from flask import Blueprint, Response

from raindrop.accounts import deletion, profiles, schemas_users, users
from raindrop.accounts.models import User
from raindrop.core.access import ScopeMissing, allow
from raindrop.core.credentials import current_actor
from raindrop.core.errors import UsageDisabled
from raindrop.core.v1 import ListArguments, empty, not_served, parse_body, parse_query

blueprint = Blueprint("users", __name__, url_prefix="/v1/users")

not_served(blueprint, "GET", "/usage", UsageDisabled)


@blueprint.get("")
@allow("users.read")
def list_users() -> dict[str, Any]:
    """The project's users."""
    asked = parse_query(ListArguments)
    found, total = users.list_users(
        current_actor().tenant, asked.queries, asked.search, is_counted=asked.total
    )
    shown = users.dump_users(found, with_hash=current_actor().is_privileged)
    return {"total": total, "users": shown}


@blueprint.post("")
@allow("users.write")
def create_user() -> tuple[dict[str, Any], int]:
    """Make a user."""
    body = parse_body(schemas_users.NewUser)
    user = users.create_user(
        current_actor(),
        body.userId,
        email=users.check_email(body.email) if body.email is not None else None,
        phone=users.check_phone(body.phone) if body.phone is not None else None,
        password=body.password,
        name=body.name,
    )
    return show(user), 201


@blueprint.get("/<user_id>")
@allow("users.read")
def get_user(user_id: str) -> dict[str, Any]:
    """One user."""
    return show(find(user_id))


@blueprint.delete("/<user_id>")
@allow("users.write")
def delete_user(user_id: str) -> Response:
    """Delete a user and everything of the user's."""
    deletion.delete_user(current_actor(), find(user_id))
    return empty()


@blueprint.patch("/<user_id>/name")
@allow("users.write")
def update_name(user_id: str) -> dict[str, Any]:
    """Give the user another name."""
    body, user = parse_body(schemas_users.NameChange), find(user_id, lock=True)
    profiles.change_name(current_actor(), user, body.name)
    return show(user)


@blueprint.patch("/<user_id>/email")
@allow("users.write")
def update_email(user_id: str) -> dict[str, Any]:
    """Give the user another e-mail address."""
    body, user = parse_body(schemas_users.EmailChange), find(user_id, lock=True)
    profiles.change_email(current_actor(), user, body.email)
    return show(user)


@blueprint.patch("/<user_id>/phone")
@allow("users.write")
def update_phone(user_id: str) -> dict[str, Any]:
    """Give the user another phone number."""
    body, user = parse_body(schemas_users.PhoneChange), find(user_id, lock=True)
    profiles.change_phone(current_actor(), user, body.number)
    return show(user)


@blueprint.patch("/<user_id>/password")
@allow("users.write")
def update_password(user_id: str) -> dict[str, Any]:
    """Give the user another password."""
    body = parse_body(schemas_users.PasswordChange)
    return show(profiles.change_password(current_actor(), user_id, body.password))


@blueprint.get("/<user_id>/prefs")
@allow("users.read")
def get_prefs(user_id: str) -> dict[str, Any]:
    """The user's preferences."""
    return find(user_id).prefs


@blueprint.patch("/<user_id>/prefs")
@allow("users.write")
def update_prefs(user_id: str) -> dict[str, Any]:
    """Keep preferences in place of those before."""
    body, user = parse_body(schemas_users.PrefsChange), find(user_id, lock=True)
    profiles.change_prefs(current_actor(), user, body.prefs)
    return user.prefs


@blueprint.put("/<user_id>/labels")
@allow("users.write")
def update_labels(user_id: str) -> dict[str, Any]:
    """Keep labels in place of those before."""
    body, user = parse_body(schemas_users.LabelsChange), find(user_id, lock=True)
    profiles.change_labels(current_actor(), user, body.labels)
    return show(user)


@blueprint.patch("/<user_id>/status")
@allow("users.write")
def update_status(user_id: str) -> dict[str, Any]:
    """Suspend the user, or end that."""
    body, user = parse_body(schemas_users.StatusChange), find(user_id, lock=True)
    profiles.change_status(current_actor(), user, is_active=body.status)
    return show(user)


@blueprint.patch("/<user_id>/verification")
@allow("users.write")
def update_email_verification(user_id: str) -> dict[str, Any]:
    """Say whether the e-mail address is the user's."""
    body, user = parse_body(schemas_users.EmailVerificationChange), find(user_id, lock=True)
    profiles.change_email_verification(current_actor(), user, is_verified=body.emailVerification)
    return show(user)


@blueprint.patch("/<user_id>/verification/phone")
@allow("users.write")
def update_phone_verification(user_id: str) -> dict[str, Any]:
    """Say whether the phone number is the user's."""
    body, user = parse_body(schemas_users.PhoneVerificationChange), find(user_id, lock=True)
    profiles.change_phone_verification(current_actor(), user, is_verified=body.phoneVerification)
    return show(user)


def find(user_id: str, *, lock: bool = False) -> User:
    """The user of the path.

    Raises:
        ScopeMissing: a user asks; a user's own scope for targets is for the account service.
        UserNotFound
    """
    actor = current_actor()
    if not actor.is_privileged:
        raise ScopeMissing("Users are for the project's keys and administrators.")
    return users.get_user(actor.tenant, user_id, lock=lock)


def show(user: User) -> dict[str, Any]:
    """A user, as keys and administrators see one."""
    return users.dump_user(user, with_hash=current_actor().is_privileged)
