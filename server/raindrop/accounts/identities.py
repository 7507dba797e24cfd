"""Identities: users' accounts at OAuth2 providers, and which user one belongs to."""

from collections.abc import Sequence
from http import HTTPStatus
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from raindrop.accounts.exchanges import Tokens
from raindrop.accounts.models import User, UserIdentity
from raindrop.accounts.providers import Profile
from raindrop.accounts.sessions import SessionNotFound, get_session
from raindrop.accounts.signin import check_active
from raindrop.accounts.users import changed, check_email, create_user, find_by_email, set_target
from raindrop.core.access import Actor, Unauthorized
from raindrop.core.db import db
from raindrop.core.errors import AppError, BadRequest, NotFound
from raindrop.core.events import publish
from raindrop.core.formats import new_id, show_time
from raindrop.core.queries import list_rows
from raindrop.core.secrets import get_vault
from raindrop.core.tenancy import Tenant, find_row, rows_of

LISTED = {
    "userId": UserIdentity.user_public_id,
    "provider": UserIdentity.provider,
    "providerUid": UserIdentity.provider_uid,
    "providerEmail": UserIdentity.provider_email,
    "providerAccessTokenExpiry": UserIdentity.access_token_expires_at,
}
SEARCHED = (
    UserIdentity.public_id,
    UserIdentity.provider,
    UserIdentity.provider_uid,
    UserIdentity.provider_email,
)


class IdentityNotFound(NotFound):
    """No such identity, or another user's."""

    type = "user_identity_not_found"
    message = "There is no such identity."


class IdentityTaken(AppError):
    """The account at the provider is another user's."""

    type = "user_already_exists"
    status = HTTPStatus.CONFLICT
    message = "This account at the provider belongs to another user of the project."


class EmailTaken(AppError):
    """There is a user with this address, and nothing proves that it is the same person."""

    type = "user_email_already_exists"
    status = HTTPStatus.CONFLICT
    message = (
        "There is a user with this e-mail address. Sign in as you did before; once the address is"
        " verified, or with the provider added to the account, this way works too."
    )


def find_or_make_user(
    actor: Actor, provider: str, profile: Profile, tokens: Tokens, adder: User | None
) -> User:
    """The user of an account at a provider: the one who has it, who adds it, or a new one.

    An address alone proves nothing: whoever signed up with it may not own it, and nor may whoever
    told it to the provider. Only where both have verified it is the account the user's.

    Args:
        adder: the signed-in person who adds the account; None for a guest.

    Raises:
        IdentityTaken, EmailTaken, UserBlocked, UserAlreadyExists, UserCountExceeded
    """
    identity = _find(actor.tenant, provider, profile.uid)
    if identity is None:
        user = adder or _user_of_email(actor, profile)
        check_active(user)
        _add(actor, user, provider, profile, tokens)
        if adder:
            _complete(actor, user, profile)
        return user
    user = db.session.get_one(User, identity.user_id)
    if adder and adder.id != user.id:
        raise IdentityTaken
    check_active(user)
    keep_tokens(actor.tenant, provider, profile.uid, tokens)
    return user


def find_adder(tenant: Tenant, user_id: str, session_id: str) -> User:
    """The person of a session.

    Raises:
        Unauthorized: the session ended, or the user is gone.
    """
    user = find_row(User, tenant, user_id)
    try:
        if user:
            get_session(tenant, user, session_id)
            return user
    except SessionNotFound:
        pass
    raise Unauthorized("The session that began this has ended; sign in again.")


def columns_of(tokens: Tokens) -> dict[str, Any]:
    """The columns of a session or an identity that keep a provider's tokens, encrypted."""
    vault = get_vault()
    return {
        "access_token": vault.encrypt(tokens.access) if tokens.access else "",
        "access_token_expires_at": tokens.expires_at,
        "refresh_token": vault.encrypt(tokens.refresh) if tokens.refresh else "",
    }


def keep_tokens(tenant: Tenant, provider: str, uid: str, tokens: Tokens) -> None:
    """Replace the tokens of an identity, if it is still there."""
    identity = _find(tenant, provider, uid)
    if identity:
        for column, value in columns_of(tokens).items():
            setattr(identity, column, value)


def list_identities(
    tenant: Tenant,
    queries: Sequence[str],
    *,
    user: User | None = None,
    search: str = "",
    is_counted: bool = True,
) -> tuple[Sequence[UserIdentity], int]:
    """Identities of the project, or of one user.

    Raises:
        QueryInvalid, CursorNotFound
    """
    where = [UserIdentity.user_id == user.id] if user else []
    return list_rows(
        UserIdentity,
        tenant,
        queries,
        LISTED,
        where=where,
        search=search,
        searched=SEARCHED,
        is_counted=is_counted,
    )


def delete_identity(actor: Actor, public_id: str, *, user: User | None = None) -> None:
    """Take an account at a provider from its user.

    Args:
        user: whose it must be; None: anybody's.

    Raises:
        IdentityNotFound
    """
    identity = find_row(UserIdentity, actor.tenant, public_id)
    if identity is None or (user and identity.user_id != user.id):
        raise IdentityNotFound
    db.session.delete(identity)
    _publish(actor, identity, identity.user_public_id, "delete")


def dump_identity(identity: UserIdentity, *, shows_tokens: bool = True) -> dict[str, Any]:
    """An identity as the contract has it.

    Args:
        shows_tokens: False for events.
    """
    access, renewing = identity.access_token, identity.refresh_token
    vault = get_vault()
    return {
        "$id": identity.public_id,
        "$createdAt": show_time(identity.created_at),
        "$updatedAt": show_time(identity.updated_at),
        "userId": identity.user_public_id,
        "provider": identity.provider,
        "providerUid": identity.provider_uid,
        "providerEmail": identity.provider_email,
        "providerAccessToken": vault.decrypt(access) if access and shows_tokens else "",
        "providerAccessTokenExpiry": show_time(identity.access_token_expires_at),
        "providerRefreshToken": vault.decrypt(renewing) if renewing and shows_tokens else "",
    }


def _find(tenant: Tenant, provider: str, uid: str) -> UserIdentity | None:
    is_it = sa.and_(UserIdentity.provider == provider, UserIdentity.provider_uid == uid)
    return db.session.scalar(rows_of(UserIdentity, tenant).where(is_it))


def _user_of_email(actor: Actor, profile: Profile) -> User:
    email = _email_of(profile)
    user = find_by_email(actor.tenant, email) if email else None
    if user is None:
        user = create_user(actor, new_id(), email=email, name=profile.name[:128])
        if email and profile.is_email_verified:
            user.is_email_verified = True
            changed(actor, user, "update")
    elif not (profile.is_email_verified and user.is_email_verified):
        raise EmailTaken
    return user


def _complete(actor: Actor, user: User, profile: Profile) -> None:
    """Give somebody who signed in anonymously the address that the provider verified."""
    email = _email_of(profile)
    is_free = email and not find_by_email(actor.tenant, email)
    if user.email or not profile.is_email_verified or not is_free:
        return
    user.email, user.is_email_verified = email, True
    user.name = user.name or profile.name[:128]
    set_target(user, "email", email)
    changed(actor, user, "update.email")


def _email_of(profile: Profile) -> str | None:
    try:
        return check_email(profile.email) if profile.email else None
    except BadRequest:
        return None


def _add(actor: Actor, user: User, provider: str, profile: Profile, tokens: Tokens) -> None:
    identity = UserIdentity(
        project_id=actor.tenant.id,
        public_id=new_id(),
        user_id=user.id,
        provider=provider,
        provider_uid=profile.uid,
        provider_email=_email_of(profile) or "",
        **columns_of(tokens),
    )
    db.session.add(identity)
    try:
        db.session.flush()  # the database decides whose it is
    except IntegrityError:
        raise IdentityTaken from None
    _publish(actor, identity, user.public_id, "create")


def _publish(actor: Actor, identity: UserIdentity, user_id: str, action: str) -> None:
    payload = dump_identity(identity, shows_tokens=False) | {"userId": user_id}
    publish(
        f"users.{user_id}.identities.{identity.public_id}.{action}",
        resource=f"user/{user_id}",
        payload=payload,
        actor=actor,
    )
