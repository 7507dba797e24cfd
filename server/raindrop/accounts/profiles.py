"""What a project's keys and administrators change of a user."""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

from sqlalchemy.exc import IntegrityError

from raindrop.accounts import password_rules
from raindrop.accounts.models import User
from raindrop.accounts.sessions import end_sessions
from raindrop.accounts.users import changed, check_email, check_phone, get_user, set_target
from raindrop.core.access import Actor
from raindrop.core.db import db, let_go
from raindrop.core.errors import AppError


class EmailAlreadyExists(AppError):
    """The e-mail address is another user's."""

    type = "user_email_already_exists"
    status = HTTPStatus.CONFLICT
    message = "Another user of the project has this e-mail address."


class PhoneAlreadyExists(AppError):
    """The phone number is another user's."""

    type = "user_phone_already_exists"
    status = HTTPStatus.CONFLICT
    message = "Another user of the project has this phone number."


def change_name(actor: Actor, user: User, name: str) -> None:
    """Give the user another name."""
    user.name = name
    changed(actor, user, "update.name")


def change_email(actor: Actor, user: User, text: str) -> None:
    """Give the user another e-mail address, not verified yet; an empty one takes it away.

    Raises:
        BadRequest, EmailAlreadyExists
    """
    old, user.email = user.email, check_email(text) if text else None
    if user.email == old:
        return
    user.is_email_verified = False
    _flush(EmailAlreadyExists)
    set_target(user, "email", user.email, old=old)
    changed(actor, user, "update.email")


def change_phone(actor: Actor, user: User, text: str) -> None:
    """Give the user another phone number, not verified yet; an empty one takes it away.

    Raises:
        BadRequest, PhoneAlreadyExists
    """
    old, user.phone = user.phone, check_phone(text) if text else None
    if user.phone == old:
        return
    user.is_phone_verified = False
    _flush(PhoneAlreadyExists)
    set_target(user, "sms", user.phone, old=old)
    changed(actor, user, "update")


def change_password(actor: Actor, user_id: str, password: str) -> User:
    """Give a user another password; an empty one takes it away, so none lets in.

    Sessions end where the project wants that.

    Raises:
        UserNotFound, BadRequest, PasswordPersonal, PasswordRecentlyUsed
    """
    found = get_user(actor.tenant, user_id)
    let_go()
    hashed = password_rules.prepare(actor.tenant, found, password) if password else None
    user = get_user(actor.tenant, user_id, lock=True)
    password_rules.keep(actor.tenant, user, hashed)
    if actor.tenant.settings.invalidates_sessions:
        end_sessions(actor, user)
    changed(actor, user, "update.password")
    return user


def change_prefs(actor: Actor, user: User, prefs: Mapping[str, Any]) -> None:
    """Keep these preferences in place of those before."""
    user.prefs = dict(prefs)
    changed(actor, user, "update.prefs")


def change_labels(actor: Actor, user: User, labels: Sequence[str]) -> None:
    """Keep these labels, each once, in place of those before."""
    user.labels = list(dict.fromkeys(labels))
    changed(actor, user, "update")


def change_status(actor: Actor, user: User, *, is_active: bool) -> None:
    """Suspend a user, or end that. Sessions and tokens stop with it and go on after it."""
    user.is_active = is_active
    changed(actor, user, "update.status")


def change_email_verification(actor: Actor, user: User, *, is_verified: bool) -> None:
    """Say whether the e-mail address is the user's."""
    user.is_email_verified = is_verified
    changed(actor, user, "update")


def change_phone_verification(actor: Actor, user: User, *, is_verified: bool) -> None:
    """Say whether the phone number is the user's."""
    user.is_phone_verified = is_verified
    changed(actor, user, "update")


def _flush(conflict: type[AppError]) -> None:
    try:
        db.session.flush()  # the database decides whose it is
    except IntegrityError:
        raise conflict from None
