"""From a request's credentials to its actor; one cache read for each request.

Keys and session secrets are random, so they are looked up by their SHA-256. What a session's
client holds names its user beside the secret, so the cache entry can depend on that user's tag.
"""

import dataclasses
import json
import time
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

from flask import g, request

from raindrop.core import access
from raindrop.core.access import AccessForbidden, Actor, Caller, Identity, KeyFacts, ScopeMissing
from raindrop.core.cache import get_cache
from raindrop.core.cookies import SESSION_HEADER, held_session
from raindrop.core.errors import AppError
from raindrop.core.origins import is_known_origin
from raindrop.core.secrets import digest, read_jwt
from raindrop.core.tenancy import (
    CONSOLE,
    TENANT_TTL_MS,
    ProjectNotFound,
    Tenant,
    get_tenant,
    load_tenant,
    project_tag,
)

PROJECT_HEADER, KEY_HEADER, JWT_HEADER = "X-Appwrite-Project", "X-Appwrite-Key", "X-Appwrite-JWT"
MODE_HEADER, LOCALE_HEADER = "X-Appwrite-Mode", "X-Appwrite-Locale"
DEV_KEY_HEADER = "X-Appwrite-Dev-Key"
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


class UnknownOrigin(AppError):
    """A write by cookie from a page that is none of the project's."""

    type = "general_unknown_origin"
    status = HTTPStatus.FORBIDDEN


class JwtInvalid(AppError):
    """The token is not ours, has expired, or its session has ended."""

    type = "user_jwt_invalid"
    status = HTTPStatus.UNAUTHORIZED
    message = "This token is not valid, or it has expired."


class KeyExpired(AppError):
    """The key's time is over."""

    type = "project_key_expired"
    status = HTTPStatus.UNAUTHORIZED
    message = "This key has expired; make a new one in the console."


class Unauthenticated(AppError):
    """No basic credentials, or not those of a project."""

    type = "general_access_forbidden"
    status = HTTPStatus.UNAUTHORIZED
    message = "Send a project's id and one of its keys as basic credentials."


class KeyAndSession(AppError):
    """Two credentials that mean different actors."""

    type = "user_key_and_session_set"
    status = HTTPStatus.FORBIDDEN
    message = "Send a key or a session, not both."


_sources: dict[str, Callable[..., Any]] = {}
_role_sources: list[Callable[[int], Iterable[str]]] = []


IdentitySource = Callable[[Tenant, str, str], Identity | None]
KeySource = Callable[[Tenant, str], KeyFacts | None]


def register_identities(*, by_secret: IdentitySource, by_session_id: IdentitySource) -> None:
    """Say how a person is found in the database: by user id and the session secret's digest, and
    by user id and session id (empty for a token that stands for no session)."""
    _sources.update(secret=by_secret, id=by_session_id)


def register_keys(by_digest: KeySource, dev_by_digest: KeySource) -> None:
    """Say how a key and a dev key are found in the database: by their secret's digest."""
    _sources.update(key=by_digest, dev_key=dev_by_digest)


def register_roles(of_user: Callable[[int], Iterable[str]]) -> None:
    """Say which roles a user has, by the row's integer key: ``team:ID``, ``team:ID/owner``, …"""
    if of_user not in _role_sources:
        _role_sources.append(of_user)


def roles_of_user(user_id: int) -> list[str]:
    """The roles that rooms know of a user; whoever changes them invalidates the user's tag."""
    return [role for source in _role_sources for role in source(user_id)]


def user_tag(project_id: str, user_id: str) -> str:
    """The cache tag of a user's roles, sessions and profile."""
    return f"user:{project_id}:{user_id}"


def current_caller() -> Caller:
    """Where the request comes from."""
    asked = request.headers.get(LOCALE_HEADER) or request.accept_languages.best or ""
    user_agent = request.headers.get("User-Agent", "")[:500]
    return Caller(request.remote_addr or "", user_agent, asked[:16])


def current_service() -> str:
    """The service of the matched route: its blueprint's name up to an underscore, behind which a
    room adds to another room's service (``users_memberships``)."""
    return (request.blueprint or "").partition(".")[0].partition("_")[0].lower()


def current_actor() -> Actor:
    """Who sends this request, in the project that it names.

    Raises:
        ProjectNotFound, AccessForbidden, KeyExpired, JwtInvalid, KeyAndSession, UnknownOrigin
    """
    if "actor" not in g:
        g.actor = _authenticate()
        g.tenant = g.actor.tenant
    actor: Actor = g.actor
    return actor


def basic_actor() -> Actor:
    """Who sends this request of OpenWhisk's API: basic credentials, a project's id and one of its
    keys.

    Raises:
        Unauthenticated
    """
    given = request.authorization
    if given is None or given.type != "basic" or not given.username or not given.password:
        raise Unauthenticated
    try:
        actor = _by_key(given.username, given.password, current_caller())
    except (ProjectNotFound, AccessForbidden, KeyExpired):
        raise Unauthenticated from None
    g.actor, g.tenant = actor, actor.tenant
    return actor


def current_tenant() -> Tenant | None:
    """The project of this request, where it is known by now."""
    tenant: Tenant | None = g.get("tenant")
    return tenant


def has_dev_key(tenant: Tenant) -> bool:
    """Whether the request carries a dev key of the project that has not expired: it is exempt from
    rate limits and from the check of origins, and gives no access to anything."""
    secret = request.headers.get(DEV_KEY_HEADER, "")
    if not secret:
        return False
    if "dev_key" not in g:
        g.dev_key = _read_key(tenant.public_id, digest(secret), "dev_key")[1]
    key: KeyFacts | None = g.dev_key
    return key is not None and (not key.expires_at or key.expires_at > time.time())


def used_keys() -> list[tuple[int, str]]:
    """The keys that this request was let in with: the project's integer key and the key's id."""
    actor: Actor | None = g.get("actor")
    if actor is None:
        return []
    used = (actor.key, g.get("dev_key"))
    return [(actor.tenant.id, key.id) for key in used if key is not None and key.id]


def console_admin(project_id: str) -> Actor:
    """The operator who sends this request, at work in a project.

    Raises:
        ScopeMissing: no operator is signed in.
        ProjectNotFound: there is none, or the operator is not of its team.
        MoreFactorsRequired: the operator's session lacks its second factor.
        UnknownOrigin: a write from a page that is not ours.
    """
    identity = _console_identity()
    if identity is None:
        raise ScopeMissing("Sign in to the console first.")
    tenant = get_tenant(project_id)
    actor = access.admin(tenant, identity, current_caller())
    if actor is None:
        raise ProjectNotFound
    access.check_factors(actor)
    g.actor, g.tenant = actor, tenant
    return actor


def key_or_admin(project_id: str) -> Actor:
    """Who sends this request to an address that names the project: whoever has one of its keys,
    or an operator at work in it.

    Raises:
        AccessForbidden, KeyExpired: the key is none.
        what :func:`console_admin` does.
    """
    key = request.headers.get(KEY_HEADER, "")
    if not key:
        return console_admin(project_id)
    actor = _by_key(project_id, key, current_caller())
    g.actor, g.tenant = actor, actor.tenant
    return actor


def console_user() -> Actor:
    """The operator who sends this request, in the console's own project.

    Raises:
        ScopeMissing: no operator is signed in.
        MoreFactorsRequired: the operator's session lacks its second factor.
        UnknownOrigin: a write from a page that is not ours.
    """
    identity = _console_identity()
    if identity is None:
        raise ScopeMissing("Sign in to the console first.")
    actor = access.user(get_tenant(CONSOLE), identity, current_caller())
    access.check_factors(actor)
    return actor


def _authenticate() -> Actor:
    project_id = request.headers.get(PROJECT_HEADER) or request.args.get("project", "")
    if not project_id:
        raise ProjectNotFound(f"Name the project in the header {PROJECT_HEADER}.")
    caller = current_caller()
    key = request.headers.get(KEY_HEADER, "")
    if key:
        if request.headers.get(SESSION_HEADER) or request.headers.get(JWT_HEADER):
            raise KeyAndSession
        return _by_key(project_id, key, caller)
    if token := request.headers.get(JWT_HEADER):
        return _by_jwt(project_id, token, caller)
    if request.headers.get(MODE_HEADER) == "admin" and project_id != CONSOLE:
        return _by_admin(project_id, caller)
    return _by_session(project_id, caller)


def _by_key(project_id: str, secret: str, caller: Caller) -> Actor:
    tenant, key = _read_key(project_id, digest(secret))
    key = key or _dynamic_key(tenant, secret)
    if key is None:
        raise AccessForbidden
    if key.expires_at and key.expires_at <= time.time():
        raise KeyExpired
    return access.key_holder(tenant, key, caller)


def _dynamic_key(tenant: Tenant, secret: str) -> KeyFacts | None:
    """A short-lived key that is a token of ours (``POST /projects/ID/jwts``)."""
    prefix, _, token = secret.partition("_")
    claims = read_jwt(token) if prefix == "dynamic" else None
    if claims is None or claims.get("projectId") != tenant.public_id:
        return None
    if claims.get("project") != tenant.id:
        return None  # another project had this id before
    return KeyFacts("", "dynamic", tuple(claims.get("scopes", ())), float(claims["exp"]))


def _by_jwt(project_id: str, token: str, caller: Caller) -> Actor:
    claims = read_jwt(token) or {}
    user_id, session_id = claims.get("userId"), claims.get("sessionId", "")
    if claims.get("project") != project_id or not user_id:
        get_tenant(project_id)
        raise JwtInvalid
    tenant, identity = _read_identity(project_id, user_id, f"id:{session_id}")
    if identity is None:
        raise JwtInvalid
    return access.user(tenant, dataclasses.replace(identity, is_by_token=True), caller)


def _by_admin(project_id: str, caller: Caller) -> Actor:
    identity = _console_identity()
    tenant = get_tenant(project_id)
    actor = access.admin(tenant, identity, caller) if identity else None
    if actor is None:
        raise ScopeMissing("Sign in to the console as a member of the project's team.")
    return actor


def _by_session(project_id: str, caller: Caller) -> Actor:
    held, is_cookie = held_session(project_id)
    if held is None:
        return _as_guest(get_tenant(project_id), caller)
    tenant, identity = _read_identity(project_id, held.user_id, f"secret:{digest(held.secret)}")
    if identity is None:
        return _as_guest(tenant, caller)
    if is_cookie:
        _check_origin(tenant)
    return access.user(tenant, identity, caller)


def _as_guest(tenant: Tenant, caller: Caller) -> Actor:
    if tenant.is_console:
        # Or any page that the first visitor has open could become the instance's owner.
        _check_origin(tenant)
    return access.guest(tenant, caller)


def _console_identity() -> Identity | None:
    held, is_cookie = held_session(CONSOLE)
    if held is None:
        return None
    tenant, identity = _read_identity(CONSOLE, held.user_id, f"secret:{digest(held.secret)}")
    if identity and is_cookie:
        _check_origin(tenant)
    return identity


def _check_origin(tenant: Tenant) -> None:
    origin = request.headers.get("Origin")
    if not origin or request.method in SAFE_METHODS or is_known_origin(tenant, origin):
        return
    if has_dev_key(tenant):
        return
    raise UnknownOrigin(
        f"{urlsplit(origin).hostname or 'This origin'} is no platform of the project. "
        "Add it as a web platform in the console."
    )


def _read_identity(project_id: str, user_id: str, proof: str) -> tuple[Tenant, Identity | None]:
    """The project, and the identity that a proof gives; both from one cache entry."""
    kind, _, value = proof.partition(":")
    source = _sources[kind]

    def load() -> bytes | None:
        tenant = load_tenant(project_id)
        if tenant is None:
            return None
        identity = source(tenant, user_id, value)
        return _pack(tenant, identity)

    tags = [project_tag(project_id), user_tag(project_id, user_id)]
    tenant, found = _read_pair(f"identity:{project_id}:{user_id}:{proof}", tags, load)
    if found is None:
        return tenant, None
    identity = Identity(**found | {"roles": tuple(found["roles"])})
    is_over = identity.expires_at and identity.expires_at <= time.time()
    return tenant, None if is_over else identity


def _read_key(
    project_id: str, secret_digest: str, kind: str = "key"
) -> tuple[Tenant, KeyFacts | None]:
    def load() -> bytes | None:
        tenant = load_tenant(project_id)
        return _pack(tenant, _sources[kind](tenant, secret_digest)) if tenant else None

    tags = [project_tag(project_id)]
    tenant, found = _read_pair(f"{kind}:{project_id}:{secret_digest}", tags, load)
    return tenant, KeyFacts(**found | {"scopes": tuple(found["scopes"])}) if found else None


def _read_pair(
    name: str, tags: list[str], load: Callable[[], bytes | None]
) -> tuple[Tenant, dict[str, Any] | None]:
    entry = get_cache().get_or_load(name, tags=tags, ttl_ms=TENANT_TTL_MS, load=load)
    if entry.body is None:
        raise ProjectNotFound
    return _unpack(entry.body)


@lru_cache(maxsize=1000)
def _unpack(body: bytes) -> tuple[Tenant, dict[str, Any] | None]:
    """What :func:`_pack` made, unpacked once for all requests of the same caller."""
    pair: Mapping[str, Any] = json.loads(body)
    return Tenant.from_json(pair["tenant"]), pair["found"]


def _pack(tenant: Tenant, found: Identity | KeyFacts | None) -> bytes:
    facts = None if found is None else dataclasses.asdict(found)
    return json.dumps({"tenant": tenant.to_json(), "found": facts}).encode()
