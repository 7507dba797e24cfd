"""Filters on related documents: ``rel.key``, and ``rel`` itself by ids or as null.

Only related documents that the actor may read count, so that no filter tells what others hold.
"""

from dataclasses import replace

import sqlalchemy as sa

from raindrop.core.access import Actor
from raindrop.core.queries import Query, QueryInvalid
from raindrop.databases import filters, plans
from raindrop.databases.schema import Schema
from raindrop.databases.sides import DEPTH_MAX, readable_side, side_of
from raindrop.databases.tables import rows_of

Condition = sa.ColumnElement[bool]

_OF_ITSELF = {"equal", "notEqual", "contains", "notContains", "isNull", "isNotNull"}
_DENIED = {"isNull", "notEqual", "notContains"}


def condition(actor: Actor, schema: Schema, query: Query, depth: int = 0) -> Condition:
    """Whether a row is related to a document that fits.

    Raises:
        QueryInvalid: no such attribute, or not for this operator, or too deep.
    """
    key, _, rest = query.attribute.partition(".")
    if depth >= DEPTH_MAX:
        raise QueryInvalid(f"{query.method}: at most {DEPTH_MAX} relationships deep")
    if not rest and query.method not in _OF_ITSELF:
        raise QueryInvalid(f'{query.method} is not possible: attribute "{key}" is a relationship')
    is_denied = not rest and query.method in _DENIED
    readable = readable_side(actor, schema, schema.relations[key])
    if readable is None:
        return sa.true() if is_denied else sa.false()
    other, which = readable
    side = side_of(schema, schema.relations[key])
    table = rows_of(other)
    linked = sa.select(side.mine).join_from(side.pairs, table, table.c["_id"] == side.theirs)
    if not which.is_all:
        linked = linked.where(plans.visible(other, which))
    if rest:
        inner = replace(query, attribute=rest)
        linked = linked.where(filters.condition(other, inner, actor, depth + 1))
    elif query.values:
        ids = replace(query, method="equal", attribute="$id")
        linked = linked.where(filters.condition(other, ids, actor, depth + 1))
    # Of a relationship to itself the table is inside as well as outside.
    found = rows_of(schema).c["_id"].in_(linked.correlate(None))
    return sa.not_(found) if is_denied else found
