"""Users: making, finding, changing, showing."""

import re
from collections.abc import Sequence
from http import HTTPStatus
from typing import Any

import sqlalchemy as sa
from email_validator import EmailNotValidError, validate_email
from sqlalchemy.exc import IntegrityError

from raindrop.accounts.console import NO_CLAIM, Claim, admit
from raindrop.accounts.hashes import ARGON2, Hash, describe, hash_anew
from raindrop.accounts.models import Target, User
from raindrop.accounts.password_rules import check_new_password
from raindrop.core.access import Actor
from raindrop.core.cache import get_cache
from raindrop.core.credentials import user_tag
from raindrop.core.db import db, utc_now
from raindrop.core.errors import AppError, BadRequest, NotFound
from raindrop.core.events import publish
from raindrop.core.formats import new_id, show_time
from raindrop.core.queries import list_rows
from raindrop.core.tenancy import Tenant, find_row, rows_of

PHONE = re.compile(r"\+[1-9][0-9]{6,14}")

LISTED = {
    "name": User.name,
    "email": User.email,
    "phone": User.phone,
    "status": User.is_active,
    "passwordUpdate": User.password_updated_at,
    "registration": User.created_at,
    "emailVerification": User.is_email_verified,
    "phoneVerification": User.is_phone_verified,
    "mfa": User.has_mfa,
    "labels": User.labels,
    "accessedAt": User.accessed_at,
}
"""What lists of users can be asked for, by the contract's name."""


class UserNotFound(NotFound):
    """No such user in the project."""

    type = "user_not_found"
    message = "There is no user with this id in the project."


class UserAlreadyExists(AppError):
    """The id, the e-mail or the phone number is somebody's."""

    type = "user_already_exists"
    status = HTTPStatus.CONFLICT
    message = "A user with the same id, email, or phone already exists in this project."


class UserCountExceeded(AppError):
    """The project's owners set a limit."""

    type = "user_count_exceeded"
    status = HTTPStatus.BAD_REQUEST
    message = "The project has as many users as it may have."


def check_email(text: str) -> str:
    """An e-mail address in the form in which it is kept: lower case.

    Raises:
        BadRequest: it is none.
    """
    try:
        found = validate_email(text, check_deliverability=False, test_environment=True)
    except EmailNotValidError as error:
        raise BadRequest(f"email: {error}") from None
    return found.normalized.lower()


def check_phone(text: str) -> str:
    """A phone number in E.164: plus, country, number.

    Raises:
        BadRequest: it is none.
    """
    if not PHONE.fullmatch(text):
        raise BadRequest("phone: must begin with + and the country's code, such as +4930123456")
    return text


def create_user(
    actor: Actor,
    public_id: str,
    *,
    email: str | None = None,
    phone: str | None = None,
    password: str | None = None,
    name: str = "",
    hashed: Hash | None = None,
    claim: Claim = NO_CLAIM,
) -> User:
    """Make a user in the actor's project.

    Args:
        email: as :func:`check_email` gives it.
        password: in plain text.
        hashed: an imported hash, in place of a password.
        claim: what lets a visitor be the instance's first (accounts/console.py).

    Raises:
        UserAlreadyExists, UserCountExceeded, ConsoleSignUpClosed
        BadRequest, PasswordPersonal: the password does not fit the project's rules.
    """
    tenant, now = actor.tenant, utc_now()
    # Hashed before the first query: no connection waits for it.
    if password and hashed is None:
        check_new_password(tenant, password, personal=(public_id, email, name, phone))
        hashed = hash_anew(password)
    labels = admit(actor, claim)
    _check_limit(tenant)
    user = User(
        project_id=tenant.id,
        public_id=public_id,
        name=name,
        email=email,
        phone=phone,
        password=hashed.text if hashed else None,
        hash_type=hashed.type if hashed else ARGON2,
        hash_options=dict(hashed.options) if hashed else {},
        password_history=[],
        password_updated_at=now if hashed else None,
        is_active=True,
        is_email_verified=False,
        is_phone_verified=False,
        has_mfa=False,
        labels=labels,
        prefs={},
        accessed_at=now,
        created_at=now,
        updated_at=now,
    )
    user.search_text = search_text(user)
    db.session.add(user)
    try:
        db.session.flush()  # the database decides who was first
    except IntegrityError:
        raise UserAlreadyExists from None
    set_target(user, "email", email)
    set_target(user, "sms", phone)
    forget(tenant, user)
    publish_user(actor, user, "create")
    return user


def get_user(tenant: Tenant, public_id: str, *, lock: bool = False) -> User:
    """The project's user with this id.

    Raises:
        UserNotFound
    """
    user = find_row(User, tenant, public_id, lock=lock)
    if user is None:
        raise UserNotFound
    return user


def find_by_email(tenant: Tenant, email: str) -> User | None:
    """The project's user with this e-mail address."""
    return db.session.scalar(rows_of(User, tenant).where(User.email == email))


def list_users(
    tenant: Tenant, queries: Sequence[str], search: str, *, is_counted: bool
) -> tuple[Sequence[User], int]:
    """The project's users that fit the queries, and how many there are.

    Raises:
        QueryInvalid, CursorNotFound
    """
    return list_rows(
        User,
        tenant,
        queries,
        LISTED,
        search=search.lower(),
        searched=[User.search_text],
        is_counted=is_counted,
    )


def set_target(
    user: User, provider_type: str, identifier: str | None, *, old: str | None = None
) -> None:
    """Keep the user's e-mail or phone among where messages reach the user.

    An address that is a target already, of whomever, stays that one's.

    Args:
        old: the address that it takes the place of.

    Raises:
        IntegrityError: the address itself is another user's.
    """
    db.session.flush()  # here, for below an error is about the target alone
    try:
        with db.session.begin_nested():
            _set_target(user, provider_type, identifier, old)
    except IntegrityError:
        # It became somebody's target just now.
        return


def _set_target(user: User, provider_type: str, identifier: str | None, old: str | None) -> None:
    of_kind = sa.select(Target).where(
        Target.project_id == user.project_id, Target.provider_type == provider_type
    )
    mine = of_kind.where(Target.user_id == user.id, Target.identifier == old)
    target = db.session.scalar(mine) if old else None
    is_free = identifier and not db.session.scalar(of_kind.where(Target.identifier == identifier))
    if target and is_free:
        target.identifier = identifier
    elif target and identifier != old:
        db.session.delete(target)
    elif is_free:
        db.session.add(
            Target(
                project_id=user.project_id,
                public_id=new_id(),
                user_id=user.id,
                provider_type=provider_type,
                identifier=identifier,
            )
        )


def search_text(user: User) -> str:
    """What a search in the users looks through, in lower case."""
    return " ".join(filter(None, (user.public_id, user.email, user.phone, user.name))).lower()


def changed(actor: Actor, user: User, action: str) -> None:
    """What follows every change of a user: caches are dropped, the event is left.

    Args:
        action: the end of the event's name, such as ``update.name``.
    """
    user.updated_at = utc_now()
    user.search_text = search_text(user)
    forget(actor.tenant, user)
    publish_user(actor, user, action)


def forget(tenant: Tenant, user: User) -> None:
    """Drop what is cached of a user: sessions, roles, profile."""
    get_cache().invalidate(user_tag(tenant.public_id, user.public_id))


def publish_user(actor: Actor, user: User, action: str) -> None:
    """Leave the event ``users.ID.<action>``."""
    publish(
        f"users.{user.public_id}.{action}",
        resource=f"user/{user.public_id}",
        payload=dump_user(user),
        actor=actor,
    )


def dump_users(users: Sequence[User], *, with_hash: bool) -> list[dict[str, Any]]:
    """Users as the contract has them; one query for the targets of all."""
    ids = [user.id for user in users]
    targets: dict[int, list[Target]] = {user_id: [] for user_id in ids}
    query = sa.select(Target).where(Target.user_id.in_(ids)).order_by(Target.id)
    for target in db.session.scalars(query) if ids else ():
        targets[target.user_id].append(target)
    return [_dump_user(user, targets[user.id], with_hash=with_hash) for user in users]


def dump_user(user: User, *, with_hash: bool = False) -> dict[str, Any]:
    """A user as the contract has it; with the password's hash only for keys and administrators."""
    return dump_users([user], with_hash=with_hash)[0]


def _dump_user(user: User, targets: Sequence[Target], *, with_hash: bool) -> dict[str, Any]:
    shown = {
        "$id": user.public_id,
        "$createdAt": show_time(user.created_at),
        "$updatedAt": show_time(user.updated_at),
        "name": user.name,
        "registration": show_time(user.created_at),
        "status": user.is_active,
        "labels": user.labels,
        "passwordUpdate": show_time(user.password_updated_at),
        "email": user.email or "",
        "phone": user.phone or "",
        "emailVerification": user.is_email_verified,
        "phoneVerification": user.is_phone_verified,
        "mfa": user.has_mfa,
        "prefs": user.prefs,
        "targets": [dump_target(target, user) for target in targets],
        "accessedAt": show_time(user.accessed_at),
    }
    if with_hash:
        shown["password"] = user.password or ""
        shown["hash"] = user.hash_type
        shown["hashOptions"] = describe(user)
    return shown


def dump_target(target: Target, user: User) -> dict[str, Any]:
    """A target as the contract has it."""
    return {
        "$id": target.public_id,
        "$createdAt": show_time(target.created_at),
        "$updatedAt": show_time(target.updated_at),
        "name": target.name,
        "userId": user.public_id,
        "providerId": target.provider_id,
        "providerType": target.provider_type,
        "identifier": target.identifier,
        "expired": False,
    }


def _check_limit(tenant: Tenant) -> None:
    limit = tenant.settings.user_limit
    if not limit:
        return
    some = rows_of(User, tenant).with_only_columns(User.id).limit(limit).subquery()
    count = db.session.scalar(sa.select(sa.func.count()).select_from(some)) or 0
    if count >= limit:
        raise UserCountExceeded
