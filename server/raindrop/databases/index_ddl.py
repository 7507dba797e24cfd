"""Making and dropping indexes in a collection's table.

A full-text index is made in steps, while others write: first the column of its terms, which from
then on everybody keeps up who writes; then the rows that are there already, some at a time; then
the index itself.
"""

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from raindrop.core.db import db, utc_now
from raindrop.databases import terms
from raindrop.databases.models import IndexRow
from raindrop.databases.schema import Index, Schema
from raindrop.databases.tables import SYSTEM_COLUMNS, rows_of, terms_type

ROWS_BATCH = 500


def make(connection: Connection, schema: Schema, index: Index) -> bool:
    """Do the next step of making an index where it is not there; whether it is made.

    Raises:
        DBAPIError: it cannot be made.
    """
    if index.type == "fulltext":
        return _make_fulltext(connection, schema, index)
    table = f"c_{schema.id}"
    if index.name in index_names(connection, table):
        return True
    if index.type == "spatial":
        _require(connection, schema, index)
    kind = {"unique": "UNIQUE ", "spatial": "SPATIAL "}.get(index.type, "")
    parts = ", ".join(_part(connection, schema, index))
    connection.exec_driver_sql(f"CREATE {kind}INDEX {index.name} ON {table} ({parts})")
    return True


def drop(connection: Connection, schema: Schema, index: Index) -> None:
    """Drop an index, and what belongs to a full-text one, where it is there."""
    table = f"c_{schema.id}"
    is_sqlite = connection.dialect.name == "sqlite"
    if index.type == "fulltext":
        if is_sqlite:
            for event in ("insert", "update", "delete"):
                connection.exec_driver_sql(f"DROP TRIGGER IF EXISTS {_fts(schema, index)}_{event}")
            connection.exec_driver_sql(f"DROP TABLE IF EXISTS {_fts(schema, index)}")
        columns = {column["name"] for column in sa.inspect(connection).get_columns(table)}
        if index.name in columns:
            connection.exec_driver_sql(f"ALTER TABLE {table} DROP COLUMN {index.name}")
    elif index.name in index_names(connection, table):
        of_table = "" if is_sqlite else f" ON {table}"
        connection.exec_driver_sql(f"DROP INDEX {index.name}{of_table}")


def index_names(connection: Connection, table: str) -> set[str]:
    """The names of a table's indexes."""
    return {str(index["name"]) for index in sa.inspect(connection).get_indexes(table)}


def _part(connection: Connection, schema: Schema, index: Index) -> list[str]:
    columns = {attribute.key: attribute.column for attribute in schema.attributes} | SYSTEM_COLUMNS
    is_sqlite = connection.dialect.name == "sqlite"
    parts = []
    for member in index.members:
        length = f"({member.length})" if member.length and not is_sqlite else ""
        order = "" if index.type == "spatial" else f" {member.order}"
        parts.append(f"{columns[member.key]}{length}{order}")
    return parts


def _require(connection: Connection, schema: Schema, index: Index) -> None:
    """A spatial index is of a column without nulls only."""
    (column,) = terms.columns_of(schema, index)
    kind = rows_of(schema).c[column].type.compile(connection.dialect)
    connection.exec_driver_sql(f"ALTER TABLE c_{schema.id} MODIFY {column} {kind} NOT NULL")


def _make_fulltext(connection: Connection, schema: Schema, index: Index) -> bool:
    table = f"c_{schema.id}"
    if not index.is_written:
        _add_terms_column(connection, table, index)
        _begin_writing(index)
        return False
    if _write_terms(connection, schema, index):
        return False
    if connection.dialect.name == "sqlite":
        _make_fts(connection, schema, index)
    elif index.name not in index_names(connection, table):
        connection.exec_driver_sql(
            f"ALTER TABLE {table} ADD FULLTEXT INDEX {index.name} ({index.name})"
        )
    return True


def _add_terms_column(connection: Connection, table: str, index: Index) -> None:
    columns = {column["name"] for column in sa.inspect(connection).get_columns(table)}
    if index.name not in columns:
        kind = terms_type().compile(connection.dialect)
        connection.exec_driver_sql(f"ALTER TABLE {table} ADD COLUMN {index.name} {kind}")


def _begin_writing(index: Index) -> None:
    db.session.execute(
        sa.update(IndexRow)
        .where(IndexRow.id == index.id)
        .values(is_written=True, updated_at=utc_now()),
        execution_options={"synchronize_session": False},
    )


def _write_terms(connection: Connection, schema: Schema, index: Index) -> bool:
    """Write the terms of some rows that have none; whether there were any.

    By the connection for DDL, for a transaction that has read the table would make the index wait
    for itself. Whoever writes a row meanwhile writes its terms: those stay.
    """
    table = rows_of(schema)
    own = table.c[index.name]
    columns = [table.c["_id"], *(table.c[name] for name in terms.columns_of(schema, index))]
    query = sa.select(*columns).where(own.is_(None)).order_by(table.c["_id"]).limit(ROWS_BATCH)
    rows = connection.execute(query).mappings().all()
    for row in rows:
        connection.execute(
            sa.update(table).where(table.c["_id"] == row["_id"], own.is_(None)),
            {index.name: terms.terms_of(schema, index, row)},
        )
    return bool(rows)


def _make_fts(connection: Connection, schema: Schema, index: Index) -> None:
    """SQLite's way, an index beside the table: https://sqlite.org/fts5.html, "External Content
    Tables"."""
    fts, table, column = _fts(schema, index), f"c_{schema.id}", index.name
    if fts in sa.inspect(connection).get_table_names():
        return
    connection.exec_driver_sql(
        f"CREATE VIRTUAL TABLE {fts} USING fts5({column}, content='{table}', content_rowid='_id')"
    )
    add = f"INSERT INTO {fts}(rowid, {column}) VALUES (new._id, new.{column});"  # noqa: S608
    take = (
        f"INSERT INTO {fts}({fts}, rowid, {column})"  # noqa: S608
        f" VALUES ('delete', old._id, old.{column});"
    )
    for event, what in (
        ("insert", f"AFTER INSERT ON {table} BEGIN {add} END"),
        ("delete", f"AFTER DELETE ON {table} BEGIN {take} END"),
        ("update", f"AFTER UPDATE OF {column} ON {table} BEGIN {take} {add} END"),
    ):
        connection.exec_driver_sql(f"CREATE TRIGGER {fts}_{event} {what}")
    connection.exec_driver_sql(f"INSERT INTO {fts}({fts}) VALUES ('rebuild')")  # noqa: S608


def _fts(schema: Schema, index: Index) -> str:
    return f"c_{schema.id}_f_{index.id}"
