"""Changing the real tables, in the worker only: DDL commits implicitly in MySQL, so no request
runs any.

:func:`converge` brings a collection's tables to what is recorded of it. It looks at what is there
before each change, so it goes on where an attempt before it was killed, and of two at once one
waits for the other.
"""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import sqlalchemy as sa
from sqlalchemy.engine import Connection
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.schema import CreateColumn, CreateIndex, CreateTable

from raindrop.core.cache import get_cache
from raindrop.core.db import db, utc_now
from raindrop.core.errors import ServiceUnavailable
from raindrop.core.tenancy import Project, tenant_of
from raindrop.databases.models import AttributeRow, Collection, IndexRow, Status
from raindrop.databases.schema import Attribute, Schema, collection_tag, load_schema
from raindrop.databases.tables import (
    SCHEMA_VERSION,
    column_type,
    has_column,
    permissions_of,
    rows_of,
    table_options,
)

log = logging.getLogger(__name__)

LOCK_WAIT_S = 30
"""How long one change of a collection waits for another."""
METADATA_WAIT_S = 20
"""How long a change waits for the transactions that use the table; others wait behind it."""


@contextmanager
def ddl_connection(collection_id: int) -> Iterator[Connection]:
    """A connection for DDL on a collection's tables; one at a time for each collection.

    On SQLite, where DDL is part of a transaction, it is the session's own.

    Raises:
        ServiceUnavailable: another change takes long.
    """
    if db.engine.dialect.name == "sqlite":
        yield db.session.connection()
        return
    with db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        lock = {"name": f"raindrop c_{collection_id}", "seconds": LOCK_WAIT_S}
        got = connection.scalar(sa.text("SELECT GET_LOCK(:name, :seconds)"), lock)
        if got != 1:
            raise ServiceUnavailable("Another change of the collection takes long.")
        connection.exec_driver_sql(f"SET SESSION lock_wait_timeout = {METADATA_WAIT_S}")
        try:
            yield connection
        finally:
            connection.execute(sa.text("SELECT RELEASE_LOCK(:name)"), lock)


def make_tables(connection: Connection, schema: Schema) -> None:
    """Make the collection's tables where they are not there."""
    for table in (rows_of(schema), permissions_of(schema.id)):
        if not sa.inspect(connection).has_table(table.name):
            statement = CreateTable(table).compile(dialect=connection.dialect)
            connection.exec_driver_sql(f"{statement} {table_options(connection.dialect)}")
        have = {index["name"] for index in sa.inspect(connection).get_indexes(table.name)}
        for index in table.indexes:
            if index.name not in have:
                connection.execute(CreateIndex(index))


def add_column(connection: Connection, schema: Schema, attribute: Attribute) -> None:
    """Add an attribute's column where it is not there."""
    table = f"c_{schema.id}"
    if attribute.column in column_names(connection, table):
        return
    column = sa.Column(attribute.column, column_type(attribute))
    sa.Table(table, sa.MetaData(), column)
    definition = CreateColumn(column).compile(dialect=connection.dialect)
    connection.exec_driver_sql(f"ALTER TABLE {table} ADD COLUMN {definition}")


def drop_column(connection: Connection, collection_id: int, name: str) -> None:
    """Drop a column where it is there."""
    table = f"c_{collection_id}"
    if name in column_names(connection, table):
        connection.exec_driver_sql(f"ALTER TABLE {table} DROP COLUMN {name}")


def column_names(connection: Connection, table: str) -> set[str]:
    """The names of a table's columns; empty where there is no table."""
    inspector = sa.inspect(connection)
    if not inspector.has_table(table):
        return set()
    return {column["name"] for column in inspector.get_columns(table)}


def drop_tables(connection: Connection, collection_id: int) -> None:
    """Drop every table of a collection."""
    for name in sa.inspect(connection).get_table_names():
        if name == f"c_{collection_id}" or name.startswith(f"c_{collection_id}_"):
            connection.exec_driver_sql(f"DROP TABLE IF EXISTS {name}")


def converge(collection_id: int) -> Iterator[int]:
    """Bring a collection's tables to what is recorded of it, one change a step.

    Yields:
        after each change, how many there were; what lies between is committed by the caller.
    """
    done = 0
    while change := _next_change(collection_id):
        change()
        done += 1
        yield done


Change = Callable[[], None]


def _next_change(collection_id: int) -> Change | None:
    """The next thing to do for a collection; ``None``: its tables are as they should be."""
    row = db.session.get(Collection, collection_id, populate_existing=True)
    if row is None or row.deleted_at is not None:
        return None
    schema = _schema(row)
    if schema.schema_version != SCHEMA_VERSION:
        return lambda: _make(row, schema)
    for attribute in schema.attributes:
        if attribute.status == Status.DELETING:
            return lambda: _drop_attribute(schema, attribute)  # called at once
        if attribute.status == Status.PROCESSING:
            return lambda: _add_attribute(schema, attribute)
    return None


def _schema(row: Collection) -> Schema:
    project = db.session.get_one(Project, row.project_id)
    schema = load_schema(tenant_of(project), row.id)
    assert schema is not None
    return schema


def _make(row: Collection, schema: Schema) -> None:
    with ddl_connection(schema.id) as connection:
        make_tables(connection, schema)
    row.schema_version = SCHEMA_VERSION
    forget(schema)


def _add_attribute(schema: Schema, attribute: Attribute) -> None:
    """Make an attribute available, or say why it failed."""
    error = ""
    if has_column(attribute):
        try:
            with ddl_connection(schema.id) as connection:
                add_column(connection, schema, attribute)
        except DBAPIError as problem:
            error = explain(problem)
    status = Status.FAILED if error else Status.AVAILABLE
    set_status(AttributeRow, attribute.id, Status.PROCESSING, status, error)
    forget(schema)


def _drop_attribute(schema: Schema, attribute: Attribute) -> None:
    with ddl_connection(schema.id) as connection:
        drop_column(connection, schema.id, attribute.column)
    db.session.execute(sa.delete(AttributeRow).where(AttributeRow.id == attribute.id))
    forget(schema)


def set_status(
    model: type[AttributeRow] | type[IndexRow],
    number: int,
    before: Status,
    after: Status,
    error: str,
) -> None:
    """Record where an attribute or an index stands, unless somebody changed it meanwhile."""
    db.session.execute(
        sa.update(model)
        .where(model.id == number, model.status == before)
        .values(status=after, error=error[:500], updated_at=utc_now()),
        execution_options={"synchronize_session": False},
    )


def forget(schema: Schema) -> None:
    """Drop what is cached of a collection once the change is committed."""
    get_cache().invalidate(
        collection_tag(schema.project, schema.database, schema.public_id), schema.rows_tag
    )


def explain(problem: DBAPIError) -> str:
    """What the database says, for the person who asked for the change.

    Raises:
        OperationalError: what passes by itself, such as a lost connection: the job tries again.
    """
    code = getattr(problem.orig, "args", (None,))[0]
    if isinstance(problem, OperationalError) and (problem.connection_invalidated or code == 1205):
        raise problem
    log.warning("a table could not be changed: %s", problem.orig)
    return str(getattr(problem.orig, "args", ("",))[-1])
