"""``/v1/databases`` and ``/v1/tablesdb``: documents."""

from typing import Any

from flask import Response, jsonify

from raindrop.core.access import allow
from raindrop.core.credentials import current_actor
from raindrop.core.edge import allow_edge, asked_by_edge, forbid_edge
from raindrop.core.v1 import ListArguments, empty, limited, parse_query
from raindrop.databases import cached, documents, lists, transactions
from raindrop.databases.operations import Step
from raindrop.databases.schemas import DocumentChange, InTransaction, NewDocument, OneInTransaction
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
def list_documents(database_id: str, collection_id: str) -> Response:
    """Documents of a collection."""
    given, actor, words = parse_query(ListInTransaction), current_actor(), current_words()
    schema = documents.open_schema(actor, database_id, collection_id)
    if given.transactionId:
        staged, total = transactions.look(
            actor,
            given.transactionId,
            lambda: lists.list_documents(actor, schema, given.queries, is_counted=given.total),
        )
        shown = {"total": total, words.documents: [words.show_document(each) for each in staged]}
        return forbid_edge(jsonify(shown))
    found = cached.list_documents(
        actor,
        schema,
        given.queries,
        is_counted=given.total,
        name=words.documents,
        form=words.form,
        show=words.show_document,
        is_marked=asked_by_edge(),
    )
    return answer_cached(found)


@both.route("POST", DOCUMENTS)
@allow(*WRITE)
@limited(120, 60, LIMIT_KEY)
def create_document(database_id: str, collection_id: str) -> tuple[dict[str, Any], int]:
    """Create a document."""
    words, actor = current_words(), current_actor()
    body = words.parse_body(NewDocument)
    arguments = {"data": body.data, "permissions": body.permissions}
    step = Step("create", database_id, collection_id, body.documentId, arguments)
    return words.show_document(transactions.run(actor, body.transactionId, step)[0]), 201


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


@both.route("PATCH", DOCUMENT)
@allow(*WRITE)
@limited(120, 60, LIMIT_KEY)
def update_document(database_id: str, collection_id: str, document_id: str) -> dict[str, Any]:
    """Change some of a document's values."""
    words, actor = current_words(), current_actor()
    body = words.parse_body(DocumentChange)
    arguments = {"data": body.data or {}, "permissions": body.permissions}
    step = Step("update", database_id, collection_id, document_id, arguments)
    return words.show_document(transactions.run(actor, body.transactionId, step)[0])


@both.route("DELETE", DOCUMENT)
@allow(*WRITE)
@limited(60, 60, LIMIT_KEY)
def delete_document(database_id: str, collection_id: str, document_id: str) -> Response:
    """Delete a document."""
    body = current_words().parse_body(InTransaction)
    step = Step("delete", database_id, collection_id, document_id)
    transactions.run(current_actor(), body.transactionId, step)
    return empty()


def answer_cached(found: cached.Bytes) -> Response:
    """A list's bytes as an answer, which nginx may keep if a visitor asked."""
    response = Response(found.body, mimetype="application/json")
    if not found.is_for_edge:
        return forbid_edge(response)
    ttl_ms = min(found.entry.ttl_ms, cached.EDGE_TTL_MS)
    return allow_edge(response, found.tags, found.entry.generation, ttl_ms)
