"""Tokens: secrets that prove something once, for a while.

What leads from a token's answer to its redemption is a user id. The answer to somebody who is
nobody yet must not tell whether an address is known, so it names the id that was asked for or a
new one; where the user has another, that one is kept as an alias until the token expires.
"""

import datetime
import hmac
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from raindrop.accounts.models import Token, TokenType, User
from raindrop.core.access import Actor, ActorKind
from raindrop.core.db import db, utc_now
from raindrop.core.errors import AppError
from raindrop.core.events import publish
from raindrop.core.formats import new_id, show_time
from raindrop.core.secrets import digest, get_vault, new_secret
from raindrop.core.tenancy import Tenant, find_row, rows_of

MINUTE_S, HOUR_S, DAY_S = 60, 3600, 24 * 3600

LIFETIMES_S = {
    TokenType.MAGIC_URL: HOUR_S,
    TokenType.EMAIL: 15 * MINUTE_S,
    TokenType.PHONE: 15 * MINUTE_S,
    TokenType.RECOVERY: HOUR_S,
    TokenType.VERIFICATION: 7 * DAY_S,
    TokenType.PHONE_VERIFICATION: 15 * MINUTE_S,
    TokenType.OAUTH2: 15 * MINUTE_S,
    TokenType.GENERIC: 15 * MINUTE_S,
}

CODES = frozenset({TokenType.EMAIL, TokenType.PHONE, TokenType.PHONE_VERIFICATION})
"""Short codes: guesses are counted, and the digest is keyed, for whoever reads the table would
try them all."""

COUNTED = CODES | {TokenType.GENERIC}
"""Tokens whose guesses are counted; a project's server may make generic ones as short."""

ATTEMPTS_MAX = 5
CODE_DIGITS = 6

MAILED = frozenset(
    {TokenType.MAGIC_URL, TokenType.EMAIL, TokenType.RECOVERY, TokenType.VERIFICATION}
)
"""They prove the address that they were mailed to, and end with it."""

_EVENT_NOUNS = {
    TokenType.RECOVERY: "recovery",
    TokenType.VERIFICATION: "verification",
    TokenType.PHONE_VERIFICATION: "verification",
}


class InvalidToken(AppError):
    """There is no such token for this user: wrong, expired, redeemed or guessed at too often."""

    type = "user_invalid_token"
    status = HTTPStatus.UNAUTHORIZED
    message = "This link or code is wrong, or it has expired; ask for a new one."


@dataclass(frozen=True)
class Issued:
    """A token as whoever asked for it is told.

    Attributes:
        user_id: with the secret it redeems the token.
        secret: told to keys only.
    """

    id: str
    user_id: str
    expires_at: datetime.datetime
    secret: str = ""
    phrase: str = ""


def create_token(
    actor: Actor,
    user: User,
    kind: TokenType,
    secret: str,
    *,
    lifetime_s: int | None = None,
    details: Mapping[str, Any] | None = None,
) -> Token:
    """Keep a new token's digest.

    Args:
        secret: what redeems it.
        lifetime_s: by default that of its kind.
        details: what its redemption needs to know, without secrets.
    """
    now = utc_now()
    token = Token(
        project_id=actor.tenant.id,
        public_id=new_id(),
        user_id=user.id,
        type=kind.value,
        secret_digest=_digest(kind, user, secret),
        attempts=0,
        details={"email": user.email} if kind in MAILED else dict(details or {}),
        expires_at=now + datetime.timedelta(seconds=lifetime_s or LIFETIMES_S[kind]),
        created_at=now,
        updated_at=now,
    )
    db.session.add(token)
    publish_token(actor, user, token, "create")
    return token


def issue(
    actor: Actor,
    user: User | None,
    kind: TokenType,
    secret: str,
    *,
    asked_id: str = "",
    phrase: str = "",
) -> Issued:
    """A new token, or where there is no user what looks like one.

    Args:
        asked_id: the user id that the asker gave; empty: a new one is told.
    """
    told_id = asked_id or new_id()
    if user is None:
        expires_at = utc_now() + datetime.timedelta(seconds=LIFETIMES_S[kind])
        return Issued(new_id(), told_id, expires_at, phrase=phrase)
    token = create_token(actor, user, kind, secret)
    if actor.kind == ActorKind.KEY:
        return Issued(token.public_id, user.public_id, token.expires_at, secret, phrase)
    if told_id != user.public_id:
        _keep_alias(actor.tenant, user, told_id, token.expires_at)
    return Issued(token.public_id, told_id, token.expires_at, phrase=phrase)


def find_user(tenant: Tenant, public_id: str) -> User | None:
    """The user that a token's answer named."""
    user = find_row(User, tenant, public_id)
    if user:
        return user
    is_alias = sa.and_(Token.public_id == public_id, Token.type == TokenType.ALIAS)
    alias = db.session.scalar(rows_of(Token, tenant).where(is_alias, Token.expires_at > utc_now()))
    # Not by key alone: a deleted user's row is in another project.
    return alias and db.session.scalar(rows_of(User, tenant).where(User.id == alias.user_id))


def redeem(tenant: Tenant, user: User, secret: str, *kinds: TokenType) -> Token | None:
    """Take a user's token away from everybody else; of many who try at once one gets it.

    Returns:
        None: it is none of these kinds, wrong, over, or guessed at too often. It is no error, for
        the count of guesses must be kept.
    """
    counted = COUNTED.intersection(kinds)
    if counted:
        # Before the comparison: each of the guesses that come at once sees those before it.
        guess = sa.update(Token).where(_is_live(user), Token.type.in_(counted))
        _execute(guess.values(attempts=Token.attempts + 1))
    found = find_token(tenant, user, secret, *kinds)
    is_taken = found and _execute(sa.delete(Token).where(Token.id == found.id)) == 1
    return found if is_taken else None


def find_token(tenant: Tenant, user: User, secret: str, *kinds: TokenType) -> Token | None:
    """A user's token that is valid, not redeemed yet."""
    alternatives = [
        sa.and_(Token.type == kind, Token.secret_digest == _digest(kind, user, secret))
        for kind in kinds
    ]
    is_right = sa.and_(sa.or_(*alternatives), Token.attempts <= ATTEMPTS_MAX)
    found = db.session.scalar(rows_of(Token, tenant).where(_is_live(user), is_right))
    # What was mailed to another address proves nothing of this one.
    is_theirs = found is not None and found.details.get("email", user.email) == user.email
    return found if is_theirs else None


def delete_tokens(user: User, kind: TokenType) -> None:
    """End a user's other tokens of a kind."""
    _execute(sa.delete(Token).where(Token.user_id == user.id, Token.type == kind))


def dump_token(issued: Issued) -> dict[str, str]:
    """A token as the contract has it."""
    return {
        "$id": issued.id,
        "$createdAt": show_time(utc_now()),
        "userId": issued.user_id,
        "secret": issued.secret,
        "expire": show_time(issued.expires_at),
        "phrase": issued.phrase,
    }


def publish_token(actor: Actor, user: User, token: Token, action: str) -> None:
    """Leave the event of a token, without its secret."""
    noun = _EVENT_NOUNS.get(TokenType(token.type), "tokens")
    publish(
        f"users.{user.public_id}.{noun}.{token.public_id}.{action}",
        resource=f"user/{user.public_id}",
        payload=dump_token(Issued(token.public_id, user.public_id, token.expires_at)),
        actor=actor,
    )


def _is_live(user: User) -> sa.ColumnElement[bool]:
    return sa.and_(Token.user_id == user.id, Token.expires_at > utc_now())


def _keep_alias(tenant: Tenant, user: User, public_id: str, expires_at: datetime.datetime) -> None:
    """Have an id lead to a user for a while; the last who gave it has it."""
    kept = sa.update(Token).where(
        Token.project_id == tenant.id, Token.public_id == public_id, Token.type == TokenType.ALIAS
    )
    if _execute(kept.values(user_id=user.id, expires_at=expires_at)):
        return
    alias = Token(
        project_id=tenant.id,
        public_id=public_id,
        user_id=user.id,
        type=TokenType.ALIAS.value,
        secret_digest=digest(new_secret()),
        attempts=0,
        details={},
        expires_at=expires_at,
    )
    # Somebody gave the same id just now, or it is a token's own: then it leads nowhere new.
    with suppress(IntegrityError), db.session.begin_nested():
        db.session.add(alias)


def _digest(kind: TokenType, user: User, secret: str) -> str:
    if kind not in CODES:
        return digest(secret)
    key = get_vault().derive("codes")
    return hmac.digest(key, f"{user.id}:{secret.strip()}".encode(), "sha256").hex()


def _execute(statement: sa.Update | sa.Delete) -> int:
    """How many rows a statement changed; objects that are loaded stay as they are."""
    result = db.session.execute(statement, execution_options={"synchronize_session": False})
    return int(result.rowcount)  # type: ignore[attr-defined]
