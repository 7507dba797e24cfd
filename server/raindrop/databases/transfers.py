"""Imports and exports of a collection, as jobs: what is checked before one begins, and what both
directions know of a file's columns."""

from collections.abc import Mapping, Sequence
from typing import IO, Any

from raindrop.core.access import Actor, system
from raindrop.core.errors import BadRequest, PayloadTooLarge
from raindrop.core.formats import IMPORT_LIMIT_BYTES
from raindrop.core.queries import QueryInvalid, parse_queries
from raindrop.core.records import CONTENT_TYPES, FORMULA_STARTS, format_of
from raindrop.core.tenancy import tenant_by_id
from raindrop.databases.documents import open_schema
from raindrop.databases.filters import GRAMMAR, Condition
from raindrop.databases.lists import conditions
from raindrop.databases.schema import Attribute, Schema
from raindrop.databases.schema_store import find_schema
from raindrop.databases.tables import has_many
from raindrop.jobs.models import Job
from raindrop.jobs.runner import JobFailed
from raindrop.jobs.service import Upload, create_job

SYSTEM_COLUMNS = ("$id", "$permissions", "$createdAt", "$updatedAt")
"""What a file has of a document besides its values."""

PASSED_OVER = frozenset(
    {"$sequence", "$databaseId", "$collectionId", "$tableId", "$collection", "$database"}
)
"""What answers show of a document and an import does not set."""

EMPTY = '""'
"""The CSV cell of a text of no characters; an empty cell is null."""


def start_import(
    actor: Actor,
    database: str,
    collection: str,
    upload: tuple[str, str, IO[bytes]],
    *,
    on_conflict: str,
    relationships: str,
) -> Job:
    """Accept a file of documents; a job imports it.

    Args:
        upload: the file's name, content type and bytes.
        on_conflict: ``skip`` or ``overwrite`` documents whose id is there already.
        relationships: ``link`` documents to those that the file names, or ``skip`` these.

    Raises:
        DatabaseNotFound, CollectionNotFound
        BadRequest: the file is empty or of another kind.
        PayloadTooLarge: it is over the limit.
    """
    schema = open_schema(actor, database, collection)
    name, content_type, stream = upload
    size_bytes = stream.seek(0, 2)
    stream.seek(0)
    if size_bytes > IMPORT_LIMIT_BYTES:
        raise PayloadTooLarge(f"The file is over the limit of {IMPORT_LIMIT_BYTES >> 20} MB.")
    if size_bytes == 0:
        raise BadRequest("The file is empty.")
    file_format = format_of(name, content_type)
    return create_job(
        "databases.import",
        queue="imports",
        params=_params(actor, schema, file_format)
        | {"on_conflict": on_conflict, "relationships": relationships},
        upload=Upload(name or f"documents.{file_format}", CONTENT_TYPES[file_format], stream),
    )


def start_export(
    actor: Actor, database: str, collection: str, file_format: str, queries: Sequence[str]
) -> Job:
    """Have a job write the documents that fit filters to a file.

    Raises:
        DatabaseNotFound, CollectionNotFound
        QueryInvalid: a query is none, or is no filter.
    """
    schema = open_schema(actor, database, collection)
    read_filters(actor, schema, queries)
    params = _params(actor, schema, file_format) | {"queries": list(queries)}
    return create_job("databases.export", queue="exports", params=params)


def read_filters(actor: Actor, schema: Schema, queries: Sequence[str]) -> list[Condition]:
    """The filters of an export as SQL.

    Raises:
        QueryInvalid: a query is none, or is no filter.
    """
    page = parse_queries(queries, GRAMMAR)
    if len(page.filters) != len(queries):
        raise QueryInvalid("An export takes filters only; it is in the order of $sequence.")
    return conditions(actor, schema, page)


def open_job(params: Mapping[str, Any]) -> tuple[Actor, Schema]:
    """Who works for a job, and the collection that it is about, as it is by now.

    Raises:
        DatabaseNotFound, CollectionNotFound
        JobFailed: another one has its id by now, or the project is gone.
    """
    tenant = tenant_by_id(params["project"])
    if tenant is None:
        raise JobFailed("The project is gone.")
    schema = find_schema(tenant, params["database"], params["collection"])
    if schema.id != params["number"]:
        raise JobFailed("The collection was deleted; another has its id by now.")
    if not schema.has_table:
        raise JobFailed("The collection is still being made.")
    return system(tenant), schema


def columns_of(schema: Schema) -> tuple[str, ...]:
    """The columns of a CSV file, in order."""
    return (*SYSTEM_COLUMNS, *schema.available)


def is_json(attribute: Attribute) -> bool:
    """Whether a CSV cell has the attribute's values as JSON."""
    relation = attribute.relation
    if relation is not None:
        return has_many(relation.type, relation.side)
    return attribute.is_array or attribute.type in ("point", "linestring", "polygon")


def guard_text(text: str) -> str:
    """The CSV cell of a text; :func:`unguard_text` reads it."""
    if not text:
        return EMPTY
    return f"'{text}" if text.startswith(FORMULA_STARTS) or text == EMPTY else text


def unguard_text(cell: str) -> str:
    """The text of a CSV cell."""
    if cell == EMPTY:
        return ""
    is_guarded = cell.startswith("'") and (cell[1:].startswith(FORMULA_STARTS) or cell[1:] == EMPTY)
    return cell[1:] if is_guarded else cell


def _params(actor: Actor, schema: Schema, file_format: str) -> dict[str, Any]:
    return {
        "project": actor.tenant.id,
        "database": schema.database,
        "collection": schema.public_id,
        "number": schema.id,
        "format": file_format,
    }
