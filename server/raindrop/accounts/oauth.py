"""Signing in through an OAuth2 provider: from the way out to the way back.

A flow's one secret, the PKCE verifier (RFC 7636), stays in a cookie of the browser that began it.
The state that goes round by the provider is a token of ours with the verifier's digest in it, so
that no other browser can end the flow, nor this one a flow that somebody else began (RFC 9700,
section 4.7). Each provider of each project has a way back of its own, against mix-ups (section
4.4).
"""

import dataclasses
import hmac
import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, NamedTuple

from sqlalchemy.exc import InvalidRequestError

from raindrop.accounts import exchanges, identities, providers
from raindrop.accounts.exchanges import Tokens
from raindrop.accounts.models import Session, TokenType, User
from raindrop.accounts.providers import Profile
from raindrop.accounts.redirects import check_redirect
from raindrop.accounts.sessions import SessionNotFound, create_session
from raindrop.accounts.tokens import create_token
from raindrop.core.access import Actor, ActorKind
from raindrop.core.cookies import SessionSecret
from raindrop.core.db import db, let_go
from raindrop.core.errors import AppError, BadRequest
from raindrop.core.secrets import get_vault, new_secret, read_jwt, sign_jwt
from raindrop.core.tenancy import Tenant

FLOW_LIFETIME_S = 15 * 60
VERIFIER_BYTES = 32
SCOPES_MAX = 50
SESSION, TOKEN = "session", "token"


class InvalidSuccessUrl(AppError):
    """It leads to no platform of the project."""

    type = "project_invalid_success_url"
    status = HTTPStatus.BAD_REQUEST


class InvalidFailureUrl(AppError):
    """It leads to no platform of the project."""

    type = "project_invalid_failure_url"
    status = HTTPStatus.BAD_REQUEST


class BadReturn(AppError):
    """The way back is none of a flow that this browser began."""

    type = "user_oauth2_bad_request"
    status = HTTPStatus.BAD_REQUEST
    message = "This sign-in was not begun in this browser, or too long ago; begin it again."


@dataclass(frozen=True)
class Flow:
    """A sign-in through a provider.

    Attributes:
        kind: what shall come of it, ``session`` or ``token``.
        project: the project's public id.
        success, failure: where the browser goes in the end; empty: an app waits for it.
        scopes: what the app wants from the provider besides.
        user_id, session_id: of the person who adds an identity; empty for a guest.
    """

    kind: str
    provider: str
    project: str
    success: str
    failure: str
    scopes: tuple[str, ...] = ()
    user_id: str = ""
    session_id: str = ""


class Departure(NamedTuple):
    """The provider's sign-in page, and what the browser keeps meanwhile."""

    url: str
    cookie: str
    verifier: str


class State(NamedTuple):
    """What came back of a flow's beginning."""

    flow: Flow
    cookie: str
    challenge: str
    nonce: str


class Return(NamedTuple):
    """What the provider sent the browser back with."""

    code: str
    error: str
    issuer: str


class Arrival(NamedTuple):
    """The end of a flow: a session, or a token's secret."""

    user: User
    session: Session | None
    held: SessionSecret | None
    secret: str


def plan_flow(
    actor: Actor,
    kind: str,
    provider: str,
    *,
    success: str,
    failure: str,
    scopes: Sequence[str],
) -> Flow:
    """Check what a flow is asked for with.

    Raises:
        InvalidSuccessUrl, InvalidFailureUrl, BadRequest
    """
    for url, error in ((success, InvalidSuccessUrl), (failure, InvalidFailureUrl)):
        if url:
            _check_url(actor.tenant, url, error)
    if len(scopes) > SCOPES_MAX or not all(re.fullmatch(r"[!#-\[\]-~]{1,256}", s) for s in scopes):
        raise BadRequest(f"scopes: at most {SCOPES_MAX} of up to 256 characters, without spaces")
    session = actor.person.session if actor.kind == ActorKind.USER else {}
    return Flow(
        kind=kind,
        provider=provider,
        project=actor.tenant.public_id,
        success=success,
        failure=failure,
        scopes=tuple(scopes),
        user_id=actor.user_id if session else "",
        session_id=str(session.get("$id", "")),
    )


def depart(tenant: Tenant, flow: Flow, redirect_uri: str) -> Departure:
    """Begin a flow. Lets go of the database, which need not wait for the provider.

    Raises:
        ProviderUnsupported, ProviderDisabled, ProviderFailed
    """
    from authlib.oauth2.rfc6749.parameters import prepare_grant_uri
    from authlib.oauth2.rfc7636 import create_s256_code_challenge

    let_go()
    provider, client = providers.find_provider(tenant, flow.provider)
    verifier, nonce = secrets.token_urlsafe(VERIFIER_BYTES), secrets.token_urlsafe(16)
    challenge = create_s256_code_challenge(verifier)
    cookie = secrets.token_hex(6)
    claims = {"cookie": cookie, "challenge": challenge, "nonce": nonce}
    url = prepare_grant_uri(
        provider.authorize_url,
        client_id=client.id,
        response_type="code",
        redirect_uri=redirect_uri,
        scope=" ".join(dict.fromkeys((*provider.scopes, *flow.scopes))),
        state=_seal("state", flow, **claims),
        code_challenge=challenge,
        code_challenge_method="S256",
        nonce=nonce if provider.jwks_url else None,
        **provider.extra,
    )
    return Departure(url, cookie, verifier)


def write_ticket(tenant: Tenant, flow: Flow) -> str:
    """A flow that a server asked for, to be begun by the browser that it sends our way.

    Raises:
        ProviderUnsupported, ProviderDisabled, ProviderFailed
    """
    let_go()
    providers.find_provider(tenant, flow.provider)
    return _seal("ticket", flow)


def read_ticket(text: str, provider: str, project: str) -> Flow:
    """The flow of a ticket.

    Raises:
        BadReturn
    """
    return _unseal("ticket", text, provider, project)[0]


def read_state(text: str, provider: str, project: str) -> State:
    """The state of a flow with this provider and project.

    Raises:
        BadReturn: it is not ours, over, or of another provider or project.
    """
    flow, claims = _unseal("state", text, provider, project)
    return State(flow, claims["cookie"], claims["challenge"], claims["nonce"])


def check_browser(state: State, verifier: str) -> None:
    """Whether the flow was begun in the browser that holds this verifier.

    Raises:
        BadReturn
    """
    from authlib.oauth2.rfc7636 import create_s256_code_challenge

    if not re.fullmatch(r"[A-Za-z0-9_-]{43}", verifier) or not hmac.compare_digest(
        create_s256_code_challenge(verifier), state.challenge
    ):
        raise BadReturn


def arrive(
    actor: Actor, state: State, back: Return, *, verifier: str, redirect_uri: str
) -> Arrival:
    """End a flow whose browser was checked.

    Args:
        actor: a guest of the project.

    Raises:
        ProviderFailed, ProviderRefused, BadReturn: nobody is known.
        UserBlocked, Unauthorized, UserAlreadyExists, UserCountExceeded, …: see identities.py.
    """
    flow = state.flow
    profile, tokens = _ask_provider(actor.tenant, state, back, verifier, redirect_uri)
    user = identities.find_or_make_user(actor, flow.provider, profile, tokens, _adder(actor, flow))
    if flow.kind == TOKEN:
        secret = new_secret()
        details = {"provider": flow.provider}
        create_token(actor, user, TokenType.OAUTH2, secret, details=details)
        return Arrival(user, None, None, secret)
    session, held = create_session(
        actor,
        user,
        provider=flow.provider,
        factor="oauth2",
        provider_uid=profile.uid,
        **identities.columns_of(tokens),
    )
    return Arrival(user, session, held, "")


def refresh(actor: Actor, session: Session) -> None:
    """Renew the provider's tokens that a session keeps; one without any stays as it is.

    Lets go of the database while the provider is waited for: call it before anything is changed.

    Raises:
        SessionNotFound: it ended meanwhile.
        ProviderUnsupported, ProviderDisabled, ProviderFailed, ProviderRefused
    """
    if not session.refresh_token:
        return
    held, name = get_vault().decrypt(session.refresh_token), session.provider
    let_go()
    provider, client = providers.find_provider(actor.tenant, name)
    tokens = exchanges.renew(provider, client, held)
    if not tokens.refresh:  # a provider that keeps it says nothing
        tokens = dataclasses.replace(tokens, refresh=held)
    try:
        db.session.refresh(session, with_for_update=True)
    except InvalidRequestError:
        raise SessionNotFound from None
    for column, value in identities.columns_of(tokens).items():
        setattr(session, column, value)
    identities.keep_tokens(actor.tenant, name, session.provider_uid, tokens)


def _ask_provider(
    tenant: Tenant, state: State, back: Return, verifier: str, redirect_uri: str
) -> tuple[Profile, Tokens]:
    if back.error or not back.code:
        # Its own words could be anybody's, for they came with the browser.
        known = back.error if re.fullmatch(r"[a-z_]{1,64}", back.error) else "no code"
        raise exchanges.ProviderFailed(f"The sign-in provider refused: {known}")
    # No connection is held while others are waited for; and this GET writes.
    let_go(is_write=True)
    provider, client = providers.find_provider(tenant, state.flow.provider)
    if back.issuer and provider.issuer and back.issuer != provider.issuer:
        raise BadReturn  # RFC 9207
    tokens = exchanges.exchange(
        provider, client, code=back.code, verifier=verifier, redirect_uri=redirect_uri
    )
    return providers.read_profile(provider, client, tokens, state.nonce), tokens


def _adder(actor: Actor, flow: Flow) -> User | None:
    """Who adds an identity, if the session that began it is still there."""
    if not flow.user_id:
        return None
    return identities.find_adder(actor.tenant, flow.user_id, flow.session_id)


def _check_url(tenant: Tenant, url: str, error: type[AppError]) -> None:
    try:
        check_redirect(tenant, url)
    except BadRequest as refused:
        raise error(refused.message) from None


def _seal(use: str, flow: Flow, **claims: str) -> str:
    # Nested, so that it is no token of ours for anything else (core/credentials.py).
    content = {"use": use, "flow": dataclasses.asdict(flow), **claims}
    return sign_jwt({"oauth2": content}, FLOW_LIFETIME_S)


def _unseal(use: str, text: str, provider: str, project: str) -> tuple[Flow, dict[str, Any]]:
    claims = (read_jwt(text) or {}).get("oauth2", {})
    if claims.get("use") != use:
        raise BadReturn
    flow = Flow(**claims["flow"] | {"scopes": tuple(claims["flow"]["scopes"])})
    if (flow.provider, flow.project) != (provider, project):
        raise BadReturn
    return flow, claims
