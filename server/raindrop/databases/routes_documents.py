"""``/v1/databases`` and ``/v1/tablesdb``: documents."""

from collections.abc import Sequence
from typing import Any

from flask import Response

from raindrop.core.access import allow
from raindrop.core.credentials import current_actor
from raindrop.core.edge import allow_edge, asked_by_edge, forbid_edge
from raindrop.core.errors import BadRequest
from raindrop.core.formats import check_id
from raindrop.core.v1 import ListArguments, empty, limited, parse_query
from raindrop.databases import cached, documents, lists, transactions
from raindrop.databases.operations import Step
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


class ListInTransaction(ListArguments, InTransaction):
    """What the list takes."""


@both.route("GET", DOCUMENTS)
@allow(*READ)
def list_documents(database_id: str, collection_id: str) -> Response | dict[str, Any]:
    """Documents of a collection."""
    given, actor, words = parse_query(ListInTransaction), current_actor(), current_words()
    schema = documents.open_schema(actor, database_id, collection_id)
    if given.transactionId:
        found, total = transactions.look(
            actor,
            given.transactionId,
            lambda: lists.list_documents(actor, schema, given.queries, is_counted=given.total),
        )
        return {"total": total, words.documents: words.show_documents(found)}
    return answer_cached(
        cached.list_documents(
            actor,
            schema,
            given.queries,
            is_counted=given.total,
            name=words.documents,
            form=words.form,
            show=words.show_documents,
            is_marked=asked_by_edge(),
        )
    )


@both.route("POST", DOCUMENTS)
@allow(*WRITE)
@limited(120, 60, LIMIT_KEY)
def create_document(database_id: str, collection_id: str) -> tuple[dict[str, Any], int]:
    """Create a document or, when the body has a list of them, many."""
    body = current_words().parse_body(NewDocument)
    where = (database_id, collection_id)
    if body.documents is not None:
        if body.data or body.documentId or body.permissions is not None:
            raise BadRequest("Give one document or a list of them, each with its $id, not both.")
        step = Step("bulkCreate", *where, arguments={"documents": body.documents})
        return show_many(run(body, step)), 201
    if body.documentId is None:
        raise BadRequest("documentId: Field required")
    arguments = {"data": body.data or {}, "permissions": body.permissions}
    return show_one(run(body, Step("create", *where, body.documentId, arguments))), 201


@both.route("PUT", DOCUMENTS)
@allow(*WRITE)
@limited(120, 60, LIMIT_KEY)
def upsert_documents(database_id: str, collection_id: str) -> tuple[dict[str, Any], int]:
    """Create or change documents."""
    body = current_words().parse_body(ManyDocuments)
    arguments = {"documents": body.documents}
    step = Step("bulkUpsert", database_id, collection_id, arguments=arguments)
    return show_many(run(body, step)), 201


@both.route("PATCH", DOCUMENTS)
@allow(*WRITE)
@limited(120, 60, LIMIT_KEY)
def update_documents(database_id: str, collection_id: str) -> dict[str, Any]:
    """Change the documents that fit queries."""
    body = current_words().parse_body(DocumentsChange)
    arguments = {"data": body.data or {}, "queries": body.queries}
    return show_many(run(body, Step("bulkUpdate", database_id, collection_id, arguments=arguments)))


@both.route("DELETE", DOCUMENTS)
@allow(*WRITE)
@limited(60, 60, LIMIT_KEY)
def delete_documents(database_id: str, collection_id: str) -> dict[str, Any]:
    """Delete the documents that fit queries."""
    body = current_words().parse_body(DocumentsChoice)
    arguments = {"queries": body.queries}
    return show_many(run(body, Step("bulkDelete", database_id, collection_id, arguments=arguments)))


@both.route("GET", DOCUMENT)
@allow(*READ)
def get_document(database_id: str, collection_id: str, document_id: str) -> dict[str, Any]:
    """One document."""
    given, actor = parse_query(OneInTransaction), current_actor()
    schema = documents.open_schema(actor, database_id, collection_id)
    found = transactions.look(
        actor,
        given.transactionId,
        lambda: documents.get_document(actor, schema, document_id, given.queries),
    )
    return current_words().show_document(found)


@both.route("PUT", DOCUMENT)
@allow(*WRITE)
@limited(120, 60, LIMIT_KEY)
def upsert_document(
    database_id: str, collection_id: str, document_id: str
) -> tuple[dict[str, Any], int]:
    """Create a document or change what is given of it."""
    body = current_words().parse_body(DocumentChange)
    arguments = {"data": body.data or {}, "permissions": body.permissions}
    step = Step("upsert", database_id, collection_id, path_id(document_id), arguments)
    return show_one(run(body, step)), 201


@both.route("PATCH", DOCUMENT)
@allow(*WRITE)
@limited(120, 60, LIMIT_KEY)
def update_document(database_id: str, collection_id: str, document_id: str) -> dict[str, Any]:
    """Change some of a document's values."""
    body = current_words().parse_body(DocumentChange)
    arguments = {"data": body.data or {}, "permissions": body.permissions}
    return show_one(run(body, Step("update", database_id, collection_id, document_id, arguments)))


@both.route("DELETE", DOCUMENT)
@allow(*WRITE)
@limited(60, 60, LIMIT_KEY)
def delete_document(database_id: str, collection_id: str, document_id: str) -> Response:
    """Delete a document."""
    body = current_words().parse_body(InTransaction)
    run(body, Step("delete", database_id, collection_id, document_id))
    return empty()


@both.route("PATCH", f"{DOCUMENT}/<attribute>/increment")
@allow(*WRITE)
@limited(120, 60, LIMIT_KEY)
def increment(
    database_id: str, collection_id: str, document_id: str, attribute: str
) -> dict[str, Any]:
    """Add to a number of a document."""
    body = current_words().parse_body(Increase)
    arguments = {"attribute": attribute, "value": body.value, "limit": body.max}
    step = Step("increment", database_id, collection_id, document_id, arguments)
    return show_one(run(body, step))


@both.route("PATCH", f"{DOCUMENT}/<attribute>/decrement")
@allow(*WRITE)
@limited(120, 60, LIMIT_KEY)
def decrement(
    database_id: str, collection_id: str, document_id: str, attribute: str
) -> dict[str, Any]:
    """Take from a number of a document."""
    body = current_words().parse_body(Decrease)
    arguments = {"attribute": attribute, "value": body.value, "limit": body.min}
    step = Step("decrement", database_id, collection_id, document_id, arguments)
    return show_one(run(body, step))


def run(body: InTransaction, step: Step) -> list[documents.Document]:
    """Do a change, or stage it in the transaction that the body names."""
    return transactions.run(current_actor(), body.transactionId, step)


def path_id(value: str) -> str:
    """An id of the address that a new document gets.

    Raises:
        BadRequest: it is none.
    """
    try:
        return check_id(value)
    except ValueError as error:
        raise BadRequest(f"documentId: {error}") from None


def show_one(found: Sequence[documents.Document]) -> dict[str, Any]:
    """A document in the words of the request."""
    return current_words().show_document(found[0])


def show_many(found: list[documents.Document]) -> dict[str, Any]:
    """A list of documents in the words of the request."""
    words = current_words()
    return {"total": len(found), words.documents: words.show_documents(found)}


def answer_cached(found: cached.Bytes) -> Response:
    """A list's bytes as an answer, which nginx may keep if a visitor asked."""
    response = Response(found.body, mimetype="application/json")
    if not found.is_for_edge:
        return forbid_edge(response)
    ttl_ms = min(found.entry.ttl_ms, cached.EDGE_TTL_MS)
    return allow_edge(response, found.tags, found.entry.generation, ttl_ms)
