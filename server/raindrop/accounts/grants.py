"""What a project's server can hand to a user to sign in with: tokens and JWTs."""

from raindrop.accounts import tokens
from raindrop.accounts.jwts import sign_for
from raindrop.accounts.models import TokenType, User
from raindrop.accounts.sessions import get_session, list_sessions
from raindrop.accounts.signin import check_active
from raindrop.accounts.tokens import Issued
from raindrop.core.access import Actor
from raindrop.core.secrets import new_secret

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
    session_id = session.public_id if session else ""
    return sign_for(actor.tenant, user.public_id, session_id, lifetime_s)


def create_token(actor: Actor, user: User, length: int, lifetime_s: int) -> Issued:
    """A token that the user can redeem once for a session.

    Args:
        length: of the secret, in hexadecimal digits.

    Raises:
        UserBlocked
    """
    check_active(user)
    secret = new_secret((length + 1) // 2)[:length]
    token = tokens.create_token(actor, user, TokenType.GENERIC, secret, lifetime_s=lifetime_s)
    return Issued(token.public_id, user.public_id, token.expires_at, secret)
