"""``/v1/databases`` and ``/v1/tablesdb``: indexes."""

from typing import Any

from flask import Response

from raindrop.core.access import allow
from raindrop.core.credentials import current_actor
from raindrop.core.v1 import ListArguments, empty, parse_query
from raindrop.databases import indexes
from raindrop.databases.schema import Index
from raindrop.databases.schemas_attributes import NewIndex
from raindrop.databases.vocabulary import BothWords, current_words

READ, WRITE = ("tables.read", "collections.read"), ("tables.write", "collections.write")
INDEXES = "/<database_id>/{collections}/<collection_id>/indexes"

both = BothWords("indexes")


@both.route("GET", INDEXES)
@allow(*READ)
def list_indexes(database_id: str, collection_id: str) -> dict[str, Any]:
    """The indexes of a collection."""
    given = parse_query(ListArguments)
    found, total = indexes.list_indexes(
        current_actor(), database_id, collection_id, given.queries, is_counted=given.total
    )
    return {"total": total, "indexes": [show(index) for index in found]}


@both.route("POST", INDEXES)
@allow(*WRITE)
def create_index(database_id: str, collection_id: str) -> tuple[dict[str, Any], int]:
    """Make an index."""
    body = current_words().parse_body(NewIndex)
    made = indexes.create_index(
        current_actor(), database_id, collection_id, indexes.IndexDraft(**body.model_dump())
    )
    return show(made), 202


@both.route("GET", f"{INDEXES}/<key>")
@allow(*READ)
def get_index(database_id: str, collection_id: str, key: str) -> dict[str, Any]:
    """One index."""
    return show(indexes.get_index(current_actor().tenant, database_id, collection_id, key))


@both.route("DELETE", f"{INDEXES}/<key>")
@allow(*WRITE)
def delete_index(database_id: str, collection_id: str, key: str) -> Response:
    """Delete an index."""
    indexes.delete_index(current_actor(), database_id, collection_id, key)
    return empty()


def show(index: Index) -> dict[str, Any]:
    """An index in the words of the request."""
    return current_words().outward(indexes.dump_index(index))
