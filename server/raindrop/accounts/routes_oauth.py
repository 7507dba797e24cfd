"""OAuth2 sign-ins, and identities: what ``/v1`` has of them, and the browser's way to and fro.

``/api/oauth2/PROVIDER/callback/PROJECT`` is what an app at a provider is registered with.
"""

import json
from typing import Any
from urllib.parse import urlencode, urlsplit

from flask import Blueprint, Response, g, request
from markupsafe import escape

from raindrop.accounts import identities, oauth
from raindrop.accounts.oauth import Flow
from raindrop.accounts.redirects import add_query
from raindrop.accounts.schemas import OAuthStart
from raindrop.accounts.sessions import session_user
from raindrop.core import access
from raindrop.core.access import Actor, ActorKind, allow
from raindrop.core.cookies import cookie_name, remember_session
from raindrop.core.credentials import UnknownOrigin, current_actor, current_caller
from raindrop.core.errors import AppError, answer_error
from raindrop.core.origins import is_known_origin
from raindrop.core.tenancy import Tenant, get_tenant
from raindrop.core.v1 import ListArguments, empty, limited, parse_query, show_list

PATH = "/api/oauth2"
COOKIE_PREFIX = "raindrop_oauth2_"

account = Blueprint("oauth", __name__, url_prefix="/v1/account")
users = Blueprint("oauth", __name__, url_prefix="/v1/users")
browser = Blueprint("oauth", __name__, url_prefix=PATH)


@account.get("/sessions/oauth2/<provider>")
@allow("sessions.write")
@limited(50, 3600, "ip:{ip}")
def create_session(provider: str) -> Response:
    """Send the browser to a provider; a session comes of it."""
    return _start(oauth.SESSION, provider)


@account.get("/tokens/oauth2/<provider>")
@allow("sessions.write")
@limited(50, 3600, "ip:{ip}")
def create_token(provider: str) -> Response:
    """Send the browser to a provider; a token for ``POST /account/sessions/token`` comes of it."""
    return _start(oauth.TOKEN, provider)


@account.get("/identities")
@allow("account")
def list_identities() -> dict[str, Any]:
    """The person's accounts at providers."""
    arguments, actor = parse_query(ListArguments), current_actor()
    rows, total = identities.list_identities(
        actor.tenant, arguments.queries, user=session_user(actor), is_counted=arguments.total
    )
    return show_list("identities", rows, total, identities.dump_identity)


@account.delete("/identities/<identity_id>")
@allow("account")
def delete_identity(identity_id: str) -> Response:
    """Take an account at a provider away."""
    actor = current_actor()
    identities.delete_identity(actor, identity_id, user=session_user(actor))
    return empty()


@users.get("/identities")
@allow("users.read")
def list_user_identities() -> dict[str, Any]:
    """The project's users' accounts at providers."""
    arguments, actor = parse_query(ListArguments), current_actor()
    rows, total = identities.list_identities(
        actor.tenant, arguments.queries, search=arguments.search, is_counted=arguments.total
    )
    return show_list("identities", rows, total, identities.dump_identity)


@users.delete("/identities/<identity_id>")
@allow("users.write")
def delete_user_identity(identity_id: str) -> Response:
    """Take an account at a provider from a user."""
    identities.delete_identity(current_actor(), identity_id)
    return empty()


@browser.get("/<provider>/start/<project_id>")
def start_by_ticket(provider: str, project_id: str) -> Response:
    """Begin in this browser what a server asked for."""
    flow = oauth.read_ticket(request.args.get("ticket", ""), provider, project_id)
    g.oauth_flow = flow
    return _depart(get_tenant(project_id), flow, 302)


@browser.post("/<provider>/callback/<project_id>")
def come_back_by_form(provider: str, project_id: str) -> Response:
    """A provider that answers with a form: once more as a GET, for the browser sends no cookie
    with another site's form."""
    names = ("state", "code", "error", "iss")
    values = {name: request.form[name] for name in names if name in request.form}
    return _go(f"{_callback(provider, project_id)}?{urlencode(values)}", 303)


@browser.get("/<provider>/callback/<project_id>")
def come_back(provider: str, project_id: str) -> Response:
    """End a sign-in, and send the browser where the app wants it."""
    state = oauth.read_state(request.args.get("state", ""), provider, project_id)
    cookie = COOKIE_PREFIX + state.cookie
    verifier = request.cookies.get(cookie, "")
    oauth.check_browser(state, verifier)
    g.oauth_flow, g.oauth_cookie = state.flow, cookie
    tenant = get_tenant(project_id)
    actor = access.guest(tenant, current_caller())
    given = oauth.Return(*(request.args.get(name, "") for name in ("code", "error", "iss")))
    arrival = oauth.arrive(
        actor,
        state,
        given,
        verifier=verifier,
        redirect_uri=_callback(provider, project_id),
    )
    return _forget_flow(_arrived(tenant, state.flow, arrival))


@browser.errorhandler(AppError)
def fail(error: AppError) -> Response:
    """Send the browser to the app's page for failures, with the error; the transaction is rolled
    back by now. Without a flow of ours there is no such page."""
    flow: Flow | None = g.get("oauth_flow")
    if flow is None:
        return answer_error(error)
    told = {"message": error.message, "type": error.type, "code": int(error.status)}
    response = _leave(flow.failure, flow.project, {"error": json.dumps(told)})
    return _forget_flow(response)


def _start(kind: str, provider: str) -> Response:
    arguments, actor = parse_query(OAuthStart), current_actor()
    _check_page(actor)
    flow = oauth.plan_flow(
        actor,
        kind,
        provider,
        success=arguments.success,
        failure=arguments.failure,
        scopes=arguments.scopes,
    )
    if actor.is_privileged:
        # A server asks, whose browser comes to us later: there the flow begins.
        ticket = urlencode({"ticket": oauth.write_ticket(actor.tenant, flow)})
        return _go(f"{_own(provider, 'start', flow.project)}?{ticket}", 301)
    return _depart(actor.tenant, flow, 301)


def _check_page(actor: Actor) -> None:
    """Whether it is a page of the project that sends a signed-in person to a provider.

    A foreign page could add an account of its own maker's, should the browser be signed in to the
    provider as that one. Browsers tell such a page by these headers; others send none.

    Raises:
        UnknownOrigin
    """
    is_foreign = request.headers.get("Sec-Fetch-Site", "none") not in ("none", "same-origin")
    if actor.kind != ActorKind.USER or not is_foreign:
        return
    page = urlsplit(request.headers.get("Referer", ""))
    if not is_known_origin(actor.tenant, f"{page.scheme}://{page.netloc}"):
        raise UnknownOrigin("This page is no platform of the project; add it in the console.")


def _depart(tenant: Tenant, flow: Flow, status: int) -> Response:
    departure = oauth.depart(tenant, flow, _callback(flow.provider, flow.project))
    response = _go(departure.url, status)
    response.set_cookie(
        COOKIE_PREFIX + departure.cookie,
        departure.verifier,
        max_age=oauth.FLOW_LIFETIME_S,
        path=PATH,
        secure=request.is_secure,
        httponly=True,
        samesite="Lax",
    )
    return response


def _arrived(tenant: Tenant, flow: Flow, arrival: oauth.Arrival) -> Response:
    if arrival.session is None or arrival.held is None:
        values = {"userId": arrival.user.public_id, "secret": arrival.secret}
        return _leave(flow.success, flow.project, values)
    is_app = not _is_web(flow.success)
    # An app has no cookies of the browser's: it is given what the cookie would hold. A web page is
    # not, for addresses stay in histories and logs.
    values = {"key": cookie_name(flow.project), "secret": arrival.held.encode()} if is_app else {}
    response = _leave(flow.success, flow.project, values)
    if not is_app:
        remember_session(response, tenant, arrival.held, arrival.session.expires_at.timestamp())
    return response


def _leave(url: str, project_id: str, values: dict[str, str]) -> Response:
    """The end of the way: the app's page, or for an app a page that calls it."""
    if _is_web(url):
        return _go(add_query(url, **values) if values else url, 302)
    target = url or f"appwrite-callback-{project_id}://{request.host}/"
    target += ("&" if "?" in target else "?") + urlencode(values)
    if url:
        return _go(target, 302)
    return Response(_PAGE.format(escape(target)), mimetype="text/html", headers=_NO_TRACE)


def _is_web(url: str) -> bool:
    return url.startswith(("http://", "https://"))


def _go(url: str, status: int) -> Response:
    # Not flask's redirect: its page repeats the address.
    return Response(status=status, headers={"Location": url, **_NO_TRACE})


def _forget_flow(response: Response) -> Response:
    if cookie := g.get("oauth_cookie"):
        response.delete_cookie(cookie, path=PATH, httponly=True, samesite="Lax")
    return response


def _callback(provider: str, project_id: str) -> str:
    return _own(provider, "callback", project_id)


def _own(provider: str, part: str, project_id: str) -> str:
    """An address of ours, at the host where the browser is: its cookies are of that one."""
    return f"{request.host_url.rstrip('/')}{PATH}/{provider}/{part}/{project_id}"


_NO_TRACE = {"Referrer-Policy": "no-referrer", "Cache-Control": "no-store"}
_PAGE = """<!doctype html>
<html lang="en"><meta charset="utf-8"><title>Back to the app</title>
<meta http-equiv="refresh" content="0; url={0}">
<p>You can go back to the app now. <a href="{0}">Open it</a>.</p>
</html>
"""
