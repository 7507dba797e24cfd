"""Lists of documents: the contract's queries over a collection's table."""

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from raindrop.core.access import Actor
from raindrop.core.db import db
from raindrop.core.queries import count_up_to, parse_queries
from raindrop.databases.rows import show_row
from raindrop.databases.rules import Reach, reach
from raindrop.databases.schema import Schema
from raindrop.databases.tables import ACTIONS, permissions_of, rows_of


def list_documents(
    actor: Actor, schema: Schema, queries: Sequence[str], *, is_counted: bool
) -> tuple[list[dict[str, Any]], int]:
    """The documents that fit the queries and that the actor may read, and how many (0 when not
    counted).

    Raises:
        Unauthorized, QueryInvalid, CursorNotFound
    """
    readable = reach(actor, schema, "read")
    page = parse_queries(queries)
    if not schema.has_table:
        return [], 0
    table = rows_of(schema)
    query = sa.select(table).where(*_in_reach(schema, readable))
    total = count_up_to(query) if is_counted else 0
    found = db.session.execute(query.order_by(table.c["_id"]).limit(page.limit).offset(page.offset))
    return [show_row(schema, row) for row in found.mappings()], total


def _in_reach(schema: Schema, readable: Reach) -> list[sa.ColumnElement[bool]]:
    if readable.is_all:
        return []
    table, entries = rows_of(schema), permissions_of(schema.id)
    return [
        sa.exists().where(
            entries.c.action == ACTIONS["read"],
            entries.c.role.in_(readable.roles),
            entries.c.row_id == table.c["_id"],
        )
    ]
