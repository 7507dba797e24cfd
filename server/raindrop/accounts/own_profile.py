"""What people change of their own account."""

from collections.abc import Iterable, Mapping
from http import HTTPStatus
from typing import Any

from raindrop.accounts import profiles
from raindrop.accounts.deletion import delete_user
from raindrop.accounts.models import User
from raindrop.accounts.password_rules import check_new_password, set_password
from raindrop.accounts.sessions import end_sessions, session_user
from raindrop.accounts.signin import InvalidCredentials, is_password_of
from raindrop.accounts.users import changed, check_email, check_phone
from raindrop.core.access import Actor
from raindrop.core.errors import AppError


class DeletionProhibited(AppError):
    """Something would be left without its people."""

    type = "user_deletion_prohibited"
    status = HTTPStatus.BAD_REQUEST
    message = "Leave your teams or delete them first."


def change_email(actor: Actor, email: str, password: str) -> User:
    """Change the person's e-mail address, which is then not verified.

    Who has no password yet, as after an anonymous sign-in, gets this one.

    Raises:
        InvalidCredentials, EmailAlreadyExists, BadRequest, PasswordPersonal
    """
    email, user = check_email(email), session_user(actor, lock=True)
    _prove_or_set_password(actor, user, password, personal=(email,))
    profiles.change_email(actor, user, email)
    return user


def change_phone(actor: Actor, phone: str, password: str) -> User:
    """Change the person's phone number, which is then not verified.

    Raises:
        InvalidCredentials, PhoneAlreadyExists, BadRequest, PasswordPersonal
    """
    phone, user = check_phone(phone), session_user(actor, lock=True)
    _prove_or_set_password(actor, user, password, personal=(phone,))
    profiles.change_phone(actor, user, phone)
    return user


def change_password(actor: Actor, password: str, old: str) -> User:
    """Change the person's password; the other sessions end where the project wants it.

    Args:
        old: the password of now; not looked at where there is none.

    Raises:
        InvalidCredentials, BadRequest, PasswordPersonal, PasswordRecentlyUsed
    """
    user = session_user(actor, lock=True)
    if user.password and not is_password_of(user, old):
        raise InvalidCredentials
    set_password(actor.tenant, user, password)
    if actor.tenant.settings.invalidates_sessions:
        end_sessions(actor, user, but=str(actor.person.session.get("$id", "")))
    changed(actor, user, "update.password")
    return user


def change_name(actor: Actor, name: str) -> User:
    """Change the person's name."""
    user = session_user(actor, lock=True)
    profiles.change_name(actor, user, name)
    return user


def change_prefs(actor: Actor, prefs: Mapping[str, Any]) -> User:
    """Replace the person's preferences."""
    user = session_user(actor, lock=True)
    profiles.change_prefs(actor, user, prefs)
    return user


def block_self(actor: Actor) -> User:
    """Close the person's account until an administrator opens it again; every session ends."""
    user = session_user(actor, lock=True)
    user.is_active = False
    end_sessions(actor, user)
    changed(actor, user, "update.status")
    return user


def delete_self(actor: Actor) -> None:
    """Delete the person's account and everything of it.

    Raises:
        DeletionProhibited: an operator who is still in a team, whose projects need people.
    """
    user = session_user(actor, lock=True)
    is_in_team = any(role.startswith("team:") for role in actor.person.roles)
    if actor.tenant.is_console and is_in_team:
        raise DeletionProhibited
    delete_user(actor, user)


def _prove_or_set_password(
    actor: Actor, user: User, password: str, *, personal: Iterable[str]
) -> None:
    if not user.password:
        check_new_password(actor.tenant, password, personal=personal)
        set_password(actor.tenant, user, password)
        changed(actor, user, "update.password")
    elif not is_password_of(user, password):
        raise InvalidCredentials
