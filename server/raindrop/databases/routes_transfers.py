"""``/api/databases/PROJECT/DATABASE/COLLECTION``: import and export, for operators and keys."""

from typing import Any

from flask_openapi3 import APIBlueprint, Tag

from raindrop.core.access import Actor, check_access
from raindrop.core.credentials import key_or_admin
from raindrop.core.formats import IMPORT_LIMIT_BYTES
from raindrop.core.http import answers, body_of, file_body, only_file, parse_body
from raindrop.databases import transfers
from raindrop.databases.schemas_transfers import CollectionPath, ExportOptions, ImportQuery
from raindrop.jobs.schemas import JobAnswer, accept

READ, WRITE = ("rows.read", "documents.read"), ("rows.write", "documents.write")

tag = Tag(name="databases", description="Importing and exporting a collection's documents")
blueprint = APIBlueprint(
    "transfers",
    __name__,
    url_prefix="/api/databases/<string:project_id>/<string:database_id>/<string:collection_id>",
    abp_tags=[tag],
)


@blueprint.post(
    "/import",
    responses=answers(202, JobAnswer, 401, 403, 404, 413),
    openapi_extensions=file_body("file"),
)
def import_documents(
    path: CollectionPath, query: ImportQuery
) -> tuple[dict[str, Any], int, dict[str, str]]:
    """Import a CSV or JSON-lines file of up to 100 MB, as a job."""
    actor = _allowed(path, WRITE)
    file = only_file("file", IMPORT_LIMIT_BYTES)
    job = transfers.start_import(
        actor,
        path.database_id,
        path.collection_id,
        (file.filename or "", file.mimetype, file.stream),
        on_conflict=query.on_conflict,
        relationships=query.relationships,
    )
    return accept(job)


@blueprint.post(
    "/export",
    responses=answers(202, JobAnswer, 401, 403, 404, 415),
    openapi_extensions=body_of(ExportOptions, "application/json"),
)
def export_documents(path: CollectionPath) -> tuple[dict[str, Any], int, dict[str, str]]:
    """Write the documents, or those that fit filters, to a file, as a job."""
    actor, given = _allowed(path, READ), parse_body(ExportOptions)
    job = transfers.start_export(
        actor, path.database_id, path.collection_id, given.format, given.queries
    )
    return accept(job)


def _allowed(path: CollectionPath, scopes: tuple[str, ...]) -> Actor:
    """An operator of the project, or whoever has one of its keys, with one of the scopes."""
    actor = key_or_admin(path.project_id)
    check_access(actor, scopes, service="databases")
    return actor
