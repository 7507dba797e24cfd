"""Relationships between collections: making, changing, deleting."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from raindrop.core.access import Actor
from raindrop.core.cache import get_cache
from raindrop.core.db import db, utc_now
from raindrop.core.tenancy import Project, Tenant
from raindrop.databases import attributes
from raindrop.databases.converging import converge_soon
from raindrop.databases.errors import (
    AttributeAlreadyExists,
    AttributeNotAvailable,
    AttributeNotFound,
    AttributeTypeInvalid,
)
from raindrop.databases.models import AttributeRow, Collection, Database, Status
from raindrop.databases.relation_ddl import rows_of_relationship
from raindrop.databases.schema import Attribute, collection_tag, rows_tag
from raindrop.databases.schema_store import attribute_of, load_schema, related_names
from raindrop.databases.service import find_collection
from raindrop.databases.widths import check_width


@dataclass(frozen=True)
class Draft:
    """A relationship to make; empty keys are the ids of the collections on the other side."""

    related_id: str
    type: str
    is_two_way: bool
    key: str
    two_way_key: str
    on_delete: str


def create_relationship(
    actor: Actor, database_id: str, collection_id: str, draft: Draft
) -> Attribute:
    """Record a relationship; a job makes it, then both sides are available at once.

    Raises:
        DatabaseNotFound
        CollectionNotFound: either of them.
        AttributeAlreadyExists, AttributeLimitExceeded
    """
    parent, child = _lock_both(actor.tenant, database_id, collection_id, draft.related_id)
    key, two_way_key = draft.key or draft.related_id, draft.two_way_key or collection_id
    relation: dict[str, Any] = {
        "type": draft.type,
        "is_two_way": draft.is_two_way,
        "on_delete": draft.on_delete,
    }
    anchor = _insert(actor.tenant, parent, key)
    anchor.details = {
        "relation": relation
        | {
            "side": "parent",
            "collection_id": child.id,
            "two_way_key": two_way_key,
            "anchor_id": anchor.id,
        }
    }
    if draft.is_two_way:
        back = _insert(actor.tenant, child, two_way_key)
        back.details = {
            "relation": relation
            | {
                "side": "child",
                "collection_id": parent.id,
                "two_way_key": key,
                "anchor_id": anchor.id,
            }
        }
    converge_soon(parent.id)
    return _publish(actor, database_id, anchor, "create")


def update_relationship(
    actor: Actor,
    database_id: str,
    collection_id: str,
    key: str,
    *,
    on_delete: str | None,
    new_key: str | None,
) -> Attribute:
    """Change what deleting does, or this side's key; ``None`` leaves a thing as it is.

    Raises:
        DatabaseNotFound, CollectionNotFound, AttributeNotFound, AttributeTypeInvalid,
        AttributeNotAvailable, AttributeAlreadyExists
    """
    collection = find_collection(actor.tenant, database_id, collection_id, lock=True)
    row = _find(collection, key)
    if row.status != Status.AVAILABLE:
        raise AttributeNotAvailable
    for each in _both(row):
        change = {"on_delete": on_delete} if on_delete else {}
        if new_key and each.id == row.id:
            each.key = new_key
        elif new_key:
            change["two_way_key"] = new_key
        each.details = {"relation": each.details["relation"] | change}
        each.updated_at = utc_now()
    try:
        db.session.flush()  # the database decides who was first
    except IntegrityError:
        raise AttributeAlreadyExists from None
    return _publish(actor, database_id, row, "update")


def delete_attribute(actor: Actor, database_id: str, collection_id: str, key: str) -> None:
    """Delete an attribute; of a relationship both sides. Documents have it no more at once; a job
    drops what is stored.

    Raises:
        DatabaseNotFound, CollectionNotFound, AttributeNotFound
        IndexDependency: an index is of it.
    """
    collection = find_collection(actor.tenant, database_id, collection_id, lock=True)
    try:
        row = _find(collection, key)
    except AttributeTypeInvalid:
        attributes.delete_attribute(actor, database_id, collection_id, key)
        return
    for each in _both(row):
        _mark(each)
    _publish(actor, database_id, row, "delete")


def forget_collection(collection: Collection) -> None:
    """Begin to delete the relationships that lead to a collection that is being deleted."""
    query = sa.select(AttributeRow).where(
        AttributeRow.project_id == collection.project_id,
        AttributeRow.type == "relationship",
        AttributeRow.collection_id != collection.id,
    )
    for row in db.session.scalars(query).all():
        if row.details["relation"]["collection_id"] == collection.id:
            _mark(row)
            _forget(row.collection_id)


def _mark(row: AttributeRow) -> None:
    row.status, row.error, row.updated_at = Status.DELETING, "", utc_now()
    converge_soon(row.collection_id)


def _lock_both(
    tenant: Tenant, database_id: str, collection_id: str, related_id: str
) -> tuple[Collection, Collection]:
    """Both collections, locked in the order of their numbers."""
    parent = find_collection(tenant, database_id, collection_id)
    child = find_collection(tenant, database_id, related_id)
    for each in sorted({parent.public_id, child.public_id}):
        find_collection(tenant, database_id, each, lock=True)
    return parent, child


def _insert(tenant: Tenant, collection: Collection, key: str) -> AttributeRow:
    now = utc_now()
    row = AttributeRow(
        project_id=collection.project_id,
        collection_id=collection.id,
        key=key,
        type="relationship",
        format="",
        size=0,
        is_required=False,
        is_array=False,
        details={},
        status=Status.PROCESSING,
        error="",
        created_at=now,
        updated_at=now,
    )
    schema = load_schema(tenant, collection.id)
    assert schema is not None  # its row is locked
    check_width(schema, attribute_of(row, {}))
    db.session.add(row)
    try:
        db.session.flush()  # the database decides who was first, and gives the number
    except IntegrityError:
        raise AttributeAlreadyExists from None
    return row


def _find(collection: Collection, key: str) -> AttributeRow:
    row: AttributeRow | None = db.session.scalar(
        sa.select(AttributeRow).where(
            AttributeRow.collection_id == collection.id, AttributeRow.key == key
        )
    )
    if row is None:
        raise AttributeNotFound
    if row.type != "relationship":
        raise AttributeTypeInvalid
    return row


def _both(row: AttributeRow) -> Iterator[AttributeRow]:
    relation = attribute_of(row, {}).relation
    assert relation is not None
    yield from rows_of_relationship(relation, row.collection_id)


def _publish(actor: Actor, database_id: str, row: AttributeRow, action: str) -> Attribute:
    """Leave the events of both sides; what is cached of either collection is dropped."""
    db.session.flush()  # both sides are read
    shown = attribute_of(row, related_names([row]))
    relation = shown.relation
    assert relation is not None
    for number in {row.collection_id, relation.collection_id}:
        _forget(number)
    for each in _both(row):
        collection = db.session.get_one(Collection, each.collection_id)
        attribute = attribute_of(each, related_names([each]))
        attributes.publish_attribute(actor, database_id, collection, attribute, action)
    return shown


def _forget(collection_id: int) -> None:
    """Drop what is cached of a collection, by its number."""
    query = (
        sa.select(Project.public_id, Database.public_id, Collection.public_id)
        .join_from(Collection, Database, Database.id == Collection.database_id)
        .join(Project, Project.id == Collection.project_id)
        .where(Collection.id == collection_id)
    )
    project, database, collection = db.session.execute(query).one()
    get_cache().invalidate(collection_tag(project, database, collection), rows_tag(collection_id))
