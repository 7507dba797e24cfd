"""Making and dropping indexes in a collection's table.

A full-text index is made in steps, while others write: first the column of its terms, which from
then on everybody keeps up who writes; then the rows that are there already, some at a time; then
the index itself.
"""

import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from raindrop.core.db import db, utc_now
from raindrop.databases import terms
from raindrop.databases.models import IndexRow
from raindrop.databases.schema import Index, Schema
from raindrop.databases.tables import SYSTEM_COLUMNS, column_type, rows_of, terms_type

ROWS_BATCH = 500
STRAGGLERS = datetime.timedelta(seconds=30)
"""A request may have begun so long before the column of terms was known, and wrote none."""
SETTLING_S = 2.0
"""How long the making waits for such requests, nearly all of which end in a tenth of it."""


def make(connection: Connection, schema: Schema, index: Index) -> bool:
    """Do the next step of making an index where it is not there; whether it is made.

    The step that adds a full-text index's column wants :data:`SETTLING_S` before the next.

    Raises:
        DBAPIError: it cannot be made.
    """
    if index.type == "fulltext":
        return _make_fulltext(connection, schema, index)
    table = f"c_{schema.id}"
    if index.name in index_names(connection, table):
        return True
    if index.type == "spatial":
        _require(connection, schema, index, is_required=True)
    kind = {"unique": "UNIQUE ", "spatial": "SPATIAL "}.get(index.type, "")
    parts = ", ".join(_part(connection, schema, index))
    connection.exec_driver_sql(f"CREATE {kind}INDEX {index.name} ON {table} ({parts})")
    return True


def drop(connection: Connection, schema: Schema, index: Index) -> None:
    """Drop an index, and what belongs to a full-text or spatial one, where it is there."""
    table = f"c_{schema.id}"
    is_sqlite = connection.dialect.name == "sqlite"
    if index.type == "fulltext":
        if is_sqlite:
            for event in ("insert", "update", "delete"):
                connection.exec_driver_sql(
                    f"DROP TRIGGER IF EXISTS {terms.fts_of(schema, index)}_{event}"
                )
            connection.exec_driver_sql(f"DROP TABLE IF EXISTS {terms.fts_of(schema, index)}")
        columns = {column["name"] for column in sa.inspect(connection).get_columns(table)}
        if index.name in columns:
            connection.exec_driver_sql(f"ALTER TABLE {table} DROP COLUMN {index.name}")
    elif index.name in index_names(connection, table):
        of_table = "" if is_sqlite else f" ON {table}"
        connection.exec_driver_sql(f"DROP INDEX {index.name}{of_table}")
    if index.type == "spatial":
        _require(connection, schema, index, is_required=False)


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


def _require(connection: Connection, schema: Schema, index: Index, *, is_required: bool) -> None:
    """Let a column have no nulls, which a spatial index asks for, or let it have them again."""
    for column in terms.columns_of(schema, index):
        attribute = next(each for each in schema.attributes if each.column == column)
        kind = column_type(attribute).compile(connection.dialect)
        null = "NOT NULL" if is_required else "NULL"
        connection.exec_driver_sql(f"ALTER TABLE c_{schema.id} MODIFY {column} {kind} {null}")


def _make_fulltext(connection: Connection, schema: Schema, index: Index) -> bool:
    table = f"c_{schema.id}"
    if not index.is_written:
        _add_terms_column(connection, table, index)
        _begin_writing(index)
        return False
    if _has_unwritten(connection, table, index):
        _write_terms(schema, index)
        return False
    if connection.dialect.name == "sqlite":
        _make_fts(connection, schema, index)
    elif index.name not in index_names(connection, table):
        connection.exec_driver_sql(
            f"ALTER TABLE {table} ADD FULLTEXT INDEX {index.name} ({index.name})"
        )
    _correct_terms(schema, index)
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


def _has_unwritten(connection: Connection, table: str, index: Index) -> bool:
    # Not by the session: MariaDB's change of the table would wait for its transaction.
    query = sa.text(f"SELECT 1 FROM {table} WHERE {index.name} IS NULL LIMIT 1")  # noqa: S608
    return connection.scalar(query) is not None


def _write_terms(schema: Schema, index: Index) -> None:
    """Write the terms of some rows that have none."""
    table = rows_of(schema)
    query = _with_terms(schema, index).where(table.c[index.name].is_(None))
    rows = db.session.execute(query.limit(ROWS_BATCH).with_for_update()).mappings().all()
    if rows:
        db.session.execute(
            sa.update(table).where(table.c["_id"] == sa.bindparam("number")),
            [
                {"number": row["_id"], index.name: terms.terms_of(schema, index, row)}
                for row in rows
            ],
        )


def _correct_terms(schema: Schema, index: Index) -> None:
    """Write the terms of rows that somebody wrote who did not know yet of the index.

    Its making waited for whoever used the table, so that they are there to be seen.
    """
    table = rows_of(schema)
    since = datetime.datetime.fromisoformat(index.updated_at) - STRAGGLERS
    query = _with_terms(schema, index).where(table.c["_updated"] >= since)
    after = 0
    while True:
        page = query.where(table.c["_id"] > after).limit(ROWS_BATCH)
        rows = db.session.execute(page).mappings().all()
        if not rows:
            return
        after = rows[-1]["_id"]
        wrong = [
            row["_id"] for row in rows if terms.terms_of(schema, index, row) != row[index.name]
        ]
        if not wrong:
            continue
        locked = _with_terms(schema, index).where(table.c["_id"].in_(wrong)).with_for_update()
        for row in db.session.execute(locked).mappings().all():
            db.session.execute(
                sa.update(table).where(table.c["_id"] == row["_id"]),
                {index.name: terms.terms_of(schema, index, row)},
            )


def _with_terms(schema: Schema, index: Index) -> sa.Select[Any]:
    """Rows, in their order, with their terms and what those are made of."""
    table = rows_of(schema)
    names = ("_id", index.name, *terms.columns_of(schema, index))
    return sa.select(*(table.c[name] for name in names)).order_by(table.c["_id"])


def _make_fts(connection: Connection, schema: Schema, index: Index) -> None:
    """SQLite's way, an index beside the table: https://sqlite.org/fts5.html, "External Content
    Tables"."""
    fts, table, column = terms.fts_of(schema, index), f"c_{schema.id}", index.name
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
