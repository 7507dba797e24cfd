"""Databases: making, finding, changing, deleting, showing; finding their collections."""

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from raindrop.core.access import Actor
from raindrop.core.cache import get_cache
from raindrop.core.db import db, utc_now
from raindrop.core.events import publish
from raindrop.core.formats import show_time
from raindrop.core.queries import list_rows
from raindrop.core.tenancy import Tenant, find_row
from raindrop.databases.errors import (
    CollectionNotFound,
    DatabaseAlreadyExists,
    DatabaseNotFound,
)
from raindrop.databases.models import Collection, Database
from raindrop.databases.schema import database_tag


def create_database(
    actor: Actor, public_id: str, name: str, *, is_enabled: bool, kind: str
) -> Database:
    """Make a database.

    Args:
        kind: ``legacy`` or ``tablesdb``, the words in which it was asked for.

    Raises:
        DatabaseAlreadyExists
    """
    now = utc_now()
    database = Database(
        project_id=actor.tenant.id,
        public_id=public_id,
        name=name,
        kind=kind,
        is_enabled=is_enabled,
        created_at=now,
        updated_at=now,
    )
    db.session.add(database)
    try:
        db.session.flush()  # the database decides who was first
    except IntegrityError:
        raise DatabaseAlreadyExists from None
    forget_database(actor.tenant, database)
    publish_database(actor, database, "create")
    return database


def list_databases(
    actor: Actor, queries: Sequence[str], search: str, *, is_counted: bool
) -> tuple[Sequence[Database], int]:
    """The project's databases, and how many.

    Raises:
        QueryInvalid, CursorNotFound
    """
    return list_rows(
        Database,
        actor.tenant,
        queries,
        {"name": Database.name, "enabled": Database.is_enabled, "type": Database.kind},
        where=[Database.deleted_at.is_(None)],
        search=search,
        searched=(Database.name, Database.public_id),
        is_counted=is_counted,
    )


def get_database(tenant: Tenant, public_id: str, *, lock: bool = False) -> Database:
    """A database of the project.

    Raises:
        DatabaseNotFound
    """
    database = find_row(Database, tenant, public_id, lock=lock)
    if database is None or database.deleted_at is not None:
        raise DatabaseNotFound
    return database


def find_collection(
    tenant: Tenant, database_id: str, public_id: str, *, lock: bool = False
) -> Collection:
    """A collection's row.

    Args:
        lock: for a change of the collection or of what belongs to it.

    Raises:
        DatabaseNotFound, CollectionNotFound
    """
    database = get_database(tenant, database_id)
    query = sa.select(Collection).where(
        Collection.database_id == database.id,
        Collection.public_id == public_id,
        Collection.deleted_at.is_(None),
    )
    if lock:
        query = query.with_for_update().execution_options(populate_existing=True)
    collection: Collection | None = db.session.scalar(query)
    if collection is None:
        raise CollectionNotFound
    return collection


def update_database(actor: Actor, public_id: str, name: str, *, is_enabled: bool) -> Database:
    """Rename a database, switch it on or off for clients.

    Raises:
        DatabaseNotFound
    """
    database = get_database(actor.tenant, public_id, lock=True)
    database.name, database.is_enabled, database.updated_at = name, is_enabled, utc_now()
    forget_database(actor.tenant, database)
    publish_database(actor, database, "update")
    return database


def dump_database(database: Database) -> dict[str, Any]:
    """A database as the contract has it."""
    return {
        "$id": database.public_id,
        "name": database.name,
        "$createdAt": show_time(database.created_at),
        "$updatedAt": show_time(database.updated_at),
        "enabled": database.is_enabled,
        "type": database.kind,
    }


def forget_database(tenant: Tenant, database: Database) -> None:
    """Drop what is cached of a database and of all in it."""
    get_cache().invalidate(database_tag(tenant.public_id, database.public_id))


def publish_database(actor: Actor, database: Database, action: str) -> None:
    """Leave the event ``databases.ID.…``."""
    publish(
        f"databases.{database.public_id}.{action}",
        resource=f"database/{database.public_id}",
        payload=dump_database(database),
        actor=actor,
    )
