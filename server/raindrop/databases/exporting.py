"""Writing a collection to a file, in batches by ``$sequence``."""

import csv
import io
import json
from collections.abc import Iterator, Sequence
from typing import Any

import sqlalchemy as sa

from raindrop.core.db import db
from raindrop.core.records import BOM, CONTENT_TYPES
from raindrop.databases import loading
from raindrop.databases.filters import Condition
from raindrop.databases.rows import show_row
from raindrop.databases.schema import Attribute, Schema
from raindrop.databases.tables import rows_of
from raindrop.databases.transfers import (
    SYSTEM_COLUMNS,
    columns_of,
    guard_text,
    is_json,
    open_job,
    read_filters,
)
from raindrop.jobs.files import add_file, append, find_file
from raindrop.jobs.models import JobFile
from raindrop.jobs.runner import Progress, RunningJob

BATCH_FIRST, BATCH_MAX = 20, 1000
BATCH_BYTES = 2 * 1024 * 1024
"""About so much is written at once, however long the documents are."""


def export_documents(job: RunningJob) -> Iterator[Progress]:
    """Write the documents to the job's file; the checkpoint is the newest ``$sequence`` written,
    and the columns, which stay as they were when it began."""
    actor, schema = open_job(job.params)
    file_format, queries = job.params["format"], job.params["queries"]
    columns: list[str] = job.checkpoint.get("columns") or list(columns_of(schema))
    file = find_file(job.id, "output") or _new_file(job, columns)
    table = rows_of(schema)
    count = sa.select(sa.func.count()).select_from(table)
    total = db.session.scalar(count.where(*read_filters(actor, schema, queries))) or 0
    done, after = job.checkpoint.get("done", 0), job.checkpoint.get("after", 0)
    size = BATCH_FIRST
    yield Progress(done, max(total, done), {"done": done, "after": after, "columns": columns})
    while True:
        actor, schema = open_job(job.params)
        rows = _batch(schema, read_filters(actor, schema, queries), after, size)
        if not rows:
            break
        loading.load_ids(actor, schema, rows, columns)
        written = _dump(schema, columns, rows, file_format)
        append(file, written)
        done, after = done + len(rows), rows[-1]["$sequence"]
        size = max(1, min(BATCH_MAX, size * 4, BATCH_BYTES * len(rows) // max(1, len(written))))
        yield Progress(done, max(total, done), {"done": done, "after": after, "columns": columns})
    job.result = {"exported": done}
    job.log("info", f"{done} exported")


def _new_file(job: RunningJob, columns: Sequence[str]) -> JobFile:
    file_format = job.params["format"]
    header = BOM + _csv_lines([columns]) if file_format == "csv" else b""
    name = f"{job.params['collection']}.{file_format}"
    return add_file(job.id, "output", name, CONTENT_TYPES[file_format], io.BytesIO(header))


def _batch(
    schema: Schema, filters: Sequence[Condition], after: int, size: int
) -> list[dict[str, Any]]:
    table = rows_of(schema)
    query = sa.select(table).where(*filters, table.c["_id"] > after)
    found = db.session.execute(query.order_by(table.c["_id"]).limit(size)).mappings()
    return [show_row(schema, row) for row in found]


def _dump(
    schema: Schema, columns: Sequence[str], rows: Sequence[dict[str, Any]], file_format: str
) -> bytes:
    if file_format == "csv":
        return _csv_lines([[_cell(schema, name, row) for name in columns] for row in rows])
    picked = ({name: row[name] for name in columns if name in row} for row in rows)
    return "".join(json.dumps(each, ensure_ascii=False) + "\n" for each in picked).encode()


def _csv_lines(rows: Sequence[Sequence[str]]) -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text).writerows(rows)
    return text.getvalue().encode()


def _cell(schema: Schema, name: str, row: dict[str, Any]) -> str:
    value = row.get(name)
    if value is None:
        return ""
    if name in SYSTEM_COLUMNS:
        return json.dumps(value) if name == "$permissions" else str(value)
    attribute: Attribute = schema.available[name]
    if is_json(attribute):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, bool):
        return str(value).lower()
    return guard_text(value) if isinstance(value, str) else repr(value)
