"""``/v1/databases`` and ``/v1/tablesdb``: collections."""

from typing import Any

from flask import Response

from raindrop.core.access import allow
from raindrop.core.credentials import current_actor
from raindrop.core.v1 import ListArguments, empty, parse_query
from raindrop.databases import collections, deletion
from raindrop.databases.schema import Schema
from raindrop.databases.schemas import CollectionChange, NewCollection
from raindrop.databases.vocabulary import BothWords, current_words

READ, WRITE = ("tables.read", "collections.read"), ("tables.write", "collections.write")

both = BothWords("collections")


@both.route("GET", "/<database_id>/{collections}")
@allow(*READ)
def list_collections(database_id: str) -> dict[str, Any]:
    """The collections of a database."""
    given = parse_query(ListArguments)
    found, total = collections.list_collections(
        current_actor(), database_id, given.queries, given.search, is_counted=given.total
    )
    return {"total": total, current_words().collections: [show(schema) for schema in found]}


@both.route("POST", "/<database_id>/{collections}")
@allow(*WRITE)
def create_collection(database_id: str) -> tuple[dict[str, Any], int]:
    """Make a collection."""
    body = current_words().parse_body(NewCollection)
    made = collections.create_collection(
        current_actor(),
        database_id,
        body.collectionId,
        body.name,
        permissions=body.permissions,
        has_document_security=body.documentSecurity,
        is_enabled=body.enabled,
    )
    return show(made), 201


@both.route("GET", "/<database_id>/{collections}/<collection_id>")
@allow(*READ)
def get_collection(database_id: str, collection_id: str) -> dict[str, Any]:
    """One collection."""
    return show(collections.get_schema(current_actor().tenant, database_id, collection_id))


@both.route("PUT", "/<database_id>/{collections}/<collection_id>")
@allow(*WRITE)
def update_collection(database_id: str, collection_id: str) -> dict[str, Any]:
    """Change a collection."""
    body = current_words().parse_body(CollectionChange)
    changed = collections.update_collection(
        current_actor(),
        database_id,
        collection_id,
        body.name,
        permissions=body.permissions,
        has_document_security=body.documentSecurity,
        is_enabled=body.enabled,
    )
    return show(changed)


@both.route("DELETE", "/<database_id>/{collections}/<collection_id>")
@allow(*WRITE)
def delete_collection(database_id: str, collection_id: str) -> Response:
    """Delete a collection with its documents."""
    deletion.delete_collection(current_actor(), database_id, collection_id)
    return empty()


def show(schema: Schema) -> dict[str, Any]:
    """A collection in the words of the request."""
    words, shown = current_words(), collections.dump_collection(schema)
    shown["attributes"] = [words.outward(attribute) for attribute in shown["attributes"]]
    shown["indexes"] = [words.outward(index) for index in shown["indexes"]]
    return words.outward(shown)
