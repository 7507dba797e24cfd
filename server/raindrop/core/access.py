"""Who asks, and what they may do: actors, roles, permission strings, scopes.

Roles and permission strings are the contract's: ``read("user:ID")``. A room that knows who somebody
is registers with :mod:`raindrop.core.credentials`.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import wraps
from http import HTTPStatus
from typing import Any, NamedTuple, ParamSpec, TypeVar

from raindrop.core.errors import AppError, BadRequest
from raindrop.core.tenancy import Tenant

P = ParamSpec("P")
T = TypeVar("T")

ANY, GUESTS, USERS = "any", "guests", "users"

ROLES_MAX = 100
"""Permissions of one row."""

OPEN_SCOPES = frozenset(
    {
        "public", "sessions.write", "documents.read", "documents.write", "rows.read", "rows.write",
        "files.read", "files.write", "locale.read", "avatars.read", "execution.write", "graphql",
    }
)  # fmt: skip
"""What everybody may ask for; there permissions decide."""

USER_SCOPES = OPEN_SCOPES | {
    "account", "teams.read", "teams.write", "targets.read", "targets.write", "execution.read",
}  # fmt: skip

CONSOLE_SCOPES = USER_SCOPES | {
    "projects.read", "projects.write", "keys.read", "keys.write", "platforms.read",
    "platforms.write", "rules.read",
}  # fmt: skip
"""What an operator may ask for in the console's own project; the team decides which projects."""

KEY_SCOPES = (
    "sessions.write", "users.read", "users.write", "teams.read", "teams.write", "databases.read",
    "databases.write", "collections.read", "collections.write", "tables.read", "tables.write",
    "attributes.read", "attributes.write", "columns.read", "columns.write", "indexes.read",
    "indexes.write", "documents.read", "documents.write", "rows.read", "rows.write", "files.read",
    "files.write", "buckets.read", "buckets.write", "functions.read", "functions.write",
    "sites.read", "sites.write", "log.read", "log.write", "execution.read", "execution.write",
    "locale.read", "avatars.read", "health.read", "providers.read", "providers.write",
    "messages.read", "messages.write", "topics.read", "topics.write", "subscribers.read",
    "subscribers.write", "targets.read", "targets.write", "rules.read", "rules.write",
    "migrations.read", "migrations.write", "vcs.read", "vcs.write", "assistant.read",
    "tokens.read", "tokens.write",
)  # fmt: skip
"""Every scope that a key may have (``scopes`` of the contract's names)."""

ADMIN_SCOPES = USER_SCOPES | frozenset(KEY_SCOPES) | CONSOLE_SCOPES
READ_ONLY_ADMIN_SCOPES = frozenset(
    scope for scope in ADMIN_SCOPES if scope.endswith(".read") or scope in ("public", "account")
)
WRITING_ROLES = frozenset({"owner", "admin", "developer"})
"""Roles in a project's team that may change the project; any other may look."""


class Unauthorized(AppError):
    """Nobody is signed in, or not so that it suffices here."""

    type = "user_unauthorized"
    status = HTTPStatus.UNAUTHORIZED
    message = "Sign in first."


class ScopeMissing(AppError):
    """The actor has not the scope of the operation."""

    type = "general_unauthorized_scope"
    status = HTTPStatus.UNAUTHORIZED


class AccessForbidden(AppError):
    """The credential is not one of ours."""

    type = "general_access_forbidden"
    status = HTTPStatus.UNAUTHORIZED
    message = "This key is not valid for the project."


class MoreFactorsRequired(AppError):
    """The session has only one of the factors that the account wants."""

    type = "user_more_factors_required"
    status = HTTPStatus.UNAUTHORIZED
    message = "Complete the second factor to go on."


class ServiceDisabled(AppError):
    """The project's owners switched this service off."""

    type = "general_service_disabled"
    status = HTTPStatus.FORBIDDEN
    message = "This service is switched off for the project."


class ApiDisabled(AppError):
    """The project's owners switched this API off."""

    type = "general_api_disabled"
    status = HTTPStatus.FORBIDDEN
    message = "This API is switched off for the project."


class ActorKind(StrEnum):
    """What kind of credential an actor came with."""

    GUEST = "guest"
    USER = "user"
    KEY = "key"
    ADMIN = "admin"
    SYSTEM = "system"


@dataclass(frozen=True)
class Identity:
    """A signed-in person, as the cache keeps it.

    Attributes:
        user: the contract's user object, without password.
        user_id: the row's integer key.
        session: the contract's session object without its secrets; empty for a token that stands
            for no session.
        expires_at: Unix seconds; 0 where nothing expires.
        roles: permission roles besides ``any`` and ``users``.
        factors_needed: how many factors the session must have.
        is_by_token: a short-lived token was sent in place of the session.
    """

    user: Mapping[str, Any]
    user_id: int
    session: Mapping[str, Any]
    expires_at: float
    roles: tuple[str, ...]
    factors_needed: int = 1
    is_by_token: bool = False

    @property
    def has_enough_factors(self) -> bool:
        """Whether the session has all the factors that the account wants."""
        return not self.session or len(self.session["factors"]) >= self.factors_needed


@dataclass(frozen=True)
class KeyFacts:
    """A project's key, as the cache keeps it; ``expires_at`` in Unix seconds, 0 for never."""

    id: str
    name: str
    scopes: tuple[str, ...]
    expires_at: float


class Caller(NamedTuple):
    """Where a request comes from; ``locale`` is the language that it asks for, such as ``zh``."""

    ip: str = ""
    user_agent: str = ""
    locale: str = ""


@dataclass(frozen=True)
class Actor:
    """Who does something in a project.

    Attributes:
        identity: the person, also behind an admin; None for guests, keys and the system.
        key: the key that was used.
        roles: what permission strings are compared with.
    """

    tenant: Tenant
    kind: ActorKind
    scopes: frozenset[str]
    roles: frozenset[str]
    identity: Identity | None = None
    key: KeyFacts | None = None
    caller: Caller = field(default_factory=Caller)

    @property
    def is_privileged(self) -> bool:
        """Keys and administrators: row permissions and rate limits are not for them."""
        return self.kind in (ActorKind.KEY, ActorKind.ADMIN, ActorKind.SYSTEM)

    @property
    def user_id(self) -> str:
        """The contract's id of the project's user; empty when there is none."""
        is_user = self.identity is not None and self.kind == ActorKind.USER
        return str(self.identity.user["$id"]) if is_user and self.identity else ""

    @property
    def person(self) -> Identity:
        """The signed-in user of the project.

        Raises:
            Unauthorized: there is none.
        """
        if self.identity is None or self.kind != ActorKind.USER:
            raise Unauthorized
        return self.identity

    def may(self, action: str, permissions: Iterable[str]) -> bool:
        """Whether permission strings let the actor do something (``read``, ``update``, …)."""
        if self.is_privileged:
            return True
        return any(f'{action}("{role}")' in permissions for role in self.roles)


def guest(tenant: Tenant, caller: Caller) -> Actor:
    """A visitor who is nobody."""
    return Actor(tenant, ActorKind.GUEST, OPEN_SCOPES, frozenset({ANY, GUESTS}), caller=caller)


def user(tenant: Tenant, identity: Identity, caller: Caller) -> Actor:
    """A signed-in user of the project."""
    scopes = CONSOLE_SCOPES if tenant.is_console else USER_SCOPES
    roles = frozenset({ANY, USERS, *identity.roles})
    return Actor(tenant, ActorKind.USER, frozenset(scopes), roles, identity, caller=caller)


def key_holder(tenant: Tenant, key: KeyFacts, caller: Caller) -> Actor:
    """Whoever has a project's key."""
    scopes = frozenset(key.scopes) | {"public", "graphql"}
    return Actor(tenant, ActorKind.KEY, scopes, frozenset({ANY}), key=key, caller=caller)


def admin(tenant: Tenant, identity: Identity, caller: Caller) -> Actor | None:
    """An operator at work in a project; ``None``: not a member of its team."""
    team = f"team:{tenant.team_id}"
    if team not in identity.roles:
        return None
    may_write = any(f"{team}/{role}" in identity.roles for role in WRITING_ROLES)
    scopes = ADMIN_SCOPES if may_write else READ_ONLY_ADMIN_SCOPES
    return Actor(
        tenant, ActorKind.ADMIN, frozenset(scopes), frozenset({ANY}), identity, caller=caller
    )


def system(tenant: Tenant) -> Actor:
    """The server itself, in tasks."""
    return Actor(tenant, ActorKind.SYSTEM, frozenset(ADMIN_SCOPES), frozenset({ANY}))


def allow(
    *scopes: str, needs_all_factors: bool = True
) -> Callable[[Callable[P, T]], Callable[P, T]]:
    """Let only actors with one of these scopes into a route.

    Args:
        needs_all_factors: False for the operations by which a session gets its second factor.
    """

    def decorate(view: Callable[P, T]) -> Callable[P, T]:
        @wraps(view)
        def checked(*args: P.args, **kwargs: P.kwargs) -> T:
            # Imported late: credentials knows the request, this module only actors.
            from raindrop.core.credentials import current_actor, current_service

            check_access(
                current_actor(),
                scopes,
                service=current_service(),
                needs_all_factors=needs_all_factors,
            )
            return view(*args, **kwargs)

        checked.allowed_scopes = scopes  # type: ignore[attr-defined]  # a test reads it
        return checked

    return decorate


def check_access(
    actor: Actor, scopes: Iterable[str], *, service: str, needs_all_factors: bool = True
) -> None:
    """What :func:`allow` checks.

    Raises:
        ApiDisabled, ServiceDisabled, ScopeMissing, MoreFactorsRequired
    """
    settings = actor.tenant.settings
    if not actor.is_privileged:
        if "rest" in settings.apis_off:
            raise ApiDisabled
        if service in settings.services_off:
            raise ServiceDisabled
    scopes = tuple(scopes)
    if not actor.scopes.intersection(scopes):
        raise ScopeMissing(f"{_describe(actor)} missing scope ({', '.join(scopes)})")
    if needs_all_factors:
        check_factors(actor)


def check_factors(actor: Actor) -> None:
    """Whether the session has all the factors that the account wants.

    Raises:
        MoreFactorsRequired
    """
    if actor.identity and not actor.identity.has_enough_factors:
        raise MoreFactorsRequired


def _describe(actor: Actor) -> str:
    names = {
        ActorKind.GUEST: "User (role: guests)",
        ActorKind.USER: "User (role: users)",
        ActorKind.KEY: "The key is",
    }
    return names.get(actor.kind, "Your role in the project's team is")


_ROLE = re.compile(
    r"any|guests|users(/(un)?verified)?"
    r"|user:[A-Za-z0-9][A-Za-z0-9._-]{0,35}(/(un)?verified)?"
    r"|team:[A-Za-z0-9][A-Za-z0-9._-]{0,35}(/[A-Za-z0-9._-]{1,81})?"
    r"|(member|label):[A-Za-z0-9][A-Za-z0-9._-]{0,35}"
)
_PERMISSION = re.compile(r'(read|create|update|delete|write|execute)\("([^"]*)"\)')
_ALIASES = {"write": ("create", "update", "delete")}


def parse_permissions(strings: Iterable[str], actions: Iterable[str]) -> list[str]:
    """Permission strings in their plain form: ``write`` as what it stands for, none twice.

    Args:
        actions: those that this kind of thing knows.

    Raises:
        BadRequest: a string is no permission, or for an action that is not known here.
    """
    allowed = tuple(actions)
    found: dict[str, None] = {}
    for string in strings:
        match = _PERMISSION.fullmatch(string)
        if not match or not _ROLE.fullmatch(match[2]):
            raise BadRequest(f"permissions: {string[:100]!r} is not a permission")
        for action in _ALIASES.get(match[1], (match[1],)):
            if action in allowed:
                found[f'{action}("{match[2]}")'] = None
            elif match[1] != "write":
                raise BadRequest(f"permissions: {action} is not possible here")
    if len(found) > ROLES_MAX:
        raise BadRequest(f"permissions: at most {ROLES_MAX}")
    return list(found)
