"""``/v1/databases`` and ``/v1/tablesdb``: documents."""

from typing import Any

from flask import Response

from raindrop.core.access import allow
from raindrop.core.credentials import current_actor
from raindrop.core.edge import allow_edge, asked_by_edge, forbid_edge
from raindrop.core.v1 import ListArguments, empty, limited, parse_query
from raindrop.databases import cached, documents
from raindrop.databases.schemas import DocumentChange, NewDocument
from raindrop.databases.vocabulary import BothWords, current_words

READ, WRITE = ("rows.read", "documents.read"), ("rows.write", "documents.write")
LIMIT_KEY = "ip:{ip},method:{method},url:{url},userId:{userId}"
DOCUMENTS = "/<database_id>/{collections}/<collection_id>/{documents}"
DOCUMENT = f"{DOCUMENTS}/<document_id>"

both = BothWords("documents")


@both.route("GET", DOCUMENTS)
@allow(*READ)
def list_documents(database_id: str, collection_id: str) -> Response:
    """Documents of a collection."""
    given, actor, words = parse_query(ListArguments), current_actor(), current_words()
    schema = documents.open_schema(actor, database_id, collection_id)
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
    schema = documents.open_schema(actor, database_id, collection_id)
    made = documents.create_document(actor, schema, body.documentId, body.data, body.permissions)
    return words.show_document(made), 201


@both.route("GET", DOCUMENT)
@allow(*READ)
def get_document(database_id: str, collection_id: str, document_id: str) -> dict[str, Any]:
    """One document."""
    actor = current_actor()
    schema = documents.open_schema(actor, database_id, collection_id)
    return current_words().show_document(documents.get_document(actor, schema, document_id))


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
    schema = documents.open_schema(actor, database_id, collection_id)
    documents.delete_document(actor, schema, document_id)
    return empty()


def answer_cached(found: cached.Bytes) -> Response:
    """A list's bytes as an answer, which nginx may keep if a visitor asked."""
    response = Response(found.body, mimetype="application/json")
    if not found.is_for_edge:
        return forbid_edge(response)
    ttl_ms = min(found.entry.ttl_ms, cached.EDGE_TTL_MS)
    return allow_edge(response, found.tags, found.entry.generation, ttl_ms)
