"""What people change of their own account."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from raindrop.accounts import deletion, password_rules, profiles
from raindrop.accounts.hashes import Hash, verify
from raindrop.accounts.models import User
from raindrop.accounts.sessions import end_sessions, session_user
from raindrop.accounts.signin import InvalidCredentials
from raindrop.accounts.users import changed, check_email, check_phone
from raindrop.core.access import Actor
from raindrop.core.db import let_go
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
    email = check_email(email)
    user = _prove_or_set_password(actor, password, email)
    profiles.change_email(actor, user, email)
    return user


def change_phone(actor: Actor, phone: str, password: str) -> User:
    """Change the person's phone number, which is then not verified.

    Who has no password yet gets this one.

    Raises:
        InvalidCredentials, PhoneAlreadyExists, BadRequest, PasswordPersonal
    """
    phone = check_phone(phone)
    user = _prove_or_set_password(actor, password, phone)
    profiles.change_phone(actor, user, phone)
    return user


def change_password(actor: Actor, password: str, old: str) -> User:
    """Change the person's password; the other sessions end where the project wants it.

    Args:
        old: the password of now; not looked at where there is none.

    Raises:
        InvalidCredentials, BadRequest, PasswordPersonal, PasswordRecentlyUsed
    """
    found = session_user(actor)
    let_go()
    proven = found.password
    if proven and not verify(found, old):
        raise InvalidCredentials
    hashed = password_rules.prepare(actor.tenant, found, password)
    user = _lock(actor, proven)
    _keep_password(actor, user, hashed)
    if actor.tenant.settings.invalidates_sessions:
        end_sessions(actor, user, but=str(actor.person.session.get("$id", "")))
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
    end_sessions(actor, user)
    profiles.change_status(actor, user, is_active=False)
    return user


def delete_self(actor: Actor) -> None:
    """Delete the person's account and everything of it.

    Raises:
        DeletionProhibited: an operator who is still in a team, whose projects need people.
    """
    is_in_team = any(role.startswith("team:") for role in actor.person.roles)
    if actor.tenant.is_console and is_in_team:
        raise DeletionProhibited
    deletion.delete_user(actor, session_user(actor))


def _prove_or_set_password(actor: Actor, password: str, address: str) -> User:
    """The person, locked, who proved the password; who has none gets it.

    Args:
        address: what the person gets besides, so that the password does not hold it.
    """
    found = session_user(actor)
    let_go()
    proven, hashed = found.password, None
    if not proven:
        hashed = password_rules.prepare(actor.tenant, found, password, address)
    elif not verify(found, password):
        raise InvalidCredentials
    user = _lock(actor, proven)
    if hashed:
        _keep_password(actor, user, hashed)
    return user


def _lock(actor: Actor, proven: str | None) -> User:
    user = session_user(actor, lock=True)
    if user.password != proven:  # changed while it was compared
        raise InvalidCredentials
    return user


def _keep_password(actor: Actor, user: User, hashed: Hash) -> None:
    password_rules.keep(actor.tenant, user, hashed)
    changed(actor, user, "update.password")
