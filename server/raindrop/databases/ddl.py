"""Changing the real tables, in the worker only: DDL commits implicitly in MySQL, so no request
runs any.

:func:`converge` brings a collection's tables to what is recorded of it. It looks at what is there
before each change, so it goes on where an attempt before it was killed, and of two at once one
waits for the other.
"""

import logging
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import sqlalchemy as sa
from sqlalchemy.engine import Connection
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.schema import CreateColumn, CreateIndex, CreateTable

from raindrop.core.cache import get_cache
from raindrop.core.db import db, utc_now
from raindrop.core.errors import ServiceUnavailable
from raindrop.core.tenancy import Project, tenant_of
from raindrop.databases import index_ddl, relation_ddl
from raindrop.databases.models import AttributeRow, Collection, IndexRow, Status
from raindrop.databases.schema import Attribute, Index, Relation, Schema, collection_tag, rows_tag
from raindrop.databases.schema_store import load_schema
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
PASSING = {1205, 1213, *range(2002, 2014)}
"""MySQL's errors that pass by themselves: a lock waited for too long, a deadlock, no connection."""
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


def add_columns(connection: Connection, schema: Schema, attributes: Sequence[Attribute]) -> None:
    """Add the columns of attributes where they are not there; one statement where that can be."""
    table = f"c_{schema.id}"
    have = column_names(connection, table)
    definitions = [
        _definition(connection, table, each) for each in attributes if each.column not in have
    ]
    if connection.dialect.name == "sqlite":
        for definition in definitions:
            connection.exec_driver_sql(f"ALTER TABLE {table} ADD COLUMN {definition}")
    elif definitions:
        adding = ", ".join(f"ADD COLUMN {definition}" for definition in definitions)
        connection.exec_driver_sql(f"ALTER TABLE {table} {adding}")


def widen_column(connection: Connection, schema: Schema, attribute: Attribute) -> None:
    """Give a text's column the type of its new size; SQLite's texts have no size."""
    if connection.dialect.name == "sqlite":
        return
    table = f"c_{schema.id}"
    definition = _definition(connection, table, attribute)
    connection.exec_driver_sql(f"ALTER TABLE {table} MODIFY COLUMN {definition}")


def _definition(connection: Connection, table: str, attribute: Attribute) -> str:
    column = sa.Column(attribute.column, column_type(attribute))
    sa.Table(table, sa.MetaData(), column)
    return str(CreateColumn(column).compile(dialect=connection.dialect))


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
        pause_s = change()
        done += 1
        yield done
        time.sleep(pause_s or 0)  # in no transaction


Change = Callable[[], float | None]
"""Returns the seconds to wait before the next change."""


def _next_change(collection_id: int) -> Change | None:
    """The next thing to do for a collection; ``None``: its tables are as they should be."""
    row = db.session.get(Collection, collection_id, populate_existing=True)
    if row is None or row.deleted_at is not None:
        return None
    schema = _schema(row)
    if schema.schema_version != SCHEMA_VERSION:
        return lambda: _make(schema)
    return (
        _index_change(schema, Status.DELETING)
        or _attribute_change(schema)
        or _index_change(schema, Status.PROCESSING)
    )


def _attribute_change(schema: Schema) -> Change | None:
    gone = [each for each in schema.attributes if each.status == Status.DELETING]
    if gone:
        drop = _drop_attribute if gone[0].relation is None else _drop_relationship
        return lambda: drop(schema, gone[0])
    new = [each for each in schema.attributes if each.status == Status.PROCESSING]
    if related := next((each for each in new if each.relation is not None), None):
        return lambda: _make_relationship(schema, related)
    if grown := next((each for each in new if each.grown_from is not None), None):
        return lambda: _widen_attribute(schema, grown)
    return (lambda: _add_attributes(schema, new)) if new else None


def _index_change(schema: Schema, status: Status) -> Change | None:
    index = next((each for each in schema.indexes if each.status == status), None)
    if index is None:
        return None
    if status == Status.DELETING:
        return lambda: _drop_index(schema, index)
    return lambda: _make_index(schema, index)


def _schema(row: Collection) -> Schema:
    project = db.session.get_one(Project, row.project_id)
    schema = load_schema(tenant_of(project), row.id)
    assert schema is not None
    return schema


def _make(schema: Schema) -> None:
    with ddl_connection(schema.id) as connection:
        if not _is_there(schema.id):
            return
        make_tables(connection, schema)
    db.session.execute(
        sa.update(Collection)
        .where(Collection.id == schema.id)
        .values(schema_version=SCHEMA_VERSION),
        execution_options={"synchronize_session": False},
    )
    forget(schema)


def _is_there(collection_id: int) -> bool:
    """Whether nobody deleted the collection while the lock was waited for."""
    query = sa.select(Collection.deleted_at).where(Collection.id == collection_id)
    row = db.session.execute(query).one_or_none()
    return row is not None and row.deleted_at is None


def _add_attributes(schema: Schema, attributes: Sequence[Attribute]) -> None:
    """Make attributes available, or say of each why it failed."""
    columns = [each for each in attributes if has_column(each)]
    errors: dict[int, str] = {}
    try:
        with ddl_connection(schema.id) as connection:
            add_columns(connection, schema, columns)
    except DBAPIError as problem:
        if len(columns) > 1:
            explain(problem)  # raises what passes by itself
            _add_attributes(schema, columns[:1])  # the others are the next changes
            return
        errors = {each.id: explain(problem) for each in columns}
    for each in attributes:
        error = errors.get(each.id, "")
        status = Status.FAILED if error else Status.AVAILABLE
        set_status(AttributeRow, each.id, Status.PROCESSING, status, error)
    forget(schema)


def _widen_attribute(schema: Schema, attribute: Attribute) -> None:
    """Make a text's column wider; if that cannot be, the attribute keeps its size."""
    row = db.session.get_one(AttributeRow, attribute.id, populate_existing=True)
    details = {key: value for key, value in row.details.items() if key != "grown_from"}
    try:
        with ddl_connection(schema.id) as connection:
            widen_column(connection, schema, attribute)
    except DBAPIError as problem:
        row.error = explain(problem)[:500]
        row.size = attribute.length_max
    row.details, row.status, row.updated_at = details, Status.AVAILABLE, utc_now()
    forget(schema)


def _drop_attribute(schema: Schema, attribute: Attribute) -> None:
    error = ""
    try:
        with ddl_connection(schema.id) as connection:
            drop_column(connection, schema.id, attribute.column)
    except DBAPIError as problem:
        error = explain(problem)
    if error:
        set_status(AttributeRow, attribute.id, Status.DELETING, Status.STUCK, error)
    else:
        db.session.execute(sa.delete(AttributeRow).where(AttributeRow.id == attribute.id))
    forget(schema)


def _make_relationship(schema: Schema, attribute: Attribute) -> None:
    """Make a relationship's pairs; both its sides become available together."""
    parent_id, relation = _parent_of(schema, attribute)
    error = ""
    try:
        with ddl_connection(parent_id) as connection:
            relation_ddl.make(connection, parent_id, relation)
    except DBAPIError as problem:
        error = explain(problem)
    status = Status.FAILED if error else Status.AVAILABLE
    for row in relation_ddl.rows_of_relationship(relation, schema.id):
        set_status(AttributeRow, row.id, Status.PROCESSING, status, error)
    forget_both(schema, relation)


def _drop_relationship(schema: Schema, attribute: Attribute) -> None:
    parent_id, relation = _parent_of(schema, attribute)
    error = ""
    try:
        with ddl_connection(parent_id) as connection:
            relation_ddl.drop(connection, parent_id, relation)
    except DBAPIError as problem:
        error = explain(problem)
    for row in relation_ddl.rows_of_relationship(relation, schema.id):
        if error:
            set_status(AttributeRow, row.id, Status.DELETING, Status.STUCK, error)
        else:
            db.session.execute(sa.delete(AttributeRow).where(AttributeRow.id == row.id))
    forget_both(schema, relation)


def _parent_of(schema: Schema, attribute: Attribute) -> tuple[int, Relation]:
    """The number of the collection on a relationship's parent side, and its options."""
    relation = attribute.relation
    assert relation is not None
    return schema.id if relation.side == "parent" else relation.collection_id, relation


def forget_both(schema: Schema, relation: Relation) -> None:
    """Drop what is cached of both sides of a relationship once the change is committed."""
    forget(schema)
    get_cache().invalidate(
        collection_tag(schema.project, schema.database, relation.collection),
        rows_tag(relation.collection_id),
    )


def _make_index(schema: Schema, index: Index) -> float:
    """Do the next step of making an index; the last makes it available."""
    error = ""
    try:
        with ddl_connection(schema.id) as connection:
            if not index_ddl.make(connection, schema, index):
                forget(schema)
                is_new = index.type == "fulltext" and not index.is_written
                return index_ddl.SETTLING_S if is_new else 0
    except DBAPIError as problem:
        error = explain(problem)
    status = Status.FAILED if error else Status.AVAILABLE
    set_status(IndexRow, index.id, Status.PROCESSING, status, error)
    forget(schema)
    return 0


def _drop_index(schema: Schema, index: Index) -> None:
    error = ""
    try:
        with ddl_connection(schema.id) as connection:
            index_ddl.drop(connection, schema, index)
    except DBAPIError as problem:
        error = explain(problem)
    if error:
        set_status(IndexRow, index.id, Status.DELETING, Status.STUCK, error)
    else:
        db.session.execute(sa.delete(IndexRow).where(IndexRow.id == index.id))
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
    if isinstance(problem, OperationalError) and (
        problem.connection_invalidated or code in PASSING
    ):
        raise problem
    log.warning("a table could not be changed: %s", problem.orig)
    return (code and _REASONS.get(code)) or _reason_of_sqlite(str(problem.orig))


_TWICE = "Some documents have the same values, so they cannot be unique."
_REASONS = {
    1048: "Some documents have no value, which such an index needs.",
    1062: _TWICE,
    1071: "The index would be too long; give shorter lengths, or fewer attributes.",
    1117: "The table has as many columns as it can have.",
    1118: "The rows would be too wide. Make strings shorter, or delete other attributes.",
    1138: "Some documents have no value, which such an index needs.",
    1265: "Some documents have values that do not fit.",
    1406: "Some documents have values that do not fit.",
}
"""What MySQL's errors mean here: their own words are about our names for things."""


def _reason_of_sqlite(text: str) -> str:
    if text.startswith("UNIQUE constraint failed"):
        return _TWICE
    return "The database could not do it; the server's log says why."
