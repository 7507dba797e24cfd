"""The contract's logs of databases, collections and documents, in both sets of words."""

import datetime
from typing import Any

from raindrop.audits import service
from raindrop.audits.schemas import LogArguments, dump_log
from raindrop.core.access import Actor, Unauthorized, allow
from raindrop.core.credentials import current_actor
from raindrop.core.v1 import parse_query, show_list
from raindrop.databases.documents import open_schema, readable_row
from raindrop.databases.service import find_collection, get_database
from raindrop.databases.vocabulary import DATABASES, BothWords

COLLECTION = "/<database_id>/{collections}/<collection_id>"

both = BothWords("logs")


@both.route("GET", "/<database_id>/logs", only=DATABASES)
@allow("databases.read")
def list_database_logs(database_id: str) -> dict[str, Any]:
    """What happened to a database."""
    actor = current_actor()
    database = get_database(actor.tenant, database_id)
    return _logs(actor, f"database/{database_id}", database.created_at)


@both.route("GET", f"{COLLECTION}/logs")
@allow("tables.read", "collections.read")
def list_collection_logs(database_id: str, collection_id: str) -> dict[str, Any]:
    """What happened to a collection, its attributes and indexes."""
    actor = current_actor()
    collection = find_collection(actor.tenant, database_id, collection_id)
    resource = f"database/{database_id}/collection/{collection_id}"
    return _logs(actor, resource, collection.created_at)


@both.route("GET", COLLECTION + "/{documents}/<document_id>/logs")
@allow("rows.read", "documents.read")
def list_document_logs(database_id: str, collection_id: str, document_id: str) -> dict[str, Any]:
    """What happened to a document; it tells of people, so it is not for everybody who may read
    the document."""
    actor = current_actor()
    if not actor.is_privileged:
        raise Unauthorized("Logs are for keys and administrators.")
    schema = open_schema(actor, database_id, collection_id)
    row = readable_row(actor, schema, document_id)
    where = f"database/{database_id}/collection/{collection_id}"
    return _logs(actor, f"{where}/document/{document_id}", row["_created"])


def _logs(actor: Actor, resource: str, since: datetime.datetime) -> dict[str, Any]:
    given = parse_query(LogArguments)
    which = (actor.tenant, resource, since)
    found = service.list_by_resource(*which, given.queries)
    total = service.count_by_resource(*which) if given.total else 0
    return show_list("logs", found, total, dump_log)
