"""Sessions: beginning, finding, ending, showing; and the identity that a request gets from one."""

import datetime
from typing import Any

import sqlalchemy as sa

from raindrop.accounts.alerts import alert_of_session
from raindrop.accounts.clients import describe_client
from raindrop.accounts.factors import count_needed
from raindrop.accounts.models import Session, User
from raindrop.accounts.presence import note_sign_in
from raindrop.accounts.users import dump_user, forget, get_user
from raindrop.core.access import Actor, Identity
from raindrop.core.cookies import SessionSecret
from raindrop.core.credentials import roles_of_user
from raindrop.core.db import db, utc_now
from raindrop.core.errors import NotFound
from raindrop.core.events import publish
from raindrop.core.formats import new_id, show_time
from raindrop.core.geo import country_of
from raindrop.core.secrets import digest, get_vault, new_secret
from raindrop.core.tenancy import Tenant, rows_of


class SessionNotFound(NotFound):
    """The user has no such session."""

    type = "user_session_not_found"
    message = "There is no such session; it may have ended."


def create_session(
    actor: Actor, user: User, *, provider: str, factor: str, **oauth: Any
) -> tuple[Session, SessionSecret]:
    """Begin a session; the oldest ones end where the project limits their number.

    Args:
        provider: how the user signed in, such as ``email``.
        factor: what the user proved, such as ``password``.
        oauth: columns of :class:`Session` that an OAuth2 provider fills.
    """
    tenant, now = actor.tenant, utc_now()
    secret = new_secret()
    session = Session(
        project_id=tenant.id,
        public_id=new_id(),
        user_id=user.id,
        secret_digest=digest(secret),
        provider=provider,
        ip=actor.caller.ip,
        user_agent=actor.caller.user_agent,
        client=describe_client(actor.caller.user_agent),
        country_code=country_of(actor.caller.ip),
        factors=[factor],
        expires_at=now + datetime.timedelta(seconds=tenant.settings.session_duration_s),
        created_at=now,
        updated_at=now,
        **{"provider_uid": user.email or "", "access_token": "", "refresh_token": "", **oauth},
    )
    db.session.add(session)
    db.session.flush()  # the limit counts it
    _end_oldest(tenant, user)
    note_sign_in(user)
    forget(tenant, user)
    publish_session(actor, user, session, "create")
    alert_of_session(actor, user, session)
    return session, SessionSecret(user.public_id, secret)


def list_sessions(tenant: Tenant, user: User) -> list[Session]:
    """The user's sessions that have not expired, oldest first."""
    query = rows_of(Session, tenant).where(
        Session.user_id == user.id, Session.expires_at > utc_now()
    )
    return list(db.session.scalars(query.order_by(Session.id)))


def get_session(tenant: Tenant, user: User, public_id: str) -> Session:
    """One of the user's sessions.

    Raises:
        SessionNotFound
    """
    query = rows_of(Session, tenant).where(
        Session.user_id == user.id,
        Session.public_id == public_id,
        Session.expires_at > utc_now(),
    )
    session: Session | None = db.session.scalar(query)
    if session is None:
        raise SessionNotFound
    return session


def extend_session(actor: Actor, user: User, session: Session) -> None:
    """Give a session the project's whole duration again."""
    duration = datetime.timedelta(seconds=actor.tenant.settings.session_duration_s)
    session.expires_at = utc_now() + duration
    forget(actor.tenant, user)
    publish_session(actor, user, session, "update")


def end_session(actor: Actor, user: User, session: Session) -> None:
    """End a session at once."""
    db.session.delete(session)
    forget(actor.tenant, user)
    publish_session(actor, user, session, "delete")


def end_sessions(actor: Actor, user: User, *, but: str = "") -> None:
    """End all of a user's sessions.

    Args:
        but: the public id of one that stays.
    """
    for session in list_sessions(actor.tenant, user):
        if session.public_id != but:
            end_session(actor, user, session)


def identity_by_secret(tenant: Tenant, user_id: str, secret_digest: str) -> Identity | None:
    """The person who holds a session's secret; ``None`` where it ended or the user is blocked."""
    return _identity(tenant, user_id, Session.secret_digest == secret_digest)


def identity_by_session_id(tenant: Tenant, user_id: str, session_id: str) -> Identity | None:
    """The person that a token names; the session, if it names one, must live."""
    if session_id:
        return _identity(tenant, user_id, Session.public_id == session_id)
    user = db.session.scalar(rows_of(User, tenant).where(User.public_id == user_id))
    return None if user is None or not user.is_active else _make_identity(user, None)


def roles_of(user: User) -> list[str]:
    """The permission roles of a user, besides ``any`` and ``users``."""
    verified = "verified" if user.is_email_verified or user.is_phone_verified else "unverified"
    return [
        f"users/{verified}",
        f"user:{user.public_id}",
        f"user:{user.public_id}/{verified}",
        *(f"label:{label}" for label in user.labels),
        *roles_of_user(user.id),
    ]


def dump_session(
    session: Session,
    user: User,
    *,
    current_id: str = "",
    secret: str = "",
    shows_tokens: bool = False,
) -> dict[str, Any]:
    """A session as the contract has it.

    Args:
        current_id: the public id of the session that asks.
        secret: what its client holds; told once, to keys only.
        shows_tokens: whether with an OAuth2 provider's tokens, for their owner; never where it is
            kept, in events and the cache.
    """
    access, renewing = session.access_token, session.refresh_token
    return {
        "$id": session.public_id,
        "$createdAt": show_time(session.created_at),
        "$updatedAt": show_time(session.updated_at),
        "userId": user.public_id,
        "expire": show_time(session.expires_at),
        "provider": session.provider,
        "providerUid": session.provider_uid,
        "providerAccessToken": get_vault().decrypt(access) if access and shows_tokens else "",
        "providerAccessTokenExpiry": show_time(session.access_token_expires_at),
        "providerRefreshToken": get_vault().decrypt(renewing) if renewing and shows_tokens else "",
        "ip": session.ip,
        **session.client,
        "countryCode": session.country_code,
        "countryName": "",
        "current": session.public_id == current_id,
        "factors": session.factors,
        "secret": secret,
        "mfaUpdatedAt": show_time(session.mfa_updated_at),
    }


def publish_session(actor: Actor, user: User, session: Session, action: str) -> None:
    """Leave the event ``users.ID.sessions.ID.<action>``."""
    publish(
        f"users.{user.public_id}.sessions.{session.public_id}.{action}",
        resource=f"user/{user.public_id}",
        payload=dump_session(session, user),
        actor=actor,
    )


def session_user(actor: Actor, *, lock: bool = False) -> User:
    """The row of the signed-in person.

    Raises:
        Unauthorized: nobody is signed in.
    """
    return get_user(actor.tenant, str(actor.person.user["$id"]), lock=lock)


def lock_session(actor: Actor) -> Session:
    """The row of the session that asks, for an update.

    Raises:
        SessionNotFound: it has ended, or a token asks that stands for none.
    """
    query = rows_of(Session, actor.tenant).where(
        Session.user_id == actor.person.user_id,
        Session.public_id == actor.person.session.get("$id", ""),
    )
    # The credentials' look-up may have read the row before the lock was ours.
    query = query.with_for_update().execution_options(populate_existing=True)
    session: Session | None = db.session.scalar(query)
    if session is None:
        raise SessionNotFound
    return session


def prove_factor(actor: Actor, factor: str) -> Session:
    """Note that the session's holder proved a second factor just now."""
    session = lock_session(actor)
    add_factors(session, factor)
    session.mfa_updated_at = utc_now()
    return session


def add_factors(session: Session, *factors: str) -> None:
    """Give a session factors, each once."""
    session.factors = list(dict.fromkeys((*session.factors, *factors)))


def _identity(tenant: Tenant, user_id: str, which: sa.ColumnElement[bool]) -> Identity | None:
    query = (
        sa.select(User, Session)
        .join(Session, Session.user_id == User.id)
        .where(User.project_id == tenant.id, User.public_id == user_id, which)
        .where(User.is_active, Session.expires_at > utc_now())
    )
    found = db.session.execute(query).first()
    return None if found is None else _make_identity(found[0], found[1])


def _make_identity(user: User, session: Session | None) -> Identity:
    return Identity(
        user=dump_user(user),
        user_id=user.id,
        session=dump_session(session, user, current_id=session.public_id) if session else {},
        expires_at=session.expires_at.timestamp() if session else 0,
        roles=tuple(roles_of(user)),
        factors_needed=count_needed(user, session.factors if session else []),
    )


def _end_oldest(tenant: Tenant, user: User) -> None:
    limit = tenant.settings.session_limit
    if not limit:
        return
    newest = (
        sa.select(Session.id)
        .where(Session.user_id == user.id)
        .order_by(Session.id.desc())
        .offset(limit)
        .limit(100)
    )
    ids = list(db.session.scalars(newest))
    if ids:
        db.session.execute(sa.delete(Session).where(Session.id.in_(ids)))
