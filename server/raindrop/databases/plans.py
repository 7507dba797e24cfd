"""How the rows that somebody may see are found, among rows that others may see.

Three ways, and each is an index read, whatever the share is that the actor may see:

- few rows: their numbers from the permissions first, then the rows;
- many, and wanted by the time of creation alone: the permissions of each role are in that order,
  so the first of each role are read and merged;
- many else: along the index of the order, each row asked whether the actor may see it; as many
  rows are visible, the page is soon full.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from raindrop.core.db import db
from raindrop.databases.orders import Key, behind
from raindrop.databases.rows import Row
from raindrop.databases.rules import Reach
from raindrop.databases.schema import Schema
from raindrop.databases.tables import ACTIONS, permissions_of, rows_of

FEW = 2000
"""Up to so many visible rows are taken one by one."""
ROLES_MERGED_MAX = 32


def visible(schema: Schema, which: Reach, action: str = "read") -> sa.ColumnElement[bool]:
    """Whether a row is in reach, asked row by row."""
    entries = permissions_of(schema.id)
    one = (
        sa.select(sa.literal_column("1"))
        .where(
            entries.c.action == ACTIONS[action],
            entries.c.role.in_(sorted(which.roles)),
            entries.c.row_id == rows_of(schema).c["_id"],
        )
        # MariaDB would make a join of EXISTS, and read all permissions of a role for ten rows.
        .limit(sa.literal_column("1"))
        .correlate(rows_of(schema))
        .scalar_subquery()
    )
    return one == sa.literal_column("1")


def entries_of(schema: Schema, which: Reach) -> "sa.Select[Any]":
    """The numbers of the rows that may be read; those with several roles several times."""
    entries = permissions_of(schema.id)
    return sa.select(entries.c.row_id).where(
        entries.c.action == ACTIONS["read"], entries.c.role.in_(sorted(which.roles))
    )


def count_entries(schema: Schema, which: Reach, most: int) -> int:
    """How many rows may be read; at most ``most``."""
    some = entries_of(schema, which).distinct().limit(most).subquery()
    return db.session.scalar(sa.select(sa.func.count()).select_from(some)) or 0


def is_by_creation(keys: Sequence[Key]) -> bool:
    """Whether an order is that of the permissions' index, forwards or backwards."""
    return (
        len(keys) == 2
        and [key.column for key in keys] == ["_created", "_id"]
        and keys[0].is_descending == keys[1].is_descending
    )


def few(schema: Schema, which: Reach) -> Any:
    """What a query selects from to meet visible rows only, by their numbers."""
    return _by_number(schema, entries_of(schema, which).distinct())


def first_of_few(
    schema: Schema, which: Reach, keys: Sequence[Key], cursor: Row | None, most: int
) -> Any:
    """What a query selects from to meet the first ``most`` visible rows by number or creation."""
    entries = permissions_of(schema.id)
    columns = {"_created": entries.c.created, "_id": entries.c.row_id}
    query = entries_of(schema, which).add_columns(entries.c.created).distinct()
    if cursor is not None:
        query = query.where(behind(columns, keys, cursor))
    return _by_number(schema, query.order_by(*_clauses(columns, keys)).limit(most))


def merged(schema: Schema, which: Reach, keys: Sequence[Key], cursor: Row | None, most: int) -> Any:
    """What a query selects from to meet the first ``most`` visible rows by creation."""
    entries = permissions_of(schema.id)
    columns = {"_created": entries.c.created, "_id": entries.c.row_id}
    parts = []
    for role in sorted(which.roles):
        part = sa.select(entries.c.created, entries.c.row_id).where(
            entries.c.action == ACTIONS["read"], entries.c.role == role
        )
        if cursor is not None:
            part = part.where(behind(columns, keys, cursor))
        ordered = part.order_by(*_clauses(columns, keys)).limit(most)
        parts.append(sa.select(ordered.subquery()))
    every = sa.union(*parts).subquery()
    found: Mapping[str, Any] = {"_created": every.c.created, "_id": every.c.row_id}
    first = sa.select(every).order_by(*_clauses(found, keys)).limit(most)
    return _by_number(schema, first)


def is_of_entries(keys: Sequence[Key]) -> bool:
    """Whether the permissions alone tell an order."""
    return is_by_creation(keys) or [key.column for key in keys] == ["_id"]


def _by_number(schema: Schema, numbers: "sa.Select[Any]") -> Any:
    table, found = rows_of(schema), numbers.subquery("v")
    return found.join(table, table.c["_id"] == found.c.row_id)


def _clauses(columns: Mapping[str, Any], keys: Sequence[Key]) -> list[Any]:
    return [
        columns[key.column].desc() if key.is_descending else columns[key.column] for key in keys
    ]
