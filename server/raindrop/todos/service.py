"""Rules of the to-do board."""

import datetime
import json
import random
from collections.abc import Sequence
from typing import IO, Any, NamedTuple

import sqlalchemy as sa

from raindrop.core.cache import Entry, HotEntry, get_cache
from raindrop.core.db import db, utc_now
from raindrop.core.errors import BadRequest, NotFound, PayloadTooLarge
from raindrop.core.events import publish
from raindrop.core.formats import FILE_LIMIT_BYTES
from raindrop.core.records import CONTENT_TYPES, format_of
from raindrop.jobs.models import Job
from raindrop.jobs.service import Upload, create_job
from raindrop.todos.models import COUNT_SLOTS, ID_MAX, Todo, TodoCount

PAGE_SIZE = 10
HOT_PAGES = 10
"""So many first pages of the board are cached, in Redis and in nginx."""

BOARD_TTL_MS = 600
"""Short, because it also bounds how long a page is wrong when a process dies between a commit
and its invalidation; nginx adds at most 0.3 s (``GRACE`` in ``etc/nginx/lua/edge.lua``)."""

ITEM_TTL_MS = 600
RESTORE_WITHIN = datetime.timedelta(hours=1)
BOARD_TAG = "todos"

_todos, _counts = Todo.metadata.tables["todos"], Todo.metadata.tables["todo_counts"]

# Built once: building a statement costs as much as running it.
_INSERT = _todos.insert()
_COUNT = (
    _counts.update()
    .where(_counts.c.slot == sa.bindparam("in_slot"))
    .values(total=_counts.c.total + sa.bindparam("difference"))
)


class NewTodo(NamedTuple):
    """A to-do that was just put on the board."""

    id: int
    content: str
    created_at: datetime.datetime
    finished_at: None = None


class TodoNotFound(NotFound):
    """No to-do with this id on the board."""

    type = "todo_not_found"
    message = "This to-do is not on the board; somebody may have deleted it."


def hot_board() -> HotEntry:
    """The board's first page, which most visitors read."""
    return HotEntry(
        name=_page_name(0),
        tag=BOARD_TAG,
        ttl_ms=BOARD_TTL_MS,
        load=lambda: load_page(0),
        paths=("/api/todo", "/api/todo?start=0"),
    )


def get_page(start: int) -> Entry:
    """The answer's bytes for the ten to-dos from the ``start``-th newest on."""
    if start % PAGE_SIZE or start >= HOT_PAGES * PAGE_SIZE:
        return Entry(load_page(start))
    return get_cache().get_or_load(
        _page_name(start),
        tags=[BOARD_TAG],
        ttl_ms=BOARD_TTL_MS,
        load=lambda: load_page(start),
        is_hot=start == 0,
    )


def load_page(start: int) -> bytes:
    """The same, from the database, in one query unless the page is empty."""
    return _dump_page(_page_query().offset(start))


def get_older(before: int) -> bytes:
    """The answer's bytes for the ten to-dos that are older than an id; as fast at any depth."""
    # MariaDB would otherwise take the index for its equality alone and walk from the newest.
    query = _page_query().with_hint(Todo, "FORCE INDEX (ix_todos_deleted_at_id)", "mysql")
    return _dump_page(query.where(Todo.id < before))


def get_item(todo_id: int) -> bytes:
    """The answer's bytes for one to-do.

    Raises:
        TodoNotFound
    """
    if todo_id > ID_MAX:
        raise TodoNotFound
    entry = get_cache().get_or_load(
        f"todo:{todo_id}",
        tags=[_item_tag(todo_id)],
        ttl_ms=ITEM_TTL_MS,
        load=lambda: _load_item(todo_id),
    )
    if entry.body is None:
        raise TodoNotFound
    return entry.body


def create_todo(content: str) -> NewTodo:
    """Put a to-do on the board."""
    # A plain statement: the ORM's own would double the cost of the most frequent write.
    now = utc_now()
    inserted: Any = db.session.execute(_INSERT, {"content": content, "created_at": now})
    todo = NewTodo(inserted.inserted_primary_key[0], content, now)
    _count(1)
    _changed("create", todo.id)
    return todo


def create_todos(todos: Sequence[Todo]) -> Sequence[Todo]:
    """Put several to-dos on the board, in this order."""
    db.session.add_all(todos)
    db.session.flush()  # the answer and the cache's tags need the ids
    _count(len(todos))
    _changed("create", *(todo.id for todo in todos))
    return todos


def finish_todo(todo_id: int) -> Todo:
    """Mark a to-do as finished; it keeps its time if it already was.

    Raises:
        TodoNotFound
    """
    todo = _get_for_update(todo_id)
    todo.finished_at = todo.finished_at or utc_now()
    _changed("update", todo_id)
    return todo


def reopen_todo(todo_id: int) -> Todo:
    """Take the mark back.

    Raises:
        TodoNotFound
    """
    todo = _get_for_update(todo_id)
    todo.finished_at = None
    _changed("update", todo_id)
    return todo


def delete_todo(todo_id: int) -> Todo:
    """Take a to-do off the board; ``restore_todo`` undoes it for an hour.

    Raises:
        TodoNotFound
    """
    todo = _get_for_update(todo_id)
    todo.deleted_at = utc_now()
    _count(-1)
    _changed("delete", todo_id)
    return todo


def restore_todo(todo_id: int) -> Todo:
    """Put a deleted to-do back to its place.

    Raises:
        TodoNotFound: it was not deleted, or too long ago.
    """
    todo = _find_for_update(todo_id)
    if todo is None or todo.deleted_at is None or todo.deleted_at < utc_now() - RESTORE_WITHIN:
        raise TodoNotFound("This to-do cannot be restored; the hour for it may be over.")
    todo.deleted_at = None
    _count(1)
    _changed("update", todo_id)
    return todo


def delete_for_good(limit: int) -> int:
    """Delete up to ``limit`` rows that can no longer be restored; how many."""
    is_over = Todo.deleted_at < utc_now() - RESTORE_WITHIN
    ids = list(db.session.scalars(sa.select(Todo.id).where(is_over).limit(limit)))
    # Asked again: it may have been restored in between.
    db.session.execute(sa.delete(Todo).where(Todo.id.in_(ids), is_over))
    return len(ids)


def start_import(name: str, content_type: str, stream: IO[bytes]) -> Job:
    """Accept a file of to-dos; a job imports it.

    Raises:
        BadRequest: the file is empty or of another kind.
        PayloadTooLarge: it is over the limit.
    """
    size_bytes = stream.seek(0, 2)
    stream.seek(0)
    if size_bytes > FILE_LIMIT_BYTES:
        raise PayloadTooLarge(f"The file is over the limit of {FILE_LIMIT_BYTES >> 20} MB.")
    if size_bytes == 0:
        raise BadRequest("The file is empty.")
    file_format = format_of(name, content_type)
    return create_job(
        "todos.import",
        queue="imports",
        params={"format": file_format},
        upload=Upload(name or f"todos.{file_format}", CONTENT_TYPES[file_format], stream),
    )


def start_export(file_format: str) -> Job:
    """Have a job write the whole board to a file."""
    return create_job("todos.export", queue="exports", params={"format": file_format})


def dump_todo(todo: Any) -> dict[str, Any]:
    """A to-do, or a row of its columns, as the API has it: times in Unix seconds."""
    return {
        "id": todo.id,
        "content": todo.content,
        "created_at": todo.created_at.timestamp(),
        "is_finished": todo.finished_at is not None,
        "finished_at": todo.finished_at and todo.finished_at.timestamp(),
    }


def _page_name(start: int) -> str:
    return f"todos:{start}"


def _item_tag(todo_id: int) -> str:
    return f"todo:{todo_id}"


def _total() -> sa.ScalarSelect[int]:
    return sa.select(sa.func.sum(TodoCount.total)).scalar_subquery()


def _page_query() -> "sa.Select[*tuple[Any, ...]]":
    return (
        sa.select(Todo.id, Todo.content, Todo.created_at, Todo.finished_at, _total().label("total"))
        .where(Todo.deleted_at.is_(None))
        .order_by(Todo.id.desc())
        .limit(PAGE_SIZE)
    )


def _dump_page(query: "sa.Select[*tuple[Any, ...]]") -> bytes:
    rows = db.session.execute(query).all()
    total = rows[0].total if rows else db.session.scalar(sa.select(_total()))
    page = {"data": [dump_todo(row) for row in rows], "total": int(total or 0)}
    return _to_json(page)


def _load_item(todo_id: int) -> bytes | None:
    todo = db.session.scalar(sa.select(Todo).where(Todo.id == todo_id, Todo.deleted_at.is_(None)))
    return None if todo is None else _to_json(dump_todo(todo))


def _to_json(value: dict[str, Any]) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def _find_for_update(todo_id: int) -> Todo | None:
    return None if todo_id > ID_MAX else db.session.get(Todo, todo_id, with_for_update=True)


def _get_for_update(todo_id: int) -> Todo:
    todo = _find_for_update(todo_id)
    if todo is None or todo.deleted_at is not None:
        raise TodoNotFound
    return todo


def _count(difference: int) -> None:
    """Late in each transaction: a slot stays locked until the commit."""
    slot = random.randrange(COUNT_SLOTS)
    db.session.execute(_COUNT, {"in_slot": slot, "difference": difference})


def _changed(action: str, *todo_ids: int) -> None:
    """Drop what is cached, and leave the events ``todos.ID.<action>``."""
    # Pages live too short for a second invalidation after a crash.
    get_cache().invalidate(BOARD_TAG, *map(_item_tag, todo_ids), is_repeated=False)
    for todo_id in todo_ids:
        publish(f"todos.{todo_id}.{action}", resource=f"todo/{todo_id}", payload={"id": todo_id})
