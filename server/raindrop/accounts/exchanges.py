"""What OAuth2 providers are asked: tokens and documents, over the guarded way out."""

import datetime
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, NamedTuple

from raindrop.core.db import utc_now
from raindrop.core.errors import AppError, OutboundFailed, OutboundRefused
from raindrop.core.outbound import Limits, fetch

LIMITS = Limits(connect_s=5, read_s=8, total_s=10, body_bytes=256 * 1024, redirects=0)
"""No redirects: what is sent holds secrets."""

TOKEN_MAX = 16_384


class ProviderFailed(AppError):
    """The provider could not be reached, or its answer is not one."""

    type = "user_oauth2_provider_error"
    status = HTTPStatus.FAILED_DEPENDENCY
    message = "The sign-in provider did not answer as it should."


class ProviderRefused(AppError):
    """The provider did not take the code or the credentials, or what it signed is not for us."""

    type = "user_oauth2_unauthorized"
    status = HTTPStatus.UNAUTHORIZED
    message = "The sign-in provider did not confirm this sign-in."


@dataclass(frozen=True)
class Provider:
    """A provider's addresses.

    Attributes:
        emails_url: where it lists a person's addresses; GitHub only.
        issuer, jwks_url: of its OpenID Connect; empty for none.
        sends_basic: whether the client's secret goes in a header, not in the form.
        extra: what else its sign-in page is asked with.
    """

    name: str
    authorize_url: str
    token_url: str
    userinfo_url: str
    scopes: tuple[str, ...]
    emails_url: str = ""
    issuer: str = ""
    jwks_url: str = ""
    sends_basic: bool = False
    extra: Mapping[str, str] = field(default_factory=dict)


class Client(NamedTuple):
    """A project's credentials at a provider."""

    id: str
    secret: str

    def __repr__(self) -> str:
        return f"Client({self.id!r})"


@dataclass(frozen=True)
class Tokens:
    """What a provider gave for a code; empty for none."""

    access: str = field(repr=False)
    refresh: str = field(default="", repr=False)
    id_token: str = field(default="", repr=False)
    expires_at: datetime.datetime | None = None


def exchange(
    provider: Provider, client: Client, *, code: str, verifier: str, redirect_uri: str
) -> Tokens:
    """The tokens for a code (RFC 6749, section 4.1.3, and RFC 7636).

    Raises:
        ProviderRefused, ProviderFailed
    """
    return _ask_tokens(
        provider,
        client,
        "authorization_code",
        code=code,
        redirect_uri=redirect_uri,
        code_verifier=verifier,
    )


def renew(provider: Provider, client: Client, refresh_token: str) -> Tokens:
    """New tokens for a refresh token (RFC 6749, section 6).

    Raises:
        ProviderRefused, ProviderFailed
    """
    return _ask_tokens(provider, client, "refresh_token", refresh_token=refresh_token)


def ask(url: str, access_token: str = "", kind: type[Any] = dict) -> Any:
    """The JSON at an address.

    Args:
        kind: what it must be.
    """
    headers = {"Accept": "application/json"}
    if access_token:
        headers["Authorization"] = f"Bearer {access_token}"
    status, found = _call("GET", url, headers)
    if status != HTTPStatus.OK or not isinstance(found, kind):
        raise ProviderFailed
    return found


def _ask_tokens(provider: Provider, client: Client, grant: str, **values: str) -> Tokens:
    from authlib.oauth2.auth import ClientAuth
    from authlib.oauth2.rfc6749.parameters import prepare_token_request

    body = prepare_token_request(grant, **values)
    method = "client_secret_basic" if provider.sends_basic else "client_secret_post"
    _, headers, body = ClientAuth(client.id, client.secret, method).prepare(
        "POST",
        provider.token_url,
        {"Accept": "application/json", "Content-Type": "application/x-www-form-urlencoded"},
        body,
    )
    status, found = _call("POST", provider.token_url, headers, body.encode())
    if not isinstance(found, dict) or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        raise ProviderFailed
    if status != HTTPStatus.OK or "error" in found:  # GitHub says it with 200
        raise ProviderRefused
    return Tokens(
        access=_token(found.get("access_token")),
        refresh=_token(found.get("refresh_token", "")),
        id_token=_token(found.get("id_token", "")),
        expires_at=_expiry(found.get("expires_in")),
    )


def _call(
    method: str, url: str, headers: Mapping[str, str], body: bytes | None = None
) -> tuple[int, Any]:
    """The status and the JSON of an answer; ``None`` for what is none."""
    try:
        answer = fetch(method, url, headers=headers, body=body, limits=LIMITS)
    except (OutboundRefused, OutboundFailed) as error:
        raise ProviderFailed(f"The sign-in provider: {error.message}") from None
    try:
        return answer.status, json.loads(answer.body)
    except (ValueError, RecursionError):
        return answer.status, None


def _token(value: Any) -> str:
    if not isinstance(value, str) or not re.fullmatch(rf"[\x20-\x7e]{{0,{TOKEN_MAX}}}", value):
        raise ProviderFailed
    return value


def _expiry(seconds: Any) -> datetime.datetime | None:
    if not re.fullmatch(r"[0-9]{1,9}", str(seconds)):
        return None
    return utc_now() + datetime.timedelta(seconds=int(seconds))
