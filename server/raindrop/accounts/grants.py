"""What a project's server can hand to a user to sign in with: tokens and JWTs."""

import datetime
from typing import Any

from raindrop.accounts.models import Token, TokenType, User
from raindrop.accounts.sessions import get_session, list_sessions
from raindrop.accounts.signin import check_active
from raindrop.core.access import Actor
from raindrop.core.db import db, utc_now
from raindrop.core.events import publish
from raindrop.core.secrets import digest, new_secret, sign_jwt
from raindrop.core.v1 import new_id, show_time

NEWEST = "recent"
"""What clients send for the session that began last."""


def create_jwt(actor: Actor, user: User, session_id: str, lifetime_s: int) -> str:
    """A token that acts as the user for a while, and no longer than its session.

    Args:
        session_id: empty or ``recent`` for the newest; a user without sessions gets one that
            stands for none.

    Raises:
        SessionNotFound, UserBlocked
    """
    check_active(user)
    if session_id in ("", NEWEST):
        session = next(reversed(list_sessions(actor.tenant, user)), None)
    else:
        session = get_session(actor.tenant, user, session_id)
    claims = {
        "userId": user.public_id,
        "sessionId": session.public_id if session else "",
        "project": actor.tenant.public_id,
    }
    return sign_jwt(claims, lifetime_s)


def create_token(actor: Actor, user: User, length: int, lifetime_s: int) -> tuple[Token, str]:
    """A token that the user can redeem once for a session, and its secret.

    Args:
        length: of the secret, in hexadecimal digits.

    Raises:
        UserBlocked
    """
    check_active(user)
    now = utc_now()
    secret = new_secret((length + 1) // 2)[:length]
    token = Token(
        project_id=actor.tenant.id,
        public_id=new_id(),
        user_id=user.id,
        type=TokenType.GENERIC,
        secret_digest=digest(secret),
        attempts=0,
        details={},
        expires_at=now + datetime.timedelta(seconds=lifetime_s),
        created_at=now,
        updated_at=now,
    )
    db.session.add(token)
    publish(
        f"users.{user.public_id}.tokens.{token.public_id}.create",
        resource=f"user/{user.public_id}",
        payload=dump_token(token, user),
        actor=actor,
    )
    return token, secret


def dump_token(token: Token, user: User, *, secret: str = "") -> dict[str, Any]:
    """A token as the contract has it; its secret is told once, to who made it."""
    return {
        "$id": token.public_id,
        "$createdAt": show_time(token.created_at),
        "userId": user.public_id,
        "secret": secret,
        "expire": show_time(token.expires_at),
        "phrase": "",
    }
