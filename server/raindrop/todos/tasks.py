"""Jobs and tasks of the to-do board."""

import csv
import io
import itertools
import json
from collections.abc import Iterator, Sequence
from typing import Any

import sqlalchemy as sa

from raindrop.core.db import db, unit_of_work, utc_now
from raindrop.core.records import BOM, CONTENT_TYPES, BadLine, guard_formula
from raindrop.core.tasks import task
from raindrop.jobs.files import add_file, append, delete_file, find_file, read_all
from raindrop.jobs.runner import JobFailed, Progress, RunningJob, job_handler
from raindrop.todos.imports import COLUMNS, NewLine, read_lines
from raindrop.todos.models import Todo
from raindrop.todos.service import create_todos, delete_for_good, dump_todo

IMPORT_BATCH = 200
RECORDS_MAX = 100_000
EXPORT_BATCH = 1000
DELETE_BATCH = 1000
REJECTIONS_SHOWN = 100


@job_handler("todos.import")
def import_todos(job: RunningJob) -> Iterator[Progress]:
    """Import a file in batches; the checkpoint says how many of its records are done with."""
    file = find_file(job.id, "input")
    if file is None:
        raise JobFailed("The file of this job is gone.")
    lines = read_lines(read_all(file), job.params["format"])
    records = list(itertools.islice(lines, RECORDS_MAX + 1))
    if len(records) > RECORDS_MAX:
        raise JobFailed(f"The file has more than {RECORDS_MAX:,} to-dos; split it.")
    state: dict[str, Any] = {"done": 0, "imported": 0, "rejected": 0, "rejections": []}
    state |= job.checkpoint
    yield Progress(state["done"], len(records), state)
    for start in range(state["done"], len(records), IMPORT_BATCH):
        state = _import_batch(records[start : start + IMPORT_BATCH], state)
        yield Progress(state["done"], len(records), state)
    job.result = {key: state[key] for key in ("imported", "rejected", "rejections")}
    job.log("info", f"{state['imported']} imported, {state['rejected']} rejected")
    delete_file(file)


def _import_batch(batch: Sequence[NewLine | BadLine], state: dict[str, Any]) -> dict[str, Any]:
    good = [record for record in batch if isinstance(record, NewLine)]
    bad = [record for record in batch if isinstance(record, BadLine)]
    now = utc_now()
    if good:
        create_todos(
            [
                Todo(
                    content=record.content,
                    created_at=now,
                    finished_at=now if record.is_finished else None,
                )
                for record in good
            ]
        )
    return {
        "done": state["done"] + len(batch),
        "imported": state["imported"] + len(good),
        "rejected": state["rejected"] + len(bad),
        "rejections": [*state["rejections"], *(record._asdict() for record in bad)][
            :REJECTIONS_SHOWN
        ],
    }


@job_handler("todos.export")
def export_todos(job: RunningJob) -> Iterator[Progress]:
    """Write the board to a file, oldest first, so that importing it keeps the order; the checkpoint
    is the newest id written."""
    file_format = job.params["format"]
    file = find_file(job.id, "output")
    if file is None:
        header = io.BytesIO(_csv_header() if file_format == "csv" else b"")
        name = f"todos.{file_format}"
        file = add_file(job.id, "output", name, CONTENT_TYPES[file_format], header)
    on_board = Todo.deleted_at.is_(None)
    total = db.session.scalar(sa.select(sa.func.count()).where(on_board)) or 0
    done, after = job.checkpoint.get("done", 0), job.checkpoint.get("after", 0)
    while True:
        query = sa.select(Todo).where(on_board, Todo.id > after).order_by(Todo.id)
        todos = db.session.scalars(query.limit(EXPORT_BATCH)).all()
        if not todos:
            break
        append(file, _dump_lines(todos, file_format))
        done, after = done + len(todos), todos[-1].id
        yield Progress(done, max(total, done), {"done": done, "after": after})
    job.result = {"exported": done}
    job.log("info", f"{done} exported")


def _csv_header() -> bytes:
    return BOM + (",".join(COLUMNS) + "\r\n").encode()


def _dump_lines(todos: Sequence[Todo], file_format: str) -> bytes:
    if file_format == "jsonl":
        lines = (json.dumps(dump_todo(todo), ensure_ascii=False) + "\n" for todo in todos)
        return "".join(lines).encode()
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    for todo in todos:
        fields = dump_todo(todo) | {
            "content": guard_formula(todo.content),
            "is_finished": str(todo.finished_at is not None).lower(),
        }
        writer.writerow([fields[column] for column in COLUMNS])
    return text.getvalue().encode()


@task("todos.delete_for_good", is_stepped=True)
def delete_todos_for_good() -> None:
    """Delete what can no longer be restored, in small transactions."""
    while True:
        with unit_of_work():
            deleted = delete_for_good(DELETE_BATCH)
        if deleted < DELETE_BATCH:
            return
