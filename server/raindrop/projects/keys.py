"""API keys and dev keys."""

import datetime
from collections.abc import Iterable, Sequence

import sqlalchemy as sa

from raindrop.core.access import KEY_SCOPES, Actor, KeyFacts
from raindrop.core.db import db, utc_now
from raindrop.core.errors import BadRequest, NotFound
from raindrop.core.formats import new_id
from raindrop.core.queries import count_up_to, list_rows
from raindrop.core.secrets import digest, new_secret, sign_jwt
from raindrop.core.tenancy import Project, Tenant, find_row, rows_of, tenant_of
from raindrop.projects.models import Key
from raindrop.projects.service import get_own_project, get_project, leave_event
from raindrop.projects.shapes import dump_key

SDKS_MAX, SDK_NAME_MAX = 20, 32
ACCESS_STEP = datetime.timedelta(hours=1)
"""How exact the time of a key's last use is."""


class KeyNotFound(NotFound):
    """The project has no such key."""

    type = "key_not_found"
    message = "The project has no key with this id."


def key_by_digest(tenant: Tenant, secret_digest: str, *, is_dev: bool = False) -> KeyFacts | None:
    """The project's key with this secret, expired or not."""
    query = rows_of(Key, tenant).where(Key.secret_digest == secret_digest, Key.is_dev == is_dev)
    key = db.session.scalar(query)
    if key is None:
        return None
    expires_at = key.expires_at.timestamp() if key.expires_at else 0
    return KeyFacts(key.public_id, key.name, tuple(key.scopes), expires_at)


def dev_key_by_digest(tenant: Tenant, secret_digest: str) -> KeyFacts | None:
    """The same for a dev key."""
    return key_by_digest(tenant, secret_digest, is_dev=True)


def list_keys(actor: Actor, project_id: str, *, is_counted: bool) -> tuple[Sequence[Key], int]:
    """The project's keys, oldest first.

    Raises:
        ProjectNotFound
    """
    tenant = tenant_of(get_project(actor, project_id))
    query = rows_of(Key, tenant).where(Key.is_dev.is_(False)).order_by(Key.id)
    return db.session.scalars(query).all(), count_up_to(query) if is_counted else 0


def list_dev_keys(
    actor: Actor, project_id: str, queries: Sequence[str]
) -> tuple[Sequence[Key], int]:
    """The project's dev keys.

    Raises:
        ProjectNotFound, QueryInvalid, CursorNotFound
    """
    tenant = tenant_of(get_project(actor, project_id))
    columns = {"name": Key.name, "expire": Key.expires_at, "accessedAt": Key.accessed_at}
    return list_rows(Key, tenant, queries, columns, where=[Key.is_dev.is_(True)])


def get_key(actor: Actor, project_id: str, key_id: str, *, is_dev: bool) -> Key:
    """One of the project's keys.

    Raises:
        ProjectNotFound, KeyNotFound
    """
    return _find(get_project(actor, project_id), key_id, is_dev=is_dev)


def create_key(
    actor: Actor,
    project_id: str,
    name: str,
    scopes: Iterable[str],
    expires_at: datetime.datetime | None,
) -> tuple[Key, str]:
    """Make a key; also its secret, which only this answer tells.

    Raises:
        ProjectNotFound, ScopeMissing, BadRequest: there is no such scope.
    """
    return add_key(actor, get_own_project(actor, project_id), name, scopes, expires_at)


def create_dev_key(
    actor: Actor, project_id: str, name: str, expires_at: datetime.datetime
) -> tuple[Key, str]:
    """Make a dev key; also its secret, which only this answer tells.

    Raises:
        ProjectNotFound, ScopeMissing
    """
    project = get_own_project(actor, project_id)
    return add_key(actor, project, name, (), expires_at, is_dev=True)


def add_key(
    actor: Actor | None,
    project: Project,
    name: str,
    scopes: Iterable[str],
    expires_at: datetime.datetime | None,
    *,
    is_dev: bool = False,
) -> tuple[Key, str]:
    """Make a key of a project that the caller may change; None is the server's operator.

    Raises:
        BadRequest: there is no such scope.
    """
    secret = f"{'dev' if is_dev else 'standard'}_{new_secret()}"
    key = Key(
        project_id=project.id,
        public_id=new_id(),
        name=name,
        scopes=check_scopes(scopes),
        secret_digest=digest(secret),
        is_dev=is_dev,
        expires_at=expires_at,
        accessed_at=None,
        sdks=[],
        created_at=utc_now(),
        updated_at=utc_now(),
    )
    db.session.add(key)
    _leave_event(actor, project, key, "create")
    return key, secret


def update_key(
    actor: Actor,
    project_id: str,
    key_id: str,
    *,
    name: str,
    scopes: Iterable[str],
    expires_at: datetime.datetime | None,
    is_dev: bool = False,
) -> Key:
    """Give a key another name, other scopes, another end.

    Raises:
        ProjectNotFound, ScopeMissing, KeyNotFound, BadRequest
    """
    project = get_own_project(actor, project_id)
    key = _find(project, key_id, is_dev=is_dev)
    key.name, key.scopes, key.expires_at = name, check_scopes(scopes), expires_at
    key.updated_at = utc_now()
    _leave_event(actor, project, key, "update")
    return key


def delete_key(actor: Actor, project_id: str, key_id: str, *, is_dev: bool) -> None:
    """Revoke a key at once.

    Raises:
        ProjectNotFound, ScopeMissing, KeyNotFound
    """
    project = get_own_project(actor, project_id)
    key = _find(project, key_id, is_dev=is_dev)
    db.session.delete(key)
    _leave_event(actor, project, key, "delete")


def sign_dynamic_key(actor: Actor, project_id: str, scopes: Iterable[str], lifetime_s: int) -> str:
    """A key that nothing keeps and that ends by itself.

    Raises:
        ProjectNotFound, ScopeMissing, BadRequest
    """
    project = get_own_project(actor, project_id)
    claims = {"projectId": project.public_id, "scopes": check_scopes(scopes)}
    leave_event(actor, project, "jwts.create", claims)
    token = sign_jwt({**claims, "project": project.id}, lifetime_s)
    return f"dynamic_{token}"


def note_use(project_id: int, key_id: str, sdk: str) -> None:
    """Remember that a key was used, and by which client library; about once an hour."""
    key = db.session.scalar(
        sa.select(Key)
        .where(Key.project_id == project_id, Key.public_id == key_id)
        .with_for_update()
    )
    if key is None:
        return
    # Told in a list only, so nothing cached depends on it, and `updated_at` stays.
    values: dict[str, object] = {"updated_at": key.updated_at}
    if key.accessed_at is None or key.accessed_at < utc_now() - ACCESS_STEP:
        values["accessed_at"] = utc_now()
    if sdk and sdk not in key.sdks and len(key.sdks) < SDKS_MAX:
        values["sdks"] = [*key.sdks, sdk]
    db.session.execute(sa.update(Key).where(Key.id == key.id).values(**values))


def check_scopes(scopes: Iterable[str]) -> list[str]:
    """Scopes that a key may have, none twice.

    Raises:
        BadRequest
    """
    wanted = list(dict.fromkeys(scopes))
    unknown = [scope for scope in wanted if scope not in KEY_SCOPES]
    if unknown:
        raise BadRequest(f"scopes: a key cannot have {unknown[0][:64]!r}")
    return wanted


def _find(project: Project, key_id: str, *, is_dev: bool) -> Key:
    key = find_row(Key, tenant_of(project), key_id)
    if key is None or key.is_dev != is_dev:
        raise KeyNotFound
    return key


def _leave_event(actor: Actor | None, project: Project, key: Key, action: str) -> None:
    kind = "devKeys" if key.is_dev else "keys"
    leave_event(actor, project, f"{kind}.{key.public_id}.{action}", dump_key(key))
