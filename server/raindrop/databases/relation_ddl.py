"""The table of a relationship's pairs: making it, dropping it."""

from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy.engine import Connection
from sqlalchemy.schema import CreateIndex, CreateTable

from raindrop.core.db import db
from raindrop.databases.models import AttributeRow
from raindrop.databases.schema import Relation
from raindrop.databases.tables import has_many, pairs_of, table_options


def make(connection: Connection, collection_id: int, relation: Relation) -> None:
    """Make the table where it is not there, with its indexes.

    Args:
        collection_id: of the parent side.
    """
    table = pairs_of(collection_id, relation.anchor_id)
    if not sa.inspect(connection).has_table(table.name):
        statement = CreateTable(table).compile(dialect=connection.dialect)
        connection.exec_driver_sql(f"{statement} {table_options(connection.dialect)}")
    have = {index["name"] for index in sa.inspect(connection).get_indexes(table.name)}
    for index in table.indexes:
        if index.name not in have:
            connection.execute(CreateIndex(index))
    for side, column, name in (
        ("parent", "parent_id", f"{table.name}_one_p"),
        ("child", "child_id", f"{table.name}_one_c"),
    ):
        if not has_many(relation.type, side) and name not in have:
            connection.exec_driver_sql(f"CREATE UNIQUE INDEX {name} ON {table.name} ({column})")


def drop(connection: Connection, collection_id: int, relation: Relation) -> None:
    """Drop the table where it is there."""
    table = pairs_of(collection_id, relation.anchor_id)
    connection.exec_driver_sql(f"DROP TABLE IF EXISTS {table.name}")


def rows_of_relationship(relation: Relation, collection_id: int) -> Sequence[AttributeRow]:
    """The attributes that a relationship is recorded by: one, or two of a two-way one.

    Args:
        collection_id: of the side that ``relation`` is.
    """
    query = sa.select(AttributeRow).where(
        AttributeRow.collection_id.in_({collection_id, relation.collection_id}),
        AttributeRow.type == "relationship",
    )
    return [
        row
        for row in db.session.scalars(query)
        if row.details["relation"]["anchor_id"] == relation.anchor_id
    ]
