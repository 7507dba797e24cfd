"""The two sides of a relationship, and the table of pairs by which documents are related.

Every relationship, of whatever kind, is kept in one table of pairs: to make or delete one changes
neither collection's own table. Unique indexes hold the side that has at most one to it.
"""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from raindrop.core.access import Actor, Unauthorized
from raindrop.core.db import db
from raindrop.core.errors import NotFound
from raindrop.databases import plans
from raindrop.databases.rules import Reach, reach
from raindrop.databases.schema import Attribute, Relation, Schema
from raindrop.databases.schema_store import find_schema
from raindrop.databases.tables import has_many, pairs_of, rows_of

DEPTH_MAX = 3
"""Levels of related documents that are written, loaded or asked through in one request."""


@dataclass(frozen=True)
class Side:
    """A relationship seen from one of its collections.

    Attributes:
        mine, theirs: the columns of the pairs: documents of this side, documents of the other.
        has_many: a document of this side may have many of the other.
        is_shared: a document of the other may have many of this side.
    """

    relation: Relation
    pairs: sa.Table
    mine: sa.Column[Any]
    theirs: sa.Column[Any]
    has_many: bool
    is_shared: bool


def side_of(schema: Schema, attribute: Attribute) -> Side:
    """The side of a relationship that one of a collection's attributes is."""
    relation = attribute.relation
    assert relation is not None
    is_parent = relation.side == "parent"
    pairs = pairs_of(schema.id if is_parent else relation.collection_id, relation.anchor_id)
    mine, theirs = pairs.c.parent_id, pairs.c.child_id
    if not is_parent:
        mine, theirs = theirs, mine
    return Side(
        relation,
        pairs,
        mine,
        theirs,
        has_many(relation.type, relation.side),
        has_many(relation.type, "child" if is_parent else "parent"),
    )


def other_schema(actor: Actor, schema: Schema, relation: Relation) -> Schema:
    """The collection on a relationship's other side.

    Raises:
        CollectionNotFound: it is being deleted.
    """
    return find_schema(actor.tenant, schema.database, relation.collection)


def readable_side(
    actor: Actor, schema: Schema, attribute: Attribute
) -> tuple[Schema, Reach] | None:
    """The other side's collection and which of its documents the actor may read; ``None``: none,
    or it has no table yet."""
    assert attribute.relation is not None
    try:
        other = other_schema(actor, schema, attribute.relation)
        which = reach(actor, other, "read")
    except (Unauthorized, NotFound):
        return None
    return (other, which) if other.has_table else None


def reachable(actor: Actor, schema: Schema, action: str, numbers: Collection[int]) -> set[int]:
    """Those of some rows that the actor may ``read``, ``update`` or ``delete``."""
    if not numbers:
        return set()
    try:
        which = reach(actor, schema, action)
    except (Unauthorized, NotFound):
        return set()
    if which.is_all:
        return set(numbers)
    number = rows_of(schema).c["_id"]
    query = sa.select(number).where(number.in_(numbers), plans.visible(schema, which, action))
    return set(db.session.scalars(query))
