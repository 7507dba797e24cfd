"""``/v1/account/sessions``: the ways to begin a session but by password, and what becomes of it."""

from typing import Any

from flask import Blueprint, Response, jsonify

from raindrop.accounts import oauth, passwordless, sessions, signin
from raindrop.accounts.models import TokenType
from raindrop.accounts.routes_account import answer_session
from raindrop.accounts.schemas import GivenToken
from raindrop.accounts.tokens import InvalidToken
from raindrop.core.access import Actor, allow
from raindrop.core.cookies import forget_session, held_session, remember_session
from raindrop.core.credentials import current_actor
from raindrop.core.errors import answer_error
from raindrop.core.v1 import empty, limited, parse_body

blueprint = Blueprint("sessions", __name__, url_prefix="/v1/account/sessions")


@blueprint.post("/anonymous")
@allow("sessions.write")
@limited(50, 3600, "ip:{ip}")
def create_anonymous_session() -> Response:
    """Sign in as nobody in particular."""
    actor = current_actor()
    signin.check_no_session(actor)
    return answer_session(*passwordless.begin_anonymous_session(actor))


@blueprint.post("/token")
@allow("sessions.write")
@limited(10, 3600, "ip:{ip},userId:{param-userId}")
def create_session() -> Response:
    """Sign in by a token: a link's, a code, or one that a project's server made."""
    return _redeem(*passwordless.SESSION_KINDS)


@blueprint.put("/magic-url")
@allow("sessions.write")
@limited(10, 3600, "ip:{ip},userId:{param-userId}")
def update_magic_url_session() -> Response:
    """Sign in by a magic link; what older clients call."""
    return _redeem(TokenType.MAGIC_URL)


@blueprint.put("/phone")
@allow("sessions.write")
@limited(10, 3600, "ip:{ip},userId:{param-userId}")
def update_phone_session() -> Response:
    """Sign in by a code that a phone received; what older clients call."""
    return _redeem(TokenType.PHONE)


@blueprint.delete("")
@allow("account")
@limited(100, 3600, "url:{url},ip:{ip}")
def delete_sessions() -> Response:
    """End all of the person's sessions."""
    actor = current_actor()
    sessions.end_sessions(actor, sessions.session_user(actor))
    response = empty()
    forget_session(response, actor.tenant)
    return response


@blueprint.get("/<session_id>")
@allow("account")
def get_session(session_id: str) -> dict[str, Any]:
    """One session; ``current`` is the one that asks."""
    actor = current_actor()
    user = sessions.session_user(actor)
    session = sessions.get_session(actor.tenant, user, _public_id(actor, session_id))
    current_id = _public_id(actor, "current")
    return sessions.dump_session(session, user, current_id=current_id, shows_tokens=True)


@blueprint.patch("/<session_id>")
@allow("account")
@limited(10, 3600, "url:{url},ip:{ip}")
def update_session(session_id: str) -> Response:
    """Let a session last longer, and renew its provider's tokens."""
    actor = current_actor()
    user = sessions.session_user(actor)
    session = sessions.get_session(actor.tenant, user, _public_id(actor, session_id))
    oauth.refresh(actor, session)
    sessions.extend_session(actor, user, session)
    current_id = _public_id(actor, "current")
    shown = sessions.dump_session(session, user, current_id=current_id, shows_tokens=True)
    response = jsonify(shown)
    held, _ = held_session(actor.tenant.public_id)
    if held and session.public_id == current_id and not actor.person.is_by_token:
        remember_session(response, actor.tenant, held, session.expires_at.timestamp())
    return response


def _redeem(*kinds: TokenType) -> Response:
    body, actor = parse_body(GivenToken), current_actor()
    signin.check_no_session(actor)
    begun = passwordless.begin_session(actor, body.userId, body.secret, *kinds)
    return answer_session(*begun) if begun else answer_error(InvalidToken())


def _public_id(actor: Actor, session_id: str) -> str:
    current_id = str(actor.person.session.get("$id", ""))
    return current_id if session_id == "current" else session_id
