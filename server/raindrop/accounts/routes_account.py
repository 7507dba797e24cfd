"""``/v1/account``: the signed-in person's own."""

from typing import Any

from flask import Blueprint, Response, jsonify, request

from raindrop.accounts import presence, sessions, signin, users
from raindrop.accounts.console import Claim
from raindrop.accounts.models import Session, User
from raindrop.accounts.schemas import EmailSession, NewAccount
from raindrop.core.access import ActorKind, allow, check_factors
from raindrop.core.cookies import SessionSecret, forget_session, remember_session
from raindrop.core.credentials import current_actor
from raindrop.core.origins import called_host
from raindrop.core.v1 import empty, limited, parse_body

TOKEN_HEADER = "X-Raindrop-Sign-Up-Token"  # noqa: S105  # a header's name

blueprint = Blueprint("account", __name__, url_prefix="/v1/account")


@blueprint.post("")
@allow("sessions.write")
@limited(10, 3600, "url:{url},ip:{ip}")
def create_account() -> tuple[dict[str, Any], int]:
    """Sign up."""
    body, actor = parse_body(NewAccount), current_actor()
    signin.check_no_session(actor)
    token = request.headers.get(TOKEN_HEADER) or request.args.get("token") or body.token
    claim = Claim(token, called_host())
    user = signin.sign_up(actor, body.userId, body.email, body.password, body.name, claim=claim)
    return users.dump_user(user), 201


@blueprint.get("")
@allow("account")
def get_account() -> dict[str, Any]:
    """Who is signed in; from the cache entry that every request reads."""
    person = current_actor().person
    presence.notice(person)
    return dict(person.user)


@blueprint.post("/sessions/email")
@allow("sessions.write")
@limited(10, 3600, "url:{url},email:{param-email}")
def create_email_session() -> Response:
    """Sign in with e-mail and password."""
    body, actor = parse_body(EmailSession), current_actor()
    signin.check_no_session(actor)
    return answer_session(*signin.sign_in(actor, body.email, body.password))


@blueprint.get("/sessions")
@allow("account")
def list_sessions() -> dict[str, Any]:
    """The person's sessions."""
    actor = current_actor()
    user = sessions.session_user(actor)
    current_id = actor.person.session.get("$id", "")
    found = sessions.list_sessions(actor.tenant, user)
    shown = [
        sessions.dump_session(each, user, current_id=current_id, shows_tokens=True)
        for each in found
    ]
    return {"total": len(shown), "sessions": shown}


@blueprint.delete("/sessions/<session_id>")
@allow("account", needs_all_factors=False)
@limited(100, 3600, "url:{url},ip:{ip}")
def delete_session(session_id: str) -> Response:
    """End one session; ``current`` is the one that asks."""
    actor = current_actor()
    user = sessions.session_user(actor)
    current_id = str(actor.person.session.get("$id", ""))
    public_id = current_id if session_id == "current" else session_id
    if public_id != current_id:
        check_factors(actor)
    sessions.end_session(actor, user, sessions.get_session(actor.tenant, user, public_id))
    response = empty()
    if public_id == current_id:
        forget_session(response, actor.tenant)
    return response


def answer_session(user: User, session: Session, held: SessionSecret) -> Response:
    """201 with a new session: in a cookie, and for keys with its secret."""
    actor = current_actor()
    secret = held.encode() if actor.kind == ActorKind.KEY else ""
    shown = sessions.dump_session(session, user, current_id=session.public_id, secret=secret)
    response = jsonify(shown)
    response.status_code = 201
    if actor.kind != ActorKind.KEY:
        remember_session(response, actor.tenant, held, session.expires_at.timestamp())
    return response
