"""Reading a file of documents into a collection, in batches.

A batch and the place in the file up to which it reaches are one transaction, so that a worker that
is killed leaves nothing that is imported twice or not at all.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from raindrop.core.records import BadLine
from raindrop.databases.drafting import RawRecord, Records, draft
from raindrop.databases.links import Draft
from raindrop.databases.schema import Schema
from raindrop.databases.storing import store
from raindrop.databases.transfers import open_job
from raindrop.jobs.files import delete_file, find_file, read_from
from raindrop.jobs.runner import JobFailed, Progress, RunningJob

BATCH, BATCH_BYTES = 500, 1024 * 1024
"""So many documents, or about so many bytes of the file, are imported at once."""

REJECTIONS_SHOWN = 100
COUNTS = ("imported", "overwritten", "skipped", "rejected")


def import_documents(job: RunningJob) -> Iterator[Progress]:
    """Import the job's file; progress is in bytes of it, the checkpoint the place in it."""
    file = find_file(job.id, "input")
    if file is None:
        raise JobFailed("The file of this job is gone.")
    total = file.size_bytes
    state: dict[str, Any] = dict.fromkeys(COUNTS, 0) | {"offset": 0, "line": 1, "columns": None}
    state |= {"rejections": []} | job.checkpoint
    yield Progress(state["offset"], total, state)
    records = Records(
        read_from(file.id, state["offset"]),
        job.params["format"],
        offset=state["offset"],
        line=state["line"],
        columns=state["columns"],
    )
    for batch in _batches(records):
        state = _import_batch(job, state, batch)
        state |= {"offset": batch.offset, "line": batch.line, "columns": records.columns}
        yield Progress(min(batch.offset, total), total, state)
    yield Progress(total, total, state)  # lines behind the last record are blank
    job.result = {key: state[key] for key in (*COUNTS, "rejections")}
    job.log("info", ", ".join(f"{state[key]} {key}" for key in COUNTS))
    delete_file(file)


@dataclass
class _Batch:
    """Records, and where the file goes on behind them."""

    records: list[RawRecord | BadLine] = field(default_factory=list)
    offset: int = 0
    line: int = 1


def _batches(records: Records) -> Iterator[_Batch]:
    batch, begun = _Batch(), records.offset
    for record in records:
        batch.records.append(record)
        batch.offset, batch.line = records.offset, records.line
        if len(batch.records) >= BATCH or batch.offset - begun >= BATCH_BYTES:
            yield batch
            batch, begun = _Batch(), records.offset
    if batch.records:
        yield batch


def _import_batch(job: RunningJob, state: dict[str, Any], batch: _Batch) -> dict[str, Any]:
    actor, schema = open_job(job.params)
    bad, drafts = _sort(schema, batch.records)
    if job.params.get("relationships") == "skip":
        drafts = [replace(each, links={}) for each in drafts]
    overwrites = job.params["on_conflict"] == "overwrite"
    stored = store(actor, schema, drafts, overwrites=overwrites)
    bad = sorted([*bad, *stored.bad])
    rejections = [*state["rejections"], *map(_rejection, bad)]
    return {
        "imported": state["imported"] + len(stored.created),
        "overwritten": state["overwritten"] + len(stored.overwritten),
        "skipped": state["skipped"] + stored.skipped,
        "rejected": state["rejected"] + len(bad),
        "rejections": rejections[:REJECTIONS_SHOWN],
    }


def _rejection(bad: BadLine) -> dict[str, Any]:
    """What is told of a line. It may quote what no database keeps as JSON: half of a pair."""
    message = bad.message.encode("utf-8", "replace").decode().replace("\0", "?")
    return bad._replace(message=message)._asdict()


def _sort(
    schema: Schema, records: Sequence[RawRecord | BadLine]
) -> tuple[list[BadLine], list[Draft]]:
    bad: list[BadLine] = []
    drafts: list[Draft] = []
    for record in records:
        made = record if isinstance(record, BadLine) else draft(schema, record)
        if isinstance(made, BadLine):
            bad.append(made)
        else:
            drafts.append(made)
    return bad, drafts
