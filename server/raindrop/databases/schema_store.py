"""Where a collection's :class:`Schema` comes from: the rows of the database by way of the cache, in
one look-up, kept unpacked by each process."""

import dataclasses
import json
from collections.abc import Mapping, Sequence

import sqlalchemy as sa

from raindrop.core.cache import get_cache
from raindrop.core.db import db
from raindrop.core.formats import show_time
from raindrop.core.tenancy import Tenant
from raindrop.databases.errors import CollectionNotFound, DatabaseNotFound
from raindrop.databases.models import AttributeRow, Collection, Database, IndexRow, Status
from raindrop.databases.schema import (
    Attribute,
    Index,
    IndexMember,
    Relation,
    Schema,
    collection_tag,
    database_tag,
)

SCHEMA_TTL_MS = 60_000
KEPT_MAX = 1000
"""Schemas that one process keeps unpacked."""
NO_DATABASE = b"-"
"""Kept in the cache in place of a collection whose database is not there."""

_kept: dict[tuple[str, str], Schema] = {}


def find_schema(tenant: Tenant, database: str, collection: str) -> Schema:
    """A collection by its public ids; one cache look-up.

    Raises:
        DatabaseNotFound, CollectionNotFound
    """
    name = f"schema:{tenant.public_id}/{database}/{collection}"
    entry = get_cache().get_or_load(
        name,
        tags=[
            tenant.tag,
            database_tag(tenant.public_id, database),
            collection_tag(tenant.public_id, database, collection),
        ],
        ttl_ms=SCHEMA_TTL_MS,
        load=lambda: _load(tenant, database, collection),
    )
    if entry.body is None:
        raise CollectionNotFound
    if entry.body == NO_DATABASE:
        raise DatabaseNotFound
    if not entry.generation:
        return Schema.from_json(json.loads(entry.body))
    kept = _kept.get((name, entry.generation))
    if kept is None:
        if len(_kept) >= KEPT_MAX:
            _kept.clear()
        kept = _kept[name, entry.generation] = Schema.from_json(json.loads(entry.body))
    return kept


def _load(tenant: Tenant, database: str, collection: str) -> bytes | None:
    query = (
        sa.select(Database.id, Collection.id)
        .outerjoin(
            Collection,
            (Collection.database_id == Database.id) & (Collection.public_id == collection),
        )
        .where(Database.project_id == tenant.id, Database.public_id == database)
    )
    found = db.session.execute(query).one_or_none()
    if found is None:
        return NO_DATABASE
    schema = load_schema(tenant, found[1]) if found[1] else None
    return None if schema is None else json.dumps(schema.to_json()).encode()


def load_schema(tenant: Tenant, collection_id: int) -> Schema | None:
    """A collection from the database, by its number; ``None``: it is not the project's, or it is
    deleted."""
    return next(iter(load_schemas(tenant, [collection_id])), None)


def load_schemas(tenant: Tenant, numbers: Sequence[int]) -> list[Schema]:
    """Collections of a project from the database, in the order of their numbers given; five
    statements for all of them."""
    query = (
        sa.select(Collection, Database)
        .join(Database, Database.id == Collection.database_id)
        .where(
            Collection.id.in_(numbers),
            Collection.project_id == tenant.id,
            Collection.deleted_at.is_(None),
        )
        .execution_options(populate_existing=True)
    )
    found = {row.id: (row, database) for row, database in db.session.execute(query)}
    attributes = _attributes(list(found))
    keys = {each.id: each.key for several in attributes.values() for each in several}
    indexes = _indexes(list(found), keys)
    incoming = _incoming(tenant, list(found))
    return [
        _schema(
            tenant, *found[number], attributes[number], indexes[number], incoming=incoming[number]
        )
        for number in numbers
        if number in found
    ]


def _schema(
    tenant: Tenant,
    row: Collection,
    database: Database,
    attributes: Sequence[Attribute],
    indexes: Sequence[Index],
    *,
    incoming: Sequence[Attribute],
) -> Schema:
    return Schema(
        id=row.id,
        project_id=row.project_id,
        project=tenant.public_id,
        database=database.public_id,
        database_name=database.name,
        is_database_enabled=database.is_enabled,
        public_id=row.public_id,
        name=row.name,
        is_enabled=row.is_enabled,
        has_document_security=row.has_document_security,
        permissions=tuple(row.permissions),
        schema_version=row.schema_version,
        created_at=show_time(row.created_at),
        updated_at=show_time(row.updated_at),
        attributes=tuple(attributes),
        indexes=tuple(indexes),
        incoming=tuple(incoming),
    )


def _attributes(numbers: Sequence[int]) -> Mapping[int, list[Attribute]]:
    query = (
        sa.select(AttributeRow)
        .where(AttributeRow.collection_id.in_(numbers))
        .order_by(AttributeRow.id)
        .execution_options(populate_existing=True)
    )
    rows = db.session.scalars(query).all()
    names = related_names(rows)
    found: dict[int, list[Attribute]] = {number: [] for number in numbers}
    for row in rows:
        found[row.collection_id].append(attribute_of(row, names))
    return found


def _incoming(tenant: Tenant, numbers: Sequence[int]) -> Mapping[int, list[Attribute]]:
    """The child sides of one-way relationships, which no attribute is there for."""
    query = (
        sa.select(AttributeRow)
        .where(AttributeRow.project_id == tenant.id, AttributeRow.type == "relationship")
        .order_by(AttributeRow.id)
        .execution_options(populate_existing=True)
    )
    found: dict[int, list[Attribute]] = {number: [] for number in numbers}
    rows = [
        row
        for row in db.session.scalars(query)
        if row.details["relation"]["collection_id"] in found
        and not row.details["relation"]["is_two_way"]
        and row.status == Status.AVAILABLE
    ]
    names = _names({row.collection_id for row in rows})
    for row in rows:
        shown = attribute_of(row, {})
        assert shown.relation is not None
        turned = dataclasses.replace(
            shown.relation,
            side="child",
            collection_id=row.collection_id,
            collection=names[row.collection_id],
            two_way_key=row.key,
        )
        found[shown.relation.collection_id].append(dataclasses.replace(shown, relation=turned))
    return found


def related_names(rows: Sequence[AttributeRow]) -> Mapping[int, str]:
    """The public ids of the collections that relationships lead to, by number."""
    relations = (row.details.get("relation") for row in rows)
    return _names({relation["collection_id"] for relation in relations if relation})


def _names(numbers: set[int]) -> Mapping[int, str]:
    """The public ids of collections, by number."""
    if not numbers:
        return {}
    query = sa.select(Collection.id, Collection.public_id).where(Collection.id.in_(numbers))
    return {row.id: row.public_id for row in db.session.execute(query)}


def attribute_of(row: AttributeRow, names: Mapping[int, str]) -> Attribute:
    """An attribute's row as requests see it.

    Args:
        names: the public ids of related collections, by number.
    """
    details = dict(row.details)
    relation = details.pop("relation", None)
    if relation:
        relation = Relation(**relation, collection=names.get(relation["collection_id"], ""))
    return Attribute(
        id=row.id,
        key=row.key,
        type=row.type,
        format=row.format,
        size=row.size,
        is_required=row.is_required,
        is_array=row.is_array,
        status=row.status,
        error=row.error,
        created_at=show_time(row.created_at),
        updated_at=show_time(row.updated_at),
        elements=tuple(details.pop("elements", ())),
        relation=relation,
        **details,
    )


def _indexes(numbers: Sequence[int], keys: Mapping[int, str]) -> Mapping[int, list[Index]]:
    query = (
        sa.select(IndexRow)
        .where(IndexRow.collection_id.in_(numbers))
        .order_by(IndexRow.id)
        .execution_options(populate_existing=True)
    )
    found: dict[int, list[Index]] = {number: [] for number in numbers}
    for row in db.session.scalars(query):
        found[row.collection_id].append(index_of(row, keys))
    return found


def index_of(row: IndexRow, keys: Mapping[int, str]) -> Index:
    """An index's row as requests see it.

    Args:
        keys: the keys of the collection's attributes, by number.
    """
    return Index(
        id=row.id,
        key=row.key,
        type=row.type,
        members=tuple(
            IndexMember(
                keys.get(member["attribute"], str(member["attribute"])),
                member["order"],
                member["length"],
            )
            for member in row.members
        ),
        is_written=row.is_written,
        status=row.status,
        error=row.error,
        created_at=show_time(row.created_at),
        updated_at=show_time(row.updated_at),
    )
