"""Short-lived tokens that a project's own server can act with in a user's name."""

from raindrop.accounts.sessions import SessionNotFound
from raindrop.accounts.signin import check_method
from raindrop.core.access import Actor
from raindrop.core.secrets import sign_jwt
from raindrop.core.tenancy import Tenant

LIFETIME_S = 15 * 60


def create_jwt(actor: Actor) -> str:
    """A token that stands for the session that asks, and ends with it.

    Raises:
        MethodUnsupported
        SessionNotFound: no session asks. A token makes no other, or it would never end.
    """
    check_method(actor.tenant, "jwt")
    person = actor.person
    if not person.session or person.is_by_token:
        raise SessionNotFound("A session makes tokens; a token does not.")
    return sign_for(actor.tenant, actor.user_id, person.session["$id"], LIFETIME_S)


def sign_for(tenant: Tenant, user_id: str, session_id: str, lifetime_s: int) -> str:
    """A token that acts as a user (core/credentials.py reads it).

    Args:
        session_id: of the session that it ends with; empty for none.
    """
    claims = {"userId": user_id, "sessionId": session_id, "project": tenant.public_id}
    return sign_jwt(claims, lifetime_s)
