"""Which documents the queries of a change of many mean."""

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from raindrop.core.access import Actor
from raindrop.core.db import db
from raindrop.core.queries import _condition, parse_queries
from raindrop.databases.rows import Row
from raindrop.databases.schema import Schema
from raindrop.databases.tables import rows_of


def matching_rows(
    _actor: Actor, schema: Schema, queries: Sequence[str], _action: str, limit: int
) -> list[Row]:
    """The rows that fit the queries, at most ``limit``.

    Raises:
        QueryInvalid
    """
    page = parse_queries(queries)
    if not schema.has_table:
        return []
    table = schema.derive(rows_of)
    known: dict[str, Any] = {"$id": table.c["_uid"], "$sequence": table.c["_id"]}
    known |= {key: table.c[each.column] for key, each in schema.plain.items()}
    if any('"limit"' in text for text in queries):
        limit = min(limit, page.limit)
    query = sa.select(table).where(*(_condition(each, known) for each in page.filters))
    rows = db.session.execute(query.order_by(table.c["_id"]).limit(limit).offset(page.offset))
    return list(rows.mappings())
