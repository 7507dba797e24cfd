"""Documents: creating, reading, changing, deleting."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from raindrop.core.access import Actor, Unauthorized
from raindrop.core.cache import get_cache
from raindrop.core.db import utc_now
from raindrop.core.errors import ServiceUnavailable
from raindrop.core.events import publish
from raindrop.databases import cascades, lists, loading, related
from raindrop.databases.errors import (
    DocumentMissingData,
    DocumentMissingPayload,
    DocumentNotFound,
)
from raindrop.databases.rows import (
    Row,
    delete_rows,
    find_row,
    insert_rows,
    show_row,
    split_permission,
    update_row,
)
from raindrop.databases.rules import Reach, check_create, own_permissions, reach
from raindrop.databases.schema import Schema, find_schema
from raindrop.databases.values import check_data

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
    if not schema.has_table:
        raise ServiceUnavailable("The collection is still being made; try again in a moment.")
    now = utc_now()
    row = {
        "_uid": public_id,
        "_created": now,
        "_updated": now,
        "_permissions": own_permissions(actor, permissions, is_new=True),
        **check_data(schema, data, is_partial=False),
    }
    linked = related.split(schema, data)
    insert_rows(schema, [row])
    _relate(actor, schema, row, linked)
    document = show_row(schema, row)
    publish_document(actor, schema, document, "create")
    return document


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
    shape = lists.select_shape(schema, queries)
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
    values: dict[str, Any] = check_data(schema, data, is_partial=True)
    if (given := own_permissions(actor, permissions, is_new=False)) is not None:
        values["_permissions"] = given
    values["_updated"] = utc_now()
    linked = related.split(schema, data)
    update_row(schema, row, values)
    _relate(actor, schema, row, linked)
    document = show_row(schema, {**row, **values})
    publish_document(actor, schema, document, "update")
    return document


def delete_document(actor: Actor, schema: Schema, public_id: str) -> None:
    """Delete a document.

    Raises:
        Unauthorized, DocumentNotFound
    """
    row = changeable_row(actor, schema, public_id, "delete")
    cascades.before_delete(actor, schema, [row], publish_documents)
    delete_rows(schema, [row["_id"]])
    publish_document(actor, schema, show_row(schema, row), "delete")


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
    get_cache().invalidate(schema.rows_tag)
    where = f"databases.{schema.database}.collections.{schema.public_id}"
    publish(
        f"{where}.documents.{document['$id']}.{action}",
        resource=f"database/{schema.database}/collection/{schema.public_id}/document/{document['$id']}",
        payload=document,
        actor=actor,
    )


def publish_documents(
    actor: Actor, schema: Schema, documents: Iterable[Document], action: str
) -> None:
    """The same of many."""
    for document in documents:
        publish_document(actor, schema, document, action)
