"""Collections: making, finding, changing, deleting, showing."""

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from raindrop.core.access import Actor, parse_permissions
from raindrop.core.cache import get_cache
from raindrop.core.db import db, utc_now
from raindrop.core.events import publish
from raindrop.core.queries import list_selected
from raindrop.core.tenancy import Tenant
from raindrop.databases.attributes import dump_attribute
from raindrop.databases.errors import (
    CollectionAlreadyExists,
    CollectionLimitExceeded,
    CollectionNotFound,
)
from raindrop.databases.indexes import dump_index
from raindrop.databases.models import Collection
from raindrop.databases.schema import Schema, collection_tag
from raindrop.databases.schema_store import load_schema, load_schemas
from raindrop.databases.service import find_collection, get_database
from raindrop.jobs.service import create_job

ACTIONS = ("create", "read", "update", "delete")
COLLECTIONS_MAX = 1000
"""Collections of one database."""


def create_collection(
    actor: Actor,
    database_id: str,
    public_id: str,
    name: str,
    *,
    permissions: Sequence[str],
    has_document_security: bool,
    is_enabled: bool,
) -> Schema:
    """Make a collection; a job makes its tables.

    Raises:
        DatabaseNotFound, CollectionAlreadyExists, CollectionLimitExceeded
        BadRequest: a permission is none.
    """
    database = get_database(actor.tenant, database_id, lock=True)
    mine = sa.select(sa.func.count()).where(
        Collection.database_id == database.id, Collection.deleted_at.is_(None)
    )
    if (db.session.scalar(mine) or 0) >= COLLECTIONS_MAX:
        raise CollectionLimitExceeded(f"A database has at most {COLLECTIONS_MAX} collections.")
    now = utc_now()
    collection = Collection(
        project_id=actor.tenant.id,
        database_id=database.id,
        public_id=public_id,
        name=name,
        is_enabled=is_enabled,
        has_document_security=has_document_security,
        permissions=parse_permissions(permissions, ACTIONS),
        schema_version=0,
        created_at=now,
        updated_at=now,
    )
    db.session.add(collection)
    try:
        db.session.flush()  # the database decides who was first
    except IntegrityError:
        raise CollectionAlreadyExists from None
    create_job("databases.converge", queue="databases", params={"collection": collection.id})
    return publish_collection(actor, database_id, collection, "create")


def list_collections(
    actor: Actor, database_id: str, queries: Sequence[str], search: str, *, is_counted: bool
) -> tuple[list[Schema], int]:
    """The collections of a database, and how many.

    Raises:
        DatabaseNotFound, QueryInvalid, CursorNotFound
    """
    database = get_database(actor.tenant, database_id)
    rows, total = list_selected(
        sa.select(Collection).where(
            Collection.database_id == database.id, Collection.deleted_at.is_(None)
        ),
        Collection,
        queries,
        {
            "name": Collection.name,
            "enabled": Collection.is_enabled,
            "documentSecurity": Collection.has_document_security,
        },
        search=search,
        searched=(Collection.name, Collection.public_id),
        is_counted=is_counted,
    )
    return load_schemas(actor.tenant, [row.id for row in rows]), total


def get_schema(tenant: Tenant, database_id: str, public_id: str) -> Schema:
    """A collection as it is in the database just now.

    Raises:
        DatabaseNotFound, CollectionNotFound
    """
    schema = load_schema(tenant, find_collection(tenant, database_id, public_id).id)
    if schema is None:
        raise CollectionNotFound
    return schema


def update_collection(
    actor: Actor,
    database_id: str,
    public_id: str,
    name: str,
    *,
    permissions: Sequence[str] | None,
    has_document_security: bool | None,
    is_enabled: bool | None,
) -> Schema:
    """Change a collection; ``None`` leaves a thing as it is.

    Raises:
        DatabaseNotFound, CollectionNotFound
        BadRequest: a permission is none.
    """
    collection = find_collection(actor.tenant, database_id, public_id, lock=True)
    collection.name, collection.updated_at = name, utc_now()
    if permissions is not None:
        collection.permissions = parse_permissions(permissions, ACTIONS)
    if has_document_security is not None:
        collection.has_document_security = has_document_security
    if is_enabled is not None:
        collection.is_enabled = is_enabled
    return publish_collection(actor, database_id, collection, "update")


def dump_collection(schema: Schema) -> dict[str, Any]:
    """A collection as the contract has it."""
    return {
        "$id": schema.public_id,
        "$createdAt": schema.created_at,
        "$updatedAt": schema.updated_at,
        "$permissions": list(schema.permissions),
        "databaseId": schema.database,
        "name": schema.name,
        "enabled": schema.is_enabled,
        "documentSecurity": schema.has_document_security,
        "attributes": [dump_attribute(attribute) for attribute in schema.attributes],
        "indexes": [dump_index(index) for index in schema.indexes],
    }


def publish_collection(
    actor: Actor, database_id: str, collection: Collection, action: str
) -> Schema:
    """Drop what is cached of a collection, leave the event ``databases.D.collections.C.…``."""
    db.session.flush()  # what is shown is read from the tables
    schema = load_schema(actor.tenant, collection.id)
    assert schema is not None
    tag = collection_tag(actor.tenant.public_id, database_id, schema.public_id)
    get_cache().invalidate(tag, schema.rows_tag)
    publish(
        f"databases.{database_id}.collections.{schema.public_id}.{action}",
        resource=f"database/{database_id}/collection/{schema.public_id}",
        payload=dump_collection(schema),
        actor=actor,
    )
    return schema
