"""Short-lived tokens that a project's own server can act with in a user's name."""

from raindrop.accounts.sessions import SessionNotFound
from raindrop.accounts.signin import check_method
from raindrop.core.access import Actor
from raindrop.core.secrets import sign_jwt

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
    claims = {
        "userId": actor.user_id,
        "sessionId": person.session["$id"],
        "project": actor.tenant.public_id,
    }
    return sign_jwt(claims, LIFETIME_S)
