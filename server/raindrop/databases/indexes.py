"""Indexes of collections: making, finding, deleting, showing."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from raindrop.core.access import Actor
from raindrop.core.cache import get_cache
from raindrop.core.db import db, utc_now
from raindrop.core.events import publish
from raindrop.core.queries import list_selected
from raindrop.core.tenancy import Tenant
from raindrop.databases.converging import converge_soon
from raindrop.databases.errors import (
    AttributeNotAvailable,
    AttributeUnknown,
    IndexAlreadyExists,
    IndexInvalid,
    IndexLimitExceeded,
    IndexNotFound,
)
from raindrop.databases.models import AttributeRow, Collection, IndexRow, Status
from raindrop.databases.schema import Attribute, Index, IndexMember, Schema, collection_tag
from raindrop.databases.schema_store import index_of, load_schema
from raindrop.databases.service import find_collection
from raindrop.databases.tables import SPATIAL, SYSTEM_COLUMNS, has_column
from raindrop.databases.widths import INDEX_BYTES_MAX, check_terms_width, index_bytes

INDEXES_MAX = 56
"""InnoDB has 64 a table; some are the system's own."""
PREFIX_DEFAULT = 191
"""Characters of a long text that a plain index is of unless it says how many."""

ORDERS = ("ASC", "DESC")


@dataclass(frozen=True)
class IndexDraft:
    """An index to make.

    Attributes:
        type: ``key``, ``unique``, ``fulltext``, ``spatial``.
        orders: ``ASC`` or ``DESC`` of each attribute, all ``ASC`` when empty.
        lengths: of each text, in characters; 0 or None for all of it.
    """

    key: str
    type: str
    attributes: Sequence[str]
    orders: Sequence[str]
    lengths: Sequence[int | None]


def create_index(actor: Actor, database_id: str, collection_id: str, draft: IndexDraft) -> Index:
    """Record an index; a job makes it and then it is available.

    Raises:
        DatabaseNotFound, CollectionNotFound, AttributeUnknown, AttributeNotAvailable, IndexInvalid,
        IndexLimitExceeded, IndexAlreadyExists
    """
    collection = find_collection(actor.tenant, database_id, collection_id, lock=True)
    schema = load_schema(actor.tenant, collection.id)
    assert schema is not None  # its row is locked
    if len(schema.indexes) >= INDEXES_MAX:
        raise IndexLimitExceeded(f"A collection has at most {INDEXES_MAX} indexes.")
    members = _members(schema, draft)
    now = utc_now()
    row = IndexRow(
        project_id=collection.project_id,
        collection_id=collection.id,
        key=draft.key,
        type=draft.type,
        members=[_stored(schema, member) for member in members],
        is_written=False,
        status=Status.PROCESSING,
        error="",
        created_at=now,
        updated_at=now,
    )
    db.session.add(row)
    try:
        db.session.flush()  # the database decides who was first
    except IntegrityError:
        raise IndexAlreadyExists from None
    converge_soon(collection.id)
    index = index_of(row, {each.id: each.key for each in schema.attributes})
    _publish(actor, database_id, collection, index, "create")
    return index


def list_indexes(
    actor: Actor, database_id: str, collection_id: str, queries: Sequence[str], *, is_counted: bool
) -> tuple[list[Index], int]:
    """The indexes of a collection, and how many.

    Raises:
        DatabaseNotFound, CollectionNotFound, QueryInvalid, CursorNotFound
    """
    collection = find_collection(actor.tenant, database_id, collection_id)
    rows, total = list_selected(
        sa.select(IndexRow).where(IndexRow.collection_id == collection.id),
        IndexRow,
        queries,
        {
            "key": IndexRow.key,
            "type": IndexRow.type,
            "status": IndexRow.status,
            "error": IndexRow.error,
        },
        is_counted=is_counted,
    )
    keys = _keys(collection)
    return [index_of(row, keys) for row in rows], total


def get_index(tenant: Tenant, database_id: str, collection_id: str, key: str) -> Index:
    """One index.

    Raises:
        DatabaseNotFound, CollectionNotFound, IndexNotFound
    """
    collection = find_collection(tenant, database_id, collection_id)
    return index_of(_find(collection, key), _keys(collection))


def delete_index(actor: Actor, database_id: str, collection_id: str, key: str) -> None:
    """Delete an index; a job drops it.

    Raises:
        DatabaseNotFound, CollectionNotFound, IndexNotFound
    """
    collection = find_collection(actor.tenant, database_id, collection_id, lock=True)
    row = _find(collection, key)
    row.status, row.error, row.updated_at = Status.DELETING, "", utc_now()
    row.is_written = False  # so that nobody writes terms any more when their column goes
    converge_soon(collection.id)
    _publish(actor, database_id, collection, index_of(row, _keys(collection)), "delete")


def dump_index(index: Index) -> dict[str, Any]:
    """An index as the contract has it."""
    return {
        "$id": index.key,
        "$createdAt": index.created_at,
        "$updatedAt": index.updated_at,
        "key": index.key,
        "type": index.type,
        "status": index.status,
        "error": index.error,
        "attributes": [member.key for member in index.members],
        "lengths": [member.length for member in index.members],
        "orders": [member.order for member in index.members],
    }


def _members(schema: Schema, draft: IndexDraft) -> list[IndexMember]:
    """The parts of the index.

    Raises:
        AttributeUnknown, AttributeNotAvailable, IndexInvalid
    """
    attributes = draft.attributes
    if len(set(attributes)) != len(attributes):
        raise IndexInvalid("An attribute is named twice.")
    if len(draft.orders) > len(attributes) or len(draft.lengths) > len(attributes):
        raise IndexInvalid("There are more orders or lengths than attributes.")
    if draft.type == "spatial" and len(attributes) > 1:
        raise IndexInvalid("A spatial index is of one attribute.")
    members = [_member(schema, draft, place) for place in range(len(attributes))]
    if draft.type == "fulltext":
        check_terms_width(schema)
    elif draft.type != "spatial":
        size = index_bytes({each.key: each for each in schema.attributes}, members)
        if size > INDEX_BYTES_MAX:
            raise IndexInvalid(
                f"The index would be of {size} bytes, {INDEX_BYTES_MAX} are possible: give shorter"
                " lengths, or fewer attributes."
            )
    return members


def _member(schema: Schema, draft: IndexDraft, place: int) -> IndexMember:
    key = draft.attributes[place]
    order = (draft.orders[place] if place < len(draft.orders) else "ASC").upper() or "ASC"
    length = (draft.lengths[place] if place < len(draft.lengths) else 0) or 0
    if order not in ORDERS or length < 0:
        raise IndexInvalid(f"{key[:100]}: the order is ASC or DESC, the length not negative")
    if key in SYSTEM_COLUMNS:
        _check_system(draft.type, key)
        return IndexMember(key, order, 0)
    return IndexMember(key, order, _CHECKS[draft.type](_attribute(schema, key), length))


def _stored(schema: Schema, member: IndexMember) -> dict[str, Any]:
    """A part as the index's row keeps it: by number, so that renaming changes nothing."""
    numbers = {each.key: each.id for each in schema.attributes}
    return {
        "attribute": numbers.get(member.key, member.key),
        "order": member.order,
        "length": member.length,
    }


def _attribute(schema: Schema, key: str) -> Attribute:
    attribute = next((each for each in schema.attributes if each.key == key), None)
    if attribute is None:
        raise AttributeUnknown(f"There is no attribute {key[:100]!r} in the collection.")
    if attribute.status != Status.AVAILABLE:
        raise AttributeNotAvailable
    if attribute.is_encrypted:
        raise IndexInvalid(f"{key}: an encrypted attribute can have no index.")
    return attribute


def _check_system(kind: str, key: str) -> None:
    if kind not in ("key", "unique"):
        raise IndexInvalid(f"A {kind} index of {key} is not possible.")


def _check_fulltext(attribute: Attribute, _: int) -> int:
    if attribute.type != "string":
        raise IndexInvalid(f"{attribute.key}: a fulltext index is of strings.")
    return 0


def _check_spatial(attribute: Attribute, _: int) -> int:
    if attribute.type not in SPATIAL:
        raise IndexInvalid(f"{attribute.key}: a spatial index is of points, lines or polygons.")
    if not attribute.is_required:
        raise IndexInvalid(f"{attribute.key}: a spatial index needs a required attribute.")
    return 0


def _check_plain(attribute: Attribute, length: int) -> int:
    """The length of a plain index's part, in characters; 0 for all of the value."""
    if attribute.is_array:
        raise IndexInvalid(f"{attribute.key}: an array can have no index.")
    if attribute.type in SPATIAL or not has_column(attribute):
        raise IndexInvalid(f"{attribute.key}: an index of this type is not possible.")
    if attribute.type != "string":
        if length:
            raise IndexInvalid(f"{attribute.key}: only strings have a length.")
        return 0
    if length > attribute.size:
        raise IndexInvalid(f"{attribute.key}: the length is more than the string's size.")
    if not length and 4 * attribute.size > INDEX_BYTES_MAX:
        return PREFIX_DEFAULT
    return length if length < attribute.size else 0


def _check_unique(attribute: Attribute, length: int) -> int:
    checked = _check_plain(attribute, length)
    # A part of a text that must be unique would refuse texts that differ later.
    if checked:
        raise IndexInvalid(f"{attribute.key}: unique values are compared whole, up to 768 letters.")
    return 0


_CHECKS: dict[str, Callable[[Attribute, int], int]] = {
    "key": _check_plain,
    "unique": _check_unique,
    "fulltext": _check_fulltext,
    "spatial": _check_spatial,
}


def _find(collection: Collection, key: str) -> IndexRow:
    row: IndexRow | None = db.session.scalar(
        sa.select(IndexRow).where(IndexRow.collection_id == collection.id, IndexRow.key == key)
    )
    if row is None:
        raise IndexNotFound
    return row


def _keys(collection: Collection) -> dict[int, str]:
    query = sa.select(AttributeRow.id, AttributeRow.key).where(
        AttributeRow.collection_id == collection.id
    )
    return {row.id: row.key for row in db.session.execute(query)}


def _publish(
    actor: Actor, database_id: str, collection: Collection, index: Index, action: str
) -> None:
    """Leave the event ``databases.D.collections.C.indexes.ID.…`` and drop what is cached."""
    get_cache().invalidate(
        collection_tag(actor.tenant.public_id, database_id, collection.public_id)
    )
    where = f"databases.{database_id}.collections.{collection.public_id}"
    publish(
        f"{where}.indexes.{index.key}.{action}",
        resource=f"database/{database_id}/collection/{collection.public_id}",
        payload=dump_index(index),
        actor=actor,
    )
