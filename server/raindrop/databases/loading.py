"""Loading related documents into documents: one statement for each relationship and level."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa

from raindrop.core.access import Actor
from raindrop.core.db import db
from raindrop.core.queries import QueryInvalid
from raindrop.databases import plans
from raindrop.databases.limits import limited
from raindrop.databases.schema import Attribute, Schema
from raindrop.databases.shapes import EVERYTHING, NAMED, Selection
from raindrop.databases.sides import DEPTH_MAX, readable_side, side_of
from raindrop.databases.tables import rows_of

LOADED_MAX = 5000
"""Related documents that one relationship brings to one level of an answer."""

Document = dict[str, Any]


@dataclass
class _Wish:
    """What is selected of related documents: keys of theirs, and of those related to them."""

    keys: set[str] = field(default_factory=set)
    nested: "dict[str, _Wish]" = field(default_factory=dict)


def load(actor: Actor, schema: Schema, documents: Sequence[Document], paths: Iterable[str]) -> None:
    """Put into documents what is selected of related ones; those that the actor may not read are
    not there.

    Args:
        paths: ``rel.*``, ``rel.key``, ``rel.other.key``; ``rel`` alone is ``rel.*``.

    Raises:
        QueryInvalid: something is selected that is not there, or too deep.
        DatabaseTimeout: it took too long.
    """
    wish = _Wish()
    for path in paths:
        _enter(schema, wish, path)
    if wish.nested:
        with limited():
            _load(actor, schema, documents, wish)


def load_ids(
    actor: Actor, schema: Schema, documents: Sequence[Document], keys: Iterable[str]
) -> None:
    """Put into documents the ids of related ones that the actor may read: a list where a document
    may have many, else one or ``None``; a statement for each relationship.

    Args:
        keys: the relationships; what is none is passed over.
    """
    by_number = {document["$sequence"]: document for document in documents}
    for key in keys:
        attribute = schema.relations.get(key)
        if attribute is None:
            continue
        side = side_of(schema, attribute)
        for document in documents:
            document[key] = [] if side.has_many else None
        readable = readable_side(actor, schema, attribute)
        if readable is None or not by_number:
            continue
        other, which = readable
        table = rows_of(other)
        query = (
            sa.select(side.mine, table.c["_uid"])
            .join_from(side.pairs, table, table.c["_id"] == side.theirs)
            .where(side.mine.in_(by_number))
            .order_by(side.mine, side.theirs)
        )
        if not which.is_all:
            query = query.where(plans.visible(other, which))
        for number, uid in db.session.execute(query):
            if side.has_many:
                by_number[number][key].append(uid)
            else:
                by_number[number][key] = uid


def _enter(schema: Schema, wish: _Wish, path: str) -> None:
    parts = path.split(".")
    if parts[-1] in schema.relations and len(parts) == 1:
        parts.append(EVERYTHING)
    if len(parts) > DEPTH_MAX + 1:
        raise QueryInvalid(f"select: related documents are loaded at most {DEPTH_MAX} deep")
    for part in parts[:-1]:
        wish = wish.nested.setdefault(part, _Wish())
    wish.keys.add(parts[-1])


def _load(actor: Actor, schema: Schema, documents: Sequence[Document], wish: _Wish) -> None:
    for key, below in wish.nested.items():
        attribute = schema.relations.get(key)
        if attribute is None:
            raise QueryInvalid(f'Attribute not found in schema: "{key[:100]}"')
        _load_one(actor, schema, documents, attribute, below)


def _load_one(
    actor: Actor, schema: Schema, documents: Sequence[Document], attribute: Attribute, wish: _Wish
) -> None:
    side = side_of(schema, attribute)
    by_number: dict[int, list[Document]] = {}
    for document in documents:
        document[attribute.key] = [] if side.has_many else None
        by_number.setdefault(document["$sequence"], []).append(document)
    readable = readable_side(actor, schema, attribute)
    if readable is None:
        return
    other, which = readable
    shape = _shape(other, wish)
    loaded: list[Document] = []
    if by_number:
        table = rows_of(other)
        query = (
            sa.select(side.mine, *shape.columns)
            .join_from(side.pairs, table, table.c["_id"] == side.theirs)
            .where(side.mine.in_(by_number))
            .order_by(side.mine, side.theirs)
            .limit(LOADED_MAX)
        )
        if not which.is_all:
            query = query.where(plans.visible(other, which))
        for row in db.session.execute(query).all():
            for holder in by_number[row[0]]:
                # Each holder gets its own: what shows documents changes them in place.
                document = shape.show(row[1:])
                loaded.append(document)
                if side.has_many:
                    holder[attribute.key].append(document)
                else:
                    holder[attribute.key] = document
    _load(actor, other, loaded, wish)


def _shape(schema: Schema, wish: _Wish) -> Selection:
    for key in wish.keys:
        if key in schema.relations:
            wish.nested.setdefault(key, _Wish()).keys.add(EVERYTHING)
        elif key not in NAMED and key not in schema.plain:
            raise QueryInvalid(f'Attribute not found in schema: "{key[:100]}"')
    is_whole = EVERYTHING in wish.keys
    return Selection(schema, tuple(k for k in schema.plain if is_whole or k in wish.keys))
