"""Lists of documents: the contract's queries over a collection's table."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from raindrop.core.access import Actor
from raindrop.core.db import db
from raindrop.core.queries import TOTAL_MAX, CursorNotFound, Page, Query, parse_queries
from raindrop.databases import loading, plans
from raindrop.databases.filters import GRAMMAR, Condition, condition
from raindrop.databases.limits import limited
from raindrop.databases.orders import Key, behind, clauses, columns_of, order_keys, turned
from raindrop.databases.rows import Row
from raindrop.databases.rules import Reach, reach
from raindrop.databases.schema import Schema
from raindrop.databases.shapes import Selection, selection_of
from raindrop.databases.tables import rows_of


@dataclass(frozen=True)
class _Asked:
    """A list that is asked for.

    Attributes:
        keys: the order in which it is read; before a cursor that is backwards.
        visible: how many rows its reader may see, if not all; from plans.FEW on, about.
    """

    schema: Schema
    readable: Reach
    filters: Sequence[Condition]
    page: Page
    keys: tuple[Key, ...]
    cursor: Row | None
    visible: int


def list_documents(
    actor: Actor, schema: Schema, queries: Sequence[str], *, is_counted: bool
) -> tuple[list[dict[str, Any]], int]:
    """The documents that fit the queries and that the actor may read, and how many (0 when not
    counted).

    Raises:
        Unauthorized, QueryInvalid, AttributeQueryLimitExceeded, CursorNotFound
        DatabaseTimeout: it took too long.
    """
    readable = reach(actor, schema, "read")
    page = parse_queries(queries, GRAMMAR)
    shape = selection_of(schema, page)
    filters = conditions(actor, schema, page)
    keys = order_keys(schema, page)
    if not schema.has_table:
        if page.cursor:
            raise CursorNotFound
        return [], 0
    with limited():
        cursor = _cursor_row(schema, readable, page.cursor) if page.cursor else None
        visible = _visible(schema, readable, is_counted=is_counted and not filters)
        keys = turned(keys) if _is_backward(page) else keys
        asked = _Asked(schema, readable, filters, page, keys, cursor, visible)
        found, total = _page(asked, shape, is_counted=is_counted)
    documents = [shape.show(row) for row in found]
    loading.load(actor, schema, documents, shape.paths)
    return documents, total


def matching_rows(
    actor: Actor, schema: Schema, queries: Sequence[str], action: str, limit: int
) -> list[Row]:
    """The rows that fit the queries and that the actor may ``update`` or ``delete``, locked, in
    the order and up to the limit that the queries say, and at most ``limit``.

    Raises:
        Unauthorized, QueryInvalid, AttributeQueryLimitExceeded, CursorNotFound
        DatabaseTimeout: it took too long.
    """
    allowed = reach(actor, schema, action)
    page = parse_queries(queries, GRAMMAR)
    where, keys = conditions(actor, schema, page), order_keys(schema, page)
    if not schema.has_table:
        return []
    if not allowed.is_all:
        where.append(plans.visible(schema, allowed, action))
    if page.cursor:
        row = _cursor_row(schema, reach(actor, schema, "read"), page.cursor)
        keys = turned(keys) if _is_backward(page) else keys
        where.append(behind(columns_of(schema), keys, row))
    most = min(page.limit, limit) if page.has_limit else limit
    query = sa.select(rows_of(schema)).where(*where).order_by(*clauses(schema, keys))
    with limited():
        found = db.session.execute(query.limit(most).offset(page.offset).with_for_update())
    rows: list[Row] = list(found.mappings())
    return rows[::-1] if _is_backward(page) else rows


def select_shape(schema: Schema, queries: Sequence[str]) -> Selection:
    """What of one document is shown; its ``pick`` does it.

    Raises:
        QueryInvalid
    """
    return selection_of(schema, parse_queries(queries, GRAMMAR))


def conditions(actor: Actor, schema: Schema, page: Page) -> list[Condition]:
    """The filters of a list as SQL.

    Raises:
        QueryInvalid
    """
    return [condition(schema, query, actor) for query in page.filters]


def _cursor_row(schema: Schema, readable: Reach, cursor: Query) -> Row:
    """The row that a page begins behind, if it may be read.

    Raises:
        CursorNotFound
    """
    value = cursor.values[0] if cursor.values else None
    if not isinstance(value, str) or "\0" in value:
        raise CursorNotFound
    table = rows_of(schema)
    query = sa.select(table).where(table.c["_uid"] == value.encode("utf-8", "replace").decode())
    if not readable.is_all:
        query = query.where(plans.visible(schema, readable))
    row = db.session.execute(query).mappings().one_or_none()
    if row is None:
        raise CursorNotFound
    return row


def _visible(schema: Schema, readable: Reach, *, is_counted: bool) -> int:
    """How many rows may be read, as far as a total or the choice of a plan needs it."""
    if readable.is_all:
        return 0
    return plans.count_entries(schema, readable, TOTAL_MAX if is_counted else plans.FEW + 1)


def _total(asked: _Asked) -> sa.ScalarSelect[int] | int:
    """How many rows fit, as a number or as part of a statement."""
    schema, readable = asked.schema, asked.readable
    if not readable.is_all and not asked.filters:
        return asked.visible
    table = rows_of(schema)
    query: sa.Select[Any] = sa.select(sa.literal_column("1").label("n")).where(*asked.filters)
    if readable.is_all:
        query = query.select_from(table)
    elif asked.visible <= plans.FEW:
        query = query.select_from(plans.few(schema, readable))
    else:
        query = query.select_from(table).where(plans.visible(schema, readable))
    # Its own FROM all the same: it stands in a statement over the same table.
    some = query.correlate(None).limit(TOTAL_MAX).subquery("t")
    return sa.select(sa.func.count()).select_from(some).scalar_subquery()


def _page(asked: _Asked, shape: Selection, *, is_counted: bool) -> tuple[Sequence[Any], int]:
    """The rows of a page, in its order, and how many fit in all, by one statement.

    Behind a last page there is no row to bring the number along, and it takes another.
    """
    schema, page = asked.schema, asked.page
    total = _total(asked) if is_counted else 0
    more = [] if isinstance(total, int) else [total]
    query = sa.select(*shape.columns, *more).where(*asked.filters)
    if asked.cursor is not None:
        query = query.where(behind(columns_of(schema), asked.keys, asked.cursor))
    if not asked.readable.is_all:
        query = _seen(query, asked)
    query = query.order_by(*clauses(schema, asked.keys)).limit(page.limit)
    found: Sequence[Any]
    found = db.session.execute(query.offset(page.offset) if page.offset else query).all()
    if not isinstance(total, int):
        total = int(found[0][-1]) if found else db.session.scalar(sa.select(total)) or 0
        found = [row[:-1] for row in found]
    return (found[::-1] if _is_backward(page) else found), total


def _seen(query: "sa.Select[Any]", asked: _Asked) -> "sa.Select[Any]":
    """The query over visible rows only, by the plan that fits (plans.py)."""
    schema, readable, keys = asked.schema, asked.readable, asked.keys
    most, is_few = asked.page.limit + asked.page.offset, asked.visible <= plans.FEW
    if is_few and not asked.filters and plans.is_of_entries(keys):
        first = plans.first_of_few(schema, readable, keys, asked.cursor, most)
        return query.select_from(first)
    if is_few:
        return query.select_from(plans.few(schema, readable))
    is_mergeable = not asked.filters and len(readable.roles) <= plans.ROLES_MERGED_MAX
    if is_mergeable and plans.is_by_creation(keys):
        return query.select_from(plans.merged(schema, readable, keys, asked.cursor, most))
    return query.where(plans.visible(schema, readable))


def _is_backward(page: Page) -> bool:
    return page.cursor is not None and page.cursor.method == "cursorBefore"
