"""Documents: creating, reading, changing, deleting."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from raindrop.core.access import Actor, Unauthorized
from raindrop.core.cache import get_cache
from raindrop.core.db import utc_now
from raindrop.core.events import publish
from raindrop.databases import cascades, loading, related
from raindrop.databases.drafts import changes_of, new_row
from raindrop.databases.errors import (
    DocumentAlreadyExists,
    DocumentMissingData,
    DocumentMissingPayload,
    DocumentNotFound,
)
from raindrop.databases.lists import select_shape
from raindrop.databases.operators import add, countable
from raindrop.databases.rows import (
    Row,
    delete_rows,
    find_row,
    insert_rows,
    show_row,
    split_permission,
    update_row,
)
from raindrop.databases.rules import Reach, check_create, check_open, reach
from raindrop.databases.schema import Schema
from raindrop.databases.schema_store import find_schema

Document = dict[str, Any]


def create_document(
    actor: Actor,
    schema: Schema,
    public_id: str,
    data: Mapping[str, Any],
    permissions: Sequence[str] | None,
) -> Document:
    """Create a document.

    Raises:
        Unauthorized, DocumentMissingData, DocumentInvalidStructure, DocumentAlreadyExists
        ServiceUnavailable: the collection's table is still being made.
    """
    check_create(actor, schema)
    if not data:
        raise DocumentMissingData
    row = new_row(actor, schema, public_id, data, permissions)
    return _insert(actor, schema, row, "create", data)


def get_document(
    actor: Actor, schema: Schema, public_id: str, queries: Sequence[str] = ()
) -> Document:
    """A document that the actor may read.

    Args:
        queries: ``select`` only.

    Raises:
        Unauthorized, DocumentNotFound, QueryInvalid
    """
    document = show_row(schema, readable_row(actor, schema, public_id))
    if not queries:
        return document
    shape = select_shape(schema, queries)
    picked = shape.pick(document)
    loading.load(actor, schema, [picked], shape.paths)
    return picked


def update_document(
    actor: Actor,
    schema: Schema,
    public_id: str,
    data: Mapping[str, Any],
    permissions: Sequence[str] | None,
) -> Document:
    """Change some of a document's values or its permissions.

    Raises:
        Unauthorized, DocumentNotFound, DocumentMissingPayload, DocumentInvalidStructure,
        DocumentAlreadyExists
    """
    if not data and permissions is None:
        raise DocumentMissingPayload
    row = changeable_row(actor, schema, public_id, "update")
    values = changes_of(actor, schema, row, data, permissions)
    return _change(actor, schema, row, values, "update", data=data)


def upsert_document(
    actor: Actor,
    schema: Schema,
    public_id: str,
    data: Mapping[str, Any],
    permissions: Sequence[str] | None,
) -> Document:
    """Create a document or, where there is one with the id, change what is given of it.

    Raises:
        Unauthorized, DocumentMissingPayload, DocumentInvalidStructure
        DocumentAlreadyExists: a unique value is another's.
        ServiceUnavailable: the collection's table is still being made.
    """
    check_open(actor, schema)
    if not data and permissions is None:
        raise DocumentMissingPayload
    if find_row(schema, public_id, lock=True) is None:
        check_create(actor, schema)
        new = new_row(actor, schema, public_id, data, permissions, is_upsert=True)
        try:
            return _insert(actor, schema, new, "upsert", data)
        except DocumentAlreadyExists:
            # Somebody created it since; a failed statement leaves the transaction as it was.
            if find_row(schema, public_id, lock=True) is None:
                raise
    row = changeable_row(actor, schema, public_id, "update")
    values = changes_of(actor, schema, row, data, permissions)
    return _change(actor, schema, row, values, "upsert", data=data)


def change_number(
    actor: Actor,
    schema: Schema,
    public_id: str,
    key: str,
    *,
    change: float,
    limit: float | None,
) -> Document:
    """Add to one of a document's numbers, as no other change happens to it; null counts as 0.

    Args:
        change: negative to take away from it.
        limit: what it may become at most or, where it is taken from, at least.

    Raises:
        Unauthorized, DocumentNotFound, AttributeNotFound, AttributeTypeInvalid
        AttributeLimitExceeded: it would pass ``limit`` or the attribute's own; nothing is changed.
        BadRequest: part of a whole number.
    """
    attribute = countable(schema, key)
    row = changeable_row(actor, schema, public_id, "update")
    value = add(attribute, row[attribute.column], change, limit)
    values = {attribute.column: value, "_updated": utc_now()}
    return _change(actor, schema, row, values, "update")


def delete_document(actor: Actor, schema: Schema, public_id: str) -> None:
    """Delete a document.

    Raises:
        Unauthorized, DocumentNotFound
    """
    row = changeable_row(actor, schema, public_id, "delete")
    cascades.before_delete(actor, schema, [row], publish_documents)
    delete_rows(schema, [row["_id"]])
    publish_document(actor, schema, show_row(schema, row), "delete")


def _insert(
    actor: Actor, schema: Schema, row: dict[str, Any], action: str, data: Mapping[str, Any]
) -> Document:
    linked = related.split(actor, schema, data)
    insert_rows(schema, [row])
    _relate(actor, schema, row, linked)
    document = show_row(schema, row)
    publish_document(actor, schema, document, action)
    return document


def _change(
    actor: Actor,
    schema: Schema,
    row: Row,
    values: Mapping[str, Any],
    action: str,
    *,
    data: Mapping[str, Any] | None = None,
) -> Document:
    linked = related.split(actor, schema, data or {})
    update_row(schema, row, values)
    _relate(actor, schema, row, linked)
    document = show_row(schema, {**row, **values})
    publish_document(actor, schema, document, action)
    return document


def _relate(actor: Actor, schema: Schema, row: Row, given: Mapping[str, Any]) -> None:
    if given:
        related.write(actor, schema, row, given, create=create_document, update=update_document)


def open_schema(actor: Actor, database_id: str, collection_id: str) -> Schema:
    """The collection that a request is about.

    Raises:
        DatabaseNotFound, CollectionNotFound
    """
    return find_schema(actor.tenant, database_id, collection_id)


def readable_row(actor: Actor, schema: Schema, public_id: str, *, lock: bool = False) -> Row:
    """The row of a document that the actor may read.

    Raises:
        Unauthorized, DocumentNotFound
    """
    readable = reach(actor, schema, "read")
    row = find_row(schema, public_id, lock=lock)
    if row is None or not is_in_reach(readable, row, "read"):
        raise DocumentNotFound
    return row


def changeable_row(actor: Actor, schema: Schema, public_id: str, action: str) -> Row:
    """The row of a document that the actor may ``update`` or ``delete``, locked.

    Raises:
        Unauthorized, DocumentNotFound: also of one that the actor may not even read.
    """
    allowed = reach(actor, schema, action)
    row = find_row(schema, public_id, lock=True)
    if row is None:
        raise DocumentNotFound
    if not is_in_reach(allowed, row, action):
        if actor.may("read", schema.permissions) or is_in_reach(allowed, row, "read"):
            raise Unauthorized(f"You may not {action} this document.")
        raise DocumentNotFound
    return row


def is_in_reach(which: Reach, row: Row, action: str) -> bool:
    """Whether a row is among the documents that somebody may do something with."""
    return which.is_all or any(
        role in which.roles
        for each, role in map(split_permission, row["_permissions"])
        if each == action
    )


def publish_document(actor: Actor, schema: Schema, document: Document, action: str) -> None:
    """Leave the event ``databases.D.collections.C.documents.ID.…`` and drop the cached lists."""
    publish_documents(actor, schema, [document], action)


def publish_documents(
    actor: Actor, schema: Schema, documents: Iterable[Document], action: str
) -> None:
    """The same of many. Events are kept as plain text, so they are without encrypted values."""
    get_cache().invalidate(schema.rows_tag)
    where = f"databases.{schema.database}.collections.{schema.public_id}.documents"
    resource = f"database/{schema.database}/collection/{schema.public_id}/document"
    for document in documents:
        public_id = document["$id"]
        publish(
            f"{where}.{public_id}.{action}",
            resource=f"{resource}/{public_id}",
            payload=_public(schema, document),
            actor=actor,
        )


def _public(schema: Schema, document: Document) -> Document:
    """What of a document may be kept where it is not encrypted."""
    if not schema.encrypted:
        return document
    return {key: value for key, value in document.items() if key not in schema.encrypted}
