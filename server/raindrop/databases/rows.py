"""The rows of collections in their tables: writing, reading, showing. It knows no actors.

A row here is a mapping of the table's columns by name.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from raindrop.core.db import db
from raindrop.core.formats import show_time
from raindrop.databases import terms
from raindrop.databases.errors import DocumentAlreadyExists
from raindrop.databases.schema import Schema
from raindrop.databases.tables import ACTIONS, permissions_of, rows_of
from raindrop.databases.values import shower

Row = Mapping[Any, Any]


def insert_rows(schema: Schema, rows: Sequence[dict[str, Any]]) -> None:
    """Insert rows with their permissions.

    Args:
        rows: of the same columns each; ``_id`` is set in them.

    Raises:
        DocumentAlreadyExists: an id or a unique value is another's; nothing is inserted.
    """
    table = rows_of(schema)
    if terms.written(schema):
        for row in rows:
            row.update(terms.of_row(schema, row))
    try:
        if len(rows) == 1:
            made = db.session.execute(schema.derive(_insertion), rows[0])
            rows[0]["_id"] = made.inserted_primary_key[0]  # type: ignore[attr-defined]
        else:
            db.session.execute(schema.derive(_insertion), rows)
            _number(table, rows)
    except IntegrityError:
        raise DocumentAlreadyExists from None
    insert_permissions(schema, rows)


def _insertion(schema: Schema) -> sa.Insert:
    return sa.insert(rows_of(schema))


def _number(table: sa.Table, rows: Sequence[dict[str, Any]]) -> None:
    """Set ``_id`` of rows that were inserted by one statement."""
    query = sa.select(table.c["_uid"], table.c["_id"])
    numbers = dict(
        db.session.execute(query.where(table.c["_uid"].in_([row["_uid"] for row in rows]))).all()
    )
    for row in rows:
        row["_id"] = numbers[row["_uid"]]


def insert_permissions(schema: Schema, rows: Iterable[Row]) -> None:
    """Enter the rows' permissions into the table by which they are found."""
    entries = [
        {"action": ACTIONS[action], "role": role, "created": row["_created"], "row_id": row["_id"]}
        for row in rows
        for action, role in map(split_permission, row["_permissions"])
    ]
    if entries:
        db.session.execute(sa.insert(permissions_of(schema.id)), entries)


def split_permission(permission: str) -> tuple[str, str]:
    """Action and role of a permission string in its plain form."""
    action, _, rest = permission.partition('("')
    return action, rest[:-2]


def update_row(schema: Schema, row: Row, values: Mapping[str, Any]) -> None:
    """Change columns of a row; with ``_permissions`` or ``_created`` among them also the table
    by which permissions are found.

    Raises:
        DocumentAlreadyExists: a unique value is another's.
    """
    table = rows_of(schema)
    if terms.written(schema):
        values = {**values, **terms.of_row(schema, {**row, **values})}
    try:
        db.session.execute(sa.update(table).where(table.c["_id"] == row["_id"]), dict(values))
    except IntegrityError:
        raise DocumentAlreadyExists from None
    if "_permissions" in values or "_created" in values:
        permissions = permissions_of(schema.id)
        db.session.execute(sa.delete(permissions).where(permissions.c.row_id == row["_id"]))
        insert_permissions(schema, [{**row, **values}])


def update_rows(schema: Schema, rows: Sequence[Row], values: Mapping[str, Any]) -> None:
    """Give several rows the same values, by one statement where no row has any of its own.

    Raises:
        DocumentAlreadyExists: a unique value is another's.
    """
    if terms.written(schema) or "_permissions" in values or "_created" in values:
        for row in rows:
            update_row(schema, row, values)
        return
    table = rows_of(schema)
    numbers = [row["_id"] for row in rows]
    try:
        db.session.execute(sa.update(table).where(table.c["_id"].in_(numbers)).values(**values))
    except IntegrityError:
        raise DocumentAlreadyExists from None


def delete_rows(schema: Schema, numbers: Sequence[int]) -> None:
    """Delete rows by ``_id``, with their permissions."""
    table, permissions = rows_of(schema), permissions_of(schema.id)
    db.session.execute(sa.delete(permissions).where(permissions.c.row_id.in_(numbers)))
    db.session.execute(sa.delete(table).where(table.c["_id"].in_(numbers)))


def find_row(schema: Schema, uid: str, *, lock: bool = False) -> Row | None:
    """A row by its public id.

    Args:
        lock: for an update of what was read.
    """
    if not schema.has_table:
        return None
    table = rows_of(schema)
    query = sa.select(table).where(table.c["_uid"] == uid)
    if lock:
        query = query.with_for_update()
    return db.session.execute(query).mappings().one_or_none()


def find_rows(schema: Schema, uids: Iterable[str]) -> dict[str, Row]:
    """The rows that there are of some public ids, by these, locked."""
    if not schema.has_table:
        return {}
    table = rows_of(schema)
    # In the order of the ids, so that two that lock the same rows do not wait for each other.
    query = sa.select(table).where(table.c["_uid"].in_(list(uids))).order_by(table.c["_uid"])
    found = db.session.execute(query.with_for_update()).mappings()
    return {row["_uid"]: row for row in found}


def show_row(schema: Schema, row: Row) -> dict[str, Any]:
    """A row as a document, in the words of ``databases``, without its relationships."""
    shown: dict[str, Any] = {
        "$id": row["_uid"],
        "$sequence": row["_id"],
        "$createdAt": show_time(row["_created"]),
        "$updatedAt": show_time(row["_updated"]),
        "$permissions": row["_permissions"],
        "$databaseId": schema.database,
        "$collectionId": schema.public_id,
    }
    for key, column, show in schema.derive(_showers):
        if column in row:
            value = row[column]
            shown[key] = show(value) if show is not None and value is not None else value
    return shown


def _showers(schema: Schema) -> list[tuple[str, str, Callable[[Any], Any] | None]]:
    return [(key, each.column, shower(each)) for key, each in schema.plain.items()]
