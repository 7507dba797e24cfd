"""OAuth2 providers: where they are, what they are asked, what they say of a person.

A provider with keys (``jwks_url``) speaks OpenID Connect: what it says is signed for this client
and this sign-in, and is checked so. The others are asked over TLS at their own address.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

from raindrop.accounts.exchanges import (
    Client,
    Provider,
    ProviderFailed,
    ProviderRefused,
    Tokens,
    ask,
)
from raindrop.core.cache import get_cache
from raindrop.core.errors import AppError
from raindrop.core.secrets import get_vault
from raindrop.core.tenancy import Tenant

METADATA_TTL_MS = 10 * 60_000
UID_MAX = 255
SIGNATURES = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512"]
"""Signatures by a key of the provider's; with HS256 whoever knows the client's secret signs."""

CLOCK_LEEWAY_S = 60

GITHUB, GOOGLE, OIDC = "github", "google", "oidc"
GOOGLE_METADATA = "https://accounts.google.com/.well-known/openid-configuration"
GOOGLE_EXTRA = {"access_type": "offline"}
"""Else Google gives no refresh token."""

OIDC_SCOPES = ("openid", "email", "profile")


class ProviderUnsupported(AppError):
    """The contract may have it, this release has not."""

    type = "project_provider_unsupported"
    status = HTTPStatus.BAD_REQUEST
    message = "This sign-in provider is not supported."


class ProviderDisabled(AppError):
    """The project's owners have not switched it on, or gave no credentials for it."""

    type = "project_provider_disabled"
    status = HTTPStatus.PRECONDITION_FAILED
    message = "This sign-in provider is switched off; turn it on in the console."


@dataclass(frozen=True)
class Profile:
    """Who somebody is at a provider; ``email`` is empty where it tells none."""

    uid: str
    email: str
    is_email_verified: bool
    name: str


GITHUB_PROVIDER = Provider(
    name=GITHUB,
    authorize_url="https://github.com/login/oauth/authorize",
    token_url="https://github.com/login/oauth/access_token",  # noqa: S106  # an address
    userinfo_url="https://api.github.com/user",
    emails_url="https://api.github.com/user/emails",
    scopes=("read:user", "user:email"),
)


def find_provider(tenant: Tenant, name: str) -> tuple[Provider, Client]:
    """A provider that the project's users may sign in with.

    Raises:
        ProviderUnsupported, ProviderDisabled
        ProviderFailed: it does not say where its parts are.
    """
    if name not in (GITHUB, GOOGLE, OIDC):
        raise ProviderUnsupported
    given = tenant.settings.oauth.get(name)
    if given is None or not (given.is_enabled and given.app_id and given.secret):
        raise ProviderDisabled
    secret = get_vault().decrypt(given.secret)
    if name == GITHUB:
        return GITHUB_PROVIDER, Client(given.app_id, secret)
    if name == GOOGLE:
        provider = _discover(tenant, name, GOOGLE_METADATA, GOOGLE_EXTRA)
        return provider, Client(given.app_id, secret)
    settings = _read_settings(secret)
    client = Client(given.app_id, settings.get("clientSecret", ""))
    if settings.get("wellKnownEndpoint"):
        return _discover(tenant, name, settings["wellKnownEndpoint"], {}), client
    return _by_hand(name, settings), client


def read_profile(provider: Provider, client: Client, tokens: Tokens, nonce: str) -> Profile:
    """Who the tokens are of.

    Args:
        nonce: what the sign-in was begun with.

    Raises:
        ProviderRefused: what it signed is not for this client or not for this sign-in.
        ProviderFailed
    """
    if provider.jwks_url:
        claims = check_id_token(provider, client, tokens.id_token, nonce)
        if not claims.get("email") and provider.userinfo_url:
            told = ask(provider.userinfo_url, tokens.access)
            if told.get("sub") != claims["sub"]:
                raise ProviderRefused  # OpenID Connect Core, section 5.3.2
            claims = told | claims
        return _profile_of_claims(claims)
    told = ask(provider.userinfo_url, tokens.access)
    if provider.emails_url:
        return _profile_of_github(told, ask(provider.emails_url, tokens.access, list))
    return _profile_of_claims(told)


def check_id_token(provider: Provider, client: Client, id_token: str, nonce: str) -> dict[str, Any]:
    """The claims of an ID token (OpenID Connect Core, section 3.1.3.7).

    Raises:
        ProviderRefused: by another key, for another client, of another sign-in, or over.
        ProviderFailed: the provider's keys cannot be read.
    """
    # 10 MB that a process without such sign-ins does without.
    from authlib.oidc.core import CodeIDToken
    from joserfc import jwt
    from joserfc.errors import JoseError
    from joserfc.jwk import KeySet

    listed = ask(provider.jwks_url).get("keys")
    if not isinstance(listed, list):
        raise ProviderFailed
    try:
        keys = KeySet.import_key_set({"keys": [key for key in listed if _is_for_signing(key)]})
    except (JoseError, ValueError, TypeError, KeyError):
        raise ProviderFailed from None
    try:
        token = jwt.decode(id_token, keys, algorithms=SIGNATURES)
        CodeIDToken(
            token.claims,
            token.header,
            {
                "iss": {"essential": True, "value": provider.issuer},
                "aud": {"essential": True, "value": client.id},
            },
            {"client_id": client.id, "nonce": nonce},
        ).validate(leeway=CLOCK_LEEWAY_S)
    except (JoseError, ValueError, TypeError, KeyError):
        raise ProviderRefused from None
    return dict(token.claims)


# Where they are


def _read_settings(secret: str) -> dict[str, str]:
    try:
        settings = json.loads(secret)
    except ValueError:
        raise ProviderDisabled("The provider's secret is not the JSON that it should be.") from None
    if not isinstance(settings, dict):
        raise ProviderDisabled("The provider's secret is not the JSON that it should be.")
    return {name: value for name, value in settings.items() if isinstance(value, str)}


def _by_hand(name: str, settings: Mapping[str, str]) -> Provider:
    """Without metadata there are no keys to check by: it is asked at its own addresses."""
    return Provider(
        name=name,
        authorize_url=_address(settings.get("authorizationEndpoint")),
        token_url=_address(settings.get("tokenEndpoint")),
        userinfo_url=_address(settings.get("userinfoEndpoint")),
        scopes=OIDC_SCOPES,
    )


def _discover(tenant: Tenant, name: str, url: str, extra: Mapping[str, str]) -> Provider:
    entry = get_cache().get_or_load(
        f"provider:{tenant.public_id}:{url}",
        tags=[tenant.tag],
        ttl_ms=METADATA_TTL_MS,
        load=lambda: json.dumps(ask(url)).encode(),
    )
    return read_metadata(name, json.loads(entry.body or b"{}"), extra)


def read_metadata(name: str, told: Mapping[str, Any], extra: Mapping[str, str]) -> Provider:
    """A provider by its metadata (OpenID Connect Discovery, section 3).

    Args:
        extra: see :class:`Provider`.

    Raises:
        ProviderFailed: an address is missing or wrong.
    """
    issuer = told.get("issuer")
    if not isinstance(issuer, str) or not issuer:
        raise ProviderFailed
    methods = told.get("token_endpoint_auth_methods_supported")
    return Provider(
        name=name,
        authorize_url=_address(told.get("authorization_endpoint")),
        token_url=_address(told.get("token_endpoint")),
        userinfo_url=_address(told.get("userinfo_endpoint")) if "userinfo_endpoint" in told else "",
        scopes=OIDC_SCOPES,
        issuer=issuer,
        jwks_url=_address(told.get("jwks_uri")),
        sends_basic=not isinstance(methods, list) or "client_secret_post" not in methods,
        extra=extra,
    )


def _address(value: Any) -> str:
    """An address to send a browser or a request to."""
    if not isinstance(value, str) or not re.fullmatch(r"[!-\[\]-~]{1,2048}", value):
        raise ProviderFailed("An address of the sign-in provider is missing or wrong.")
    if urlsplit(value).scheme not in ("http", "https"):
        raise ProviderFailed("An address of the sign-in provider is missing or wrong.")
    return value


# What they say


def _is_for_signing(key: Any) -> bool:
    is_known = isinstance(key, dict) and key.get("kty") in ("RSA", "EC")
    return is_known and key.get("use", "sig") == "sig"


def _profile_of_claims(claims: Mapping[str, Any]) -> Profile:
    said = claims.get("email_verified")
    return Profile(
        uid=_uid(claims.get("sub")),
        email=_text(claims.get("email")),
        is_email_verified=said is True or said == "true",  # some send the word
        name=_text(claims.get("name")),
    )


def _profile_of_github(told: Mapping[str, Any], emails: list[Any]) -> Profile:
    """The public address of a GitHub profile may be anybody's: the primary one that is verified."""
    email = next(
        (
            _text(each.get("email"))
            for each in emails
            if isinstance(each, dict)
            and each.get("primary") is True
            and each.get("verified") is True
        ),
        "",
    )
    name = _text(told.get("name")) or _text(told.get("login"))
    uid = told.get("id")
    return Profile(_uid(str(uid) if type(uid) is int else uid), email, bool(email), name)


def _uid(value: Any) -> str:
    if not isinstance(value, str) or not re.fullmatch(rf"[\x21-\x7e]{{1,{UID_MAX}}}", value):
        raise ProviderFailed
    return value


def _text(value: Any) -> str:
    is_text = isinstance(value, str) and "\0" not in value
    return value.encode("utf-8", "replace").decode() if is_text else ""
