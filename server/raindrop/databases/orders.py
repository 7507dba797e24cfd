"""The order of a list of documents and the place of a cursor in it.

The number of a row breaks ties, so that no page repeats or leaves out a row, whatever the values
are; null comes before every value, as both databases sort it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from raindrop.core.queries import Page, QueryInvalid
from raindrop.databases import spatial
from raindrop.databases.filters import is_sqlite, known
from raindrop.databases.schema import Schema
from raindrop.databases.tables import rows_of

SYSTEM_UNIQUE = ("_id", "_uid")


@dataclass(frozen=True)
class Key:
    """One thing that is ordered by."""

    column: str
    is_descending: bool
    may_be_null: bool


RANDOM: tuple[Key, ...] = ()
"""The keys of no order."""


def order_keys(schema: Schema, page: Page) -> tuple[Key, ...]:
    """What a list is ordered by, to its last key, which no two rows have in common.

    Raises:
        QueryInvalid: no such attribute, or one that has no order; random with a cursor.
    """
    if any(order.method == "orderRandom" for order in page.orders):
        if page.cursor:
            raise QueryInvalid("A cursor needs an order; a random one is none.")
        return RANDOM
    keys: list[Key] = []
    for order in page.orders:
        attribute = known(schema, order.attribute or "$sequence")
        if attribute.is_array or attribute.type in spatial.KINDS:
            raise QueryInvalid(f'Attribute "{attribute.key}" has no order.')
        if any(key.column == attribute.column for key in keys):
            continue
        is_descending = order.method == "orderDesc"
        keys.append(Key(attribute.column, is_descending, not attribute.key.startswith("$")))
        if attribute.column in SYSTEM_UNIQUE:
            return tuple(keys)
    last = keys[-1].is_descending if keys else False
    return (*keys, Key("_id", last, False))


def turned(keys: Sequence[Key]) -> tuple[Key, ...]:
    """The opposite order, for what is before a cursor."""
    return tuple(Key(each.column, not each.is_descending, each.may_be_null) for each in keys)


def clauses(schema: Schema, keys: Sequence[Key]) -> list[Any]:
    """The keys as ``ORDER BY``."""
    if not keys:
        return [sa.func.random() if is_sqlite() else sa.func.rand()]
    columns = rows_of(schema).c
    return [
        columns[key.column].desc() if key.is_descending else columns[key.column].asc()
        for key in keys
    ]


def columns_of(schema: Schema) -> Mapping[str, Any]:
    """The columns of a collection's rows by name."""
    columns: Any = rows_of(schema).c
    return columns  # type: ignore[no-any-return]


def behind(
    columns: Mapping[str, Any], keys: Sequence[Key], row: Mapping[Any, Any]
) -> sa.ColumnElement[bool]:
    """The rows that come after a row in the order.

    Args:
        columns: by the names in the keys.
    """
    alternatives = []
    for index, key in enumerate(keys):
        same = [_same(columns[each.column], row[each.column]) for each in keys[:index]]
        alternatives.append(sa.and_(*same, _beyond(columns[key.column], key, row[key.column])))
    if len(keys) == 1:
        return alternatives[0]
    # Implied by the rest; said so that the first key's index is entered at the cursor.
    first, value = keys[0], row[keys[0].column]
    if value is None or (first.is_descending and first.may_be_null):
        return sa.or_(*alternatives)
    column, at = columns[first.column], sa.literal(value, columns[first.column].type)
    bound = column <= at if first.is_descending else column >= at
    return sa.and_(bound, sa.or_(*alternatives))


def _same(column: Any, value: Any) -> Any:
    return column.is_(None) if value is None else column == sa.literal(value, column.type)


def _beyond(column: Any, key: Key, value: Any) -> Any:
    if value is None:
        return sa.false() if key.is_descending else column.is_not(None)
    at = sa.literal(value, column.type)
    if not key.is_descending:
        return column > at
    return sa.or_(column < at, column.is_(None)) if key.may_be_null else column < at
