"""Documents by the hundred: all of a call or none, for keys and administrators only."""

from collections.abc import Mapping, Sequence
from typing import Any

from raindrop.core.access import Actor
from raindrop.core.db import db
from raindrop.core.errors import BadRequest
from raindrop.core.formats import check_id, new_id
from raindrop.databases import operators
from raindrop.databases.documents import Document, publish_documents
from raindrop.databases.drafts import changes_of, new_row
from raindrop.databases.errors import (
    BulkUnsupported,
    DocumentAlreadyExists,
    DocumentMissingData,
    DocumentMissingPayload,
)
from raindrop.databases.lists import matching_rows
from raindrop.databases.rows import (
    Row,
    delete_rows,
    find_rows,
    insert_rows,
    show_row,
    update_row,
    update_rows,
)
from raindrop.databases.rules import check_bulk
from raindrop.databases.schema import Schema

BULK_MAX = 1000
"""Documents of one call."""
UPSERT_TRIES = 3


def create_documents(
    actor: Actor, schema: Schema, given: Sequence[Mapping[str, Any]]
) -> list[Document]:
    """Create documents; each holds its ``$id``, ``$permissions`` and values.

    Raises:
        ScopeMissing, BulkUnsupported, BadRequest, DocumentMissingData, DocumentInvalidStructure
        DocumentAlreadyExists: an id or a unique value is taken, or twice among them.
        ServiceUnavailable: the collection's table is still being made.
    """
    _check(actor, schema, given)
    rows = [
        new_row(actor, schema, _id_of(each), each, _permissions_of(each) or ()) for each in given
    ]
    insert_rows(schema, rows)
    documents = [show_row(schema, row) for row in rows]
    publish_documents(actor, schema, documents, "create")
    return documents


def upsert_documents(
    actor: Actor, schema: Schema, given: Sequence[Mapping[str, Any]]
) -> list[Document]:
    """Create those of the documents that are not there and change what is given of the others.

    Raises:
        ScopeMissing, BulkUnsupported, BadRequest, DocumentMissingData, DocumentInvalidStructure
        DocumentAlreadyExists: a unique value is taken, or an id or such a value twice among them.
        ServiceUnavailable: the collection's table is still being made.
    """
    _check(actor, schema, given)
    by_id = {_id_of(each): each for each in given}
    if len(by_id) < len(given):
        raise DocumentAlreadyExists("An id is there twice among the documents.")
    for tries_left in reversed(range(UPSERT_TRIES)):
        there = find_rows(schema, by_id)
        try:
            with db.session.begin_nested():
                rows = _put(actor, schema, by_id, there)
            break
        except DocumentAlreadyExists:
            # Another may have created one of them since they were looked for.
            if not tries_left or len(find_rows(schema, by_id)) == len(there):
                raise
    documents = [show_row(schema, row) for row in rows]
    publish_documents(actor, schema, documents, "upsert")
    return documents


def _put(
    actor: Actor,
    schema: Schema,
    by_id: Mapping[str, Mapping[str, Any]],
    there: Mapping[str, Row],
) -> list[Row]:
    new = {
        public_id: new_row(
            actor, schema, public_id, each, _permissions_of(each) or (), is_upsert=True
        )
        for public_id, each in by_id.items()
        if public_id not in there
    }
    if new:
        insert_rows(schema, list(new.values()))
    rows: dict[str, Row] = dict(new)
    for public_id, row in there.items():
        given = by_id[public_id]
        values = changes_of(actor, schema, row, given, _permissions_of(given))
        update_row(schema, row, values)
        rows[public_id] = {**row, **values}
    return [rows[public_id] for public_id in by_id]


def update_documents(
    actor: Actor, schema: Schema, data: Mapping[str, Any], queries: Sequence[str]
) -> list[Document]:
    """Change the documents that fit queries, each in the same way.

    Raises:
        ScopeMissing, BulkUnsupported, DocumentMissingPayload, DocumentInvalidStructure
        QueryInvalid
        BadRequest: more than ``BULK_MAX`` fit.
        DocumentAlreadyExists: a unique value is another's.
    """
    check_bulk(actor, schema)
    if not data:
        raise DocumentMissingPayload
    _refuse_relations(schema)
    rows = _matching(actor, schema, queries, "update")
    permissions = _permissions_of(data)
    if operators.split(schema, data)[1]:
        changes = [changes_of(actor, schema, row, data, permissions) for row in rows]
        for row, values in zip(rows, changes, strict=True):
            update_row(schema, row, values)
    else:
        same = changes_of(actor, schema, {}, data, permissions)
        changes = [same] * len(rows)
        if rows:
            update_rows(schema, rows, same)
    documents = [
        show_row(schema, {**row, **values}) for row, values in zip(rows, changes, strict=True)
    ]
    publish_documents(actor, schema, documents, "update")
    return documents


def delete_documents(actor: Actor, schema: Schema, queries: Sequence[str]) -> list[Document]:
    """Delete the documents that fit queries; as they were.

    Raises:
        ScopeMissing, BulkUnsupported, QueryInvalid
        BadRequest: more than ``BULK_MAX`` fit.
    """
    check_bulk(actor, schema)
    _refuse_relations(schema)
    rows = _matching(actor, schema, queries, "delete")
    documents = [show_row(schema, row) for row in rows]
    if rows:
        delete_rows(schema, [row["_id"] for row in rows])
    publish_documents(actor, schema, documents, "delete")
    return documents


def _check(actor: Actor, schema: Schema, given: Sequence[Mapping[str, Any]]) -> None:
    check_bulk(actor, schema)
    if not given:
        raise DocumentMissingData
    if len(given) > BULK_MAX:
        raise BadRequest(f"documents: at most {BULK_MAX} in one call")
    _refuse_relations(schema)


def _refuse_relations(schema: Schema) -> None:
    if schema.relations or schema.incoming:
        raise BulkUnsupported


def _matching(actor: Actor, schema: Schema, queries: Sequence[str], action: str) -> list[Row]:
    rows = matching_rows(actor, schema, queries, action, BULK_MAX + 1)
    if len(rows) > BULK_MAX:
        raise BadRequest(f"queries: more than {BULK_MAX} documents fit; ask for fewer by a limit")
    return rows


def _id_of(given: Mapping[str, Any]) -> str:
    value = given.get("$id")
    if value is None:
        return new_id()
    if not isinstance(value, str):
        raise BadRequest("$id: must be a text")
    try:
        return check_id(value)
    except ValueError as error:
        raise BadRequest(f"$id: {error}") from None


def _permissions_of(given: Mapping[str, Any]) -> Sequence[str] | None:
    value = given.get("$permissions")
    if value is None:
        return None
    if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
        raise BadRequest("$permissions: must be an array of texts")
    return value
