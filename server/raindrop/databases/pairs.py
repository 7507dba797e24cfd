"""The tables of relationships' pairs: whether they are as they are recorded, and making them so.

Each is looked at with the collection on the relationship's parent side, whose number its name has.
"""

import re
from collections.abc import Iterable, Iterator

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Inspector

from raindrop.core.cache import get_cache
from raindrop.core.db import db
from raindrop.databases import ddl
from raindrop.databases.models import AttributeRow, Status
from raindrop.databases.relation_ddl import rows_of_relationship
from raindrop.databases.schema import Relation, Schema, rows_tag
from raindrop.databases.tables import has_many, pairs_of

COLUMNS = {"parent_id", "child_id"}
PAIRS_BATCH = 1000


def check(inspector: Inspector, schema: Schema, tables: Iterable[str]) -> list[str]:
    """What is not as it should be of the relationships that a collection is the parent side of.

    Args:
        tables: the names of the database's tables.
    """
    found = []
    for relation in _recorded(schema):
        name = pairs_of(schema.id, relation.anchor_id).name
        lacking = _lacking(inspector, schema.id, relation)
        found += lacking
        extra = _columns(inspector, name) - COLUMNS
        found += [f"the column {column} of {name} belongs to nothing" for column in sorted(extra)]
        if not lacking and (count := _count_dangling(inspector, schema.id, relation)):
            found.append(f"{count} pairs of {name} are of rows that are not there")
    # Of those that were there some may have been dropped meanwhile.
    orphans = [name for name in _orphans(schema, tables) if inspector.has_table(name)]
    return found + [f"the table {name} belongs to no relationship" for name in orphans]


def drop_wrong(connection: Connection, schema: Schema) -> None:
    """Drop tables that belong to no relationship or that keep no pairs, for these are lost
    already, and columns that do not belong to one.

    Args:
        schema: as it is recorded by now, with the collection's lock held.
    """
    inspector = sa.inspect(connection)
    useless = _orphans(schema, inspector.get_table_names())
    for relation in _recorded(schema):
        name = pairs_of(schema.id, relation.anchor_id).name
        columns = _columns(inspector, name)
        if columns and not columns >= COLUMNS:
            useless.append(name)
        else:
            for column in sorted(columns - COLUMNS):
                connection.exec_driver_sql(f"ALTER TABLE {name} DROP COLUMN {column}")
    for name in useless:
        connection.exec_driver_sql(f"DROP TABLE IF EXISTS {name}")


def reopen(schema: Schema) -> None:
    """Mark both sides of a relationship as unmade where something of its table is not there, so
    that converging makes it."""
    inspector = sa.inspect(db.session.connection())
    for relation in _recorded(schema):
        if _lacking(inspector, schema.id, relation):
            for row in rows_of_relationship(relation, schema.id):
                ddl.set_status(AttributeRow, row.id, Status.AVAILABLE, Status.PROCESSING, "")
            ddl.forget_both(schema, relation)


def unlink_lost(schema: Schema) -> Iterator[int]:
    """Delete pairs of rows that are not there, in batches.

    Yields:
        how many, after each batch; what lies between is one transaction.
    """
    for relation in _recorded(schema):
        pairs = pairs_of(schema.id, relation.anchor_id)
        both = sa.tuple_(pairs.c.parent_id, pairs.c.child_id)
        query = sa.select(pairs).limit(PAIRS_BATCH)
        while True:
            inspector = sa.inspect(db.session.connection())
            if _lacking(inspector, schema.id, relation):
                break
            is_lost = _is_dangling(inspector, schema.id, relation)
            lost = [tuple(row) for row in db.session.execute(query.where(is_lost))]
            if not lost:
                break
            db.session.execute(sa.delete(pairs).where(both.in_(lost)))
            get_cache().invalidate(schema.rows_tag, rows_tag(relation.collection_id))
            yield len(lost)


def _recorded(schema: Schema) -> list[Relation]:
    """The relationships that a collection is the parent side of."""
    relations = (each.relation for each in schema.relations.values())
    return [each for each in relations if each is not None and each.side == "parent"]


def _columns(inspector: Inspector, table: str) -> set[str]:
    """The names of a table's columns; empty where there is no table."""
    if not inspector.has_table(table):
        return set()
    return {column["name"] for column in inspector.get_columns(table)}


def _lacking(inspector: Inspector, collection_id: int, relation: Relation) -> list[str]:
    table = pairs_of(collection_id, relation.anchor_id)
    columns = _columns(inspector, table.name)
    if not columns:
        return [f"the table {table.name} of a relationship is missing"]
    if lost := sorted(COLUMNS - columns):
        return [f"the column {column} of {table.name} is missing" for column in lost]
    wanted = {str(index.name) for index in table.indexes}
    for side, name in (("parent", f"{table.name}_one_p"), ("child", f"{table.name}_one_c")):
        if not has_many(relation.type, side):
            wanted.add(name)
    have = {str(index["name"]) for index in inspector.get_indexes(table.name)}
    return [f"the index {name} is missing" for name in sorted(wanted - have)]


def _orphans(schema: Schema, tables: Iterable[str]) -> list[str]:
    relations = [each.relation for each in schema.attributes if each.relation is not None]
    anchors = {each.anchor_id for each in relations if each.side == "parent"}
    known = {pairs_of(schema.id, anchor).name for anchor in anchors}
    pattern = rf"c_{schema.id}_j_\d+"
    return sorted(name for name in tables if re.fullmatch(pattern, name) and name not in known)


def _count_dangling(inspector: Inspector, collection_id: int, relation: Relation) -> int:
    pairs = pairs_of(collection_id, relation.anchor_id)
    query = sa.select(sa.func.count()).select_from(pairs)
    return db.session.scalar(query.where(_is_dangling(inspector, collection_id, relation))) or 0


def _is_dangling(
    inspector: Inspector, collection_id: int, relation: Relation
) -> sa.ColumnElement[bool]:
    """Whether a pair is of a row that is not there; of a collection whose table is missing, which
    is another matter, nothing is said."""
    pairs = pairs_of(collection_id, relation.anchor_id)
    lost = []
    for number, end in (
        (collection_id, pairs.c.parent_id),
        (relation.collection_id, pairs.c.child_id),
    ):
        if inspector.has_table(f"c_{number}"):
            rows = sa.table(f"c_{number}", sa.column("_id")).alias()
            lost.append(~sa.exists().where(rows.c["_id"] == end))
    return sa.or_(sa.false(), *lost)
