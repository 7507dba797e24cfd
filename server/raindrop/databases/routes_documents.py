"""``/v1/databases`` and ``/v1/tablesdb``: documents."""

from collections.abc import Sequence
from typing import Any

from flask import Response

from raindrop.core.access import allow
from raindrop.core.credentials import current_actor
from raindrop.core.errors import BadRequest
from raindrop.core.v1 import ListArguments, check_id, empty, limited, parse_query
from raindrop.databases import bulk, documents, lists
from raindrop.databases.schemas_documents import (
    Decrease,
    DocumentChange,
    DocumentsChange,
    DocumentsChoice,
    Increase,
    InTransaction,
    ManyDocuments,
    NewDocument,
    OneInTransaction,
)
from raindrop.databases.vocabulary import BothWords, current_words

READ, WRITE = ("rows.read", "documents.read"), ("rows.write", "documents.write")
LIMIT_KEY = "ip:{ip},method:{method},url:{url},userId:{userId}"
DOCUMENTS = "/<database_id>/{collections}/<collection_id>/{documents}"
DOCUMENT = f"{DOCUMENTS}/<document_id>"

both = BothWords("documents")


@both.route("GET", DOCUMENTS)
@allow(*READ)
def list_documents(database_id: str, collection_id: str) -> dict[str, Any]:
    """Documents of a collection."""
    given, actor = parse_query(ListArguments), current_actor()
    schema = documents.open_schema(actor, database_id, collection_id)
    found, total = lists.list_documents(actor, schema, given.queries, is_counted=given.total)
    words = current_words()
    return {"total": total, words.documents: [words.show_document(each) for each in found]}


@both.route("POST", DOCUMENTS)
@allow(*WRITE)
@limited(120, 60, LIMIT_KEY)
def create_document(database_id: str, collection_id: str) -> tuple[dict[str, Any], int]:
    """Create a document or, when the body has a list of them, many."""
    words, actor = current_words(), current_actor()
    body = words.parse_body(NewDocument)
    schema = documents.open_schema(actor, database_id, collection_id)
    if body.documents is not None:
        if body.data or body.documentId or body.permissions is not None:
            raise BadRequest("Give one document or a list of them, each with its $id, not both.")
        return show_many(bulk.create_documents(actor, schema, body.documents)), 201
    if body.documentId is None:
        raise BadRequest("documentId: Field required")
    data = body.data or {}
    made = documents.create_document(actor, schema, body.documentId, data, body.permissions)
    return words.show_document(made), 201


@both.route("PUT", DOCUMENTS)
@allow(*WRITE)
@limited(120, 60, LIMIT_KEY)
def upsert_documents(database_id: str, collection_id: str) -> tuple[dict[str, Any], int]:
    """Create or change documents."""
    actor, body = current_actor(), current_words().parse_body(ManyDocuments)
    schema = documents.open_schema(actor, database_id, collection_id)
    return show_many(bulk.upsert_documents(actor, schema, body.documents)), 201


@both.route("PATCH", DOCUMENTS)
@allow(*WRITE)
@limited(120, 60, LIMIT_KEY)
def update_documents(database_id: str, collection_id: str) -> dict[str, Any]:
    """Change the documents that fit queries."""
    actor, body = current_actor(), current_words().parse_body(DocumentsChange)
    schema = documents.open_schema(actor, database_id, collection_id)
    return show_many(bulk.update_documents(actor, schema, body.data or {}, body.queries))


@both.route("DELETE", DOCUMENTS)
@allow(*WRITE)
@limited(60, 60, LIMIT_KEY)
def delete_documents(database_id: str, collection_id: str) -> dict[str, Any]:
    """Delete the documents that fit queries."""
    actor, body = current_actor(), current_words().parse_body(DocumentsChoice)
    schema = documents.open_schema(actor, database_id, collection_id)
    return show_many(bulk.delete_documents(actor, schema, body.queries))


@both.route("GET", DOCUMENT)
@allow(*READ)
def get_document(database_id: str, collection_id: str, document_id: str) -> dict[str, Any]:
    """One document."""
    actor = current_actor()
    given = parse_query(OneInTransaction)
    schema = documents.open_schema(actor, database_id, collection_id)
    found = documents.get_document(actor, schema, document_id, given.queries)
    return current_words().show_document(found)


@both.route("PUT", DOCUMENT)
@allow(*WRITE)
@limited(120, 60, LIMIT_KEY)
def upsert_document(
    database_id: str, collection_id: str, document_id: str
) -> tuple[dict[str, Any], int]:
    """Create a document or change what is given of it."""
    words, actor = current_words(), current_actor()
    body = words.parse_body(DocumentChange)
    schema = documents.open_schema(actor, database_id, collection_id)
    put = documents.upsert_document(
        actor, schema, path_id(document_id), body.data or {}, body.permissions
    )
    return words.show_document(put), 201


@both.route("PATCH", DOCUMENT)
@allow(*WRITE)
@limited(120, 60, LIMIT_KEY)
def update_document(database_id: str, collection_id: str, document_id: str) -> dict[str, Any]:
    """Change some of a document's values."""
    words, actor = current_words(), current_actor()
    body = words.parse_body(DocumentChange)
    schema = documents.open_schema(actor, database_id, collection_id)
    changed = documents.update_document(
        actor, schema, document_id, body.data or {}, body.permissions
    )
    return words.show_document(changed)


@both.route("DELETE", DOCUMENT)
@allow(*WRITE)
@limited(60, 60, LIMIT_KEY)
def delete_document(database_id: str, collection_id: str, document_id: str) -> Response:
    """Delete a document."""
    actor = current_actor()
    current_words().parse_body(InTransaction)
    schema = documents.open_schema(actor, database_id, collection_id)
    documents.delete_document(actor, schema, document_id)
    return empty()


@both.route("PATCH", f"{DOCUMENT}/<attribute>/increment")
@allow(*WRITE)
@limited(120, 60, LIMIT_KEY)
def increment(
    database_id: str, collection_id: str, document_id: str, attribute: str
) -> dict[str, Any]:
    """Add to a number of a document."""
    words, actor = current_words(), current_actor()
    body = words.parse_body(Increase)
    schema = documents.open_schema(actor, database_id, collection_id)
    return words.show_document(
        documents.change_number(
            actor, schema, document_id, attribute, change=body.value, limit=body.max
        )
    )


@both.route("PATCH", f"{DOCUMENT}/<attribute>/decrement")
@allow(*WRITE)
@limited(120, 60, LIMIT_KEY)
def decrement(
    database_id: str, collection_id: str, document_id: str, attribute: str
) -> dict[str, Any]:
    """Take from a number of a document."""
    words, actor = current_words(), current_actor()
    body = words.parse_body(Decrease)
    schema = documents.open_schema(actor, database_id, collection_id)
    return words.show_document(
        documents.change_number(
            actor, schema, document_id, attribute, change=-body.value, limit=body.min
        )
    )


def path_id(value: str) -> str:
    """An id of the address that a new document gets.

    Raises:
        BadRequest: it is none.
    """
    try:
        return check_id(value)
    except ValueError as error:
        raise BadRequest(f"documentId: {error}") from None


def show_many(found: Sequence[documents.Document]) -> dict[str, Any]:
    """A list of documents in the words of the request."""
    words = current_words()
    return {"total": len(found), words.documents: [words.show_document(each) for each in found]}
