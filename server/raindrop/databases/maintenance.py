"""What operators ask: how large collections are, whether their tables are as they should be, and
making them so."""

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import sqlalchemy as sa

from raindrop.core.db import db, utc_now
from raindrop.core.tenancy import Project, get_tenant, tenant_of
from raindrop.databases import ddl, index_ddl, pairs
from raindrop.databases.collections import get_schema
from raindrop.databases.errors import IndexNotFound
from raindrop.databases.models import AttributeRow, Collection, Database, IndexRow, Status
from raindrop.databases.rows import insert_permissions
from raindrop.databases.schema import Schema
from raindrop.databases.schema_store import load_schema, load_schemas
from raindrop.databases.tables import has_column, permissions_of, rows_of
from raindrop.jobs.models import Job
from raindrop.jobs.service import create_job

ROWS_BATCH = 1000


class Size(NamedTuple):
    """A collection and how much there is of it; the size in bytes is None where it is unknown."""

    project: str
    database: str
    collection: str
    rows: int
    size_bytes: int | None


class Finding(NamedTuple):
    """Something that is not as it is recorded; ``what`` is for a person to read."""

    project: str
    database: str
    collection: str
    number: int
    what: str


def every_schema() -> Iterator[Schema]:
    """Every collection of every project that is not deleted."""
    for project in db.session.scalars(sa.select(Project).where(Project.deleted_at.is_(None))).all():
        numbers = db.session.scalars(
            sa.select(Collection.id)
            .join(Database, Database.id == Collection.database_id)
            .where(Collection.project_id == project.id, Collection.deleted_at.is_(None))
            .order_by(Database.public_id, Collection.public_id)
        )
        yield from load_schemas(tenant_of(project), numbers.all())


def find_schema(collection_id: int) -> Schema | None:
    """A collection by its number, whosever it is; ``None``: it is deleted."""
    row = db.session.get(Collection, collection_id, populate_existing=True)
    project = db.session.get(Project, row.project_id) if row else None
    return load_schema(tenant_of(project), collection_id) if project else None


def sizes() -> Iterator[Size]:
    """How large each collection is, with its permissions and indexes."""
    bytes_of = _table_bytes()
    for schema in every_schema():
        count = 0
        if schema.has_table:
            count = db.session.scalar(sa.select(sa.func.count()).select_from(rows_of(schema))) or 0
        parts = [size for name, size in bytes_of.items() if _belongs(name, schema.id)]
        where = (schema.project, schema.database, schema.public_id)
        yield Size(*where, count, sum(parts) if bytes_of else None)


def _table_bytes() -> dict[str, int]:
    """The bytes of each table of collections; empty where the database does not tell."""
    if db.engine.dialect.name == "sqlite":
        return {}
    query = sa.text(
        "SELECT table_name, data_length + index_length FROM information_schema.tables"
        " WHERE table_schema = DATABASE() AND table_name LIKE 'c\\_%'"
    )
    return {name: int(size) for name, size in db.session.execute(query)}


def _belongs(table: str, collection_id: int) -> bool:
    return bool(re.match(rf"c_{collection_id}(_|$)", table))


def check() -> Iterator[Finding]:
    """Compare what is recorded of every collection with its real tables."""
    tables = sa.inspect(db.session.connection()).get_table_names()
    for schema in every_schema():
        for what in check_schema(schema, tables):
            yield Finding(schema.project, schema.database, schema.public_id, schema.id, what)


def check_schema(schema: Schema, tables: Sequence[str]) -> list[str]:
    """What is not as it should be of one collection; empty: nothing.

    Args:
        tables: the names of the database's tables.
    """
    if not schema.has_table:
        return []
    inspector = sa.inspect(db.session.connection())
    table, entries = f"c_{schema.id}", permissions_of(schema.id)
    missing = [name for name in (table, entries.name) if not inspector.has_table(name)]
    if missing:
        return [f"the table {name} is missing" for name in missing]
    columns = {column["name"] for column in inspector.get_columns(table)}
    indexes = {str(index["name"]) for index in inspector.get_indexes(table)}
    found = [
        f"the column {each.column} of the attribute {each.key!r} is missing"
        for each in schema.available.values()
        if has_column(each) and each.column not in columns
    ]
    known = {attribute.column for attribute in schema.attributes}
    orphans = sorted(c for c in columns if re.match(r"a_\d", c) and c not in known)
    found += [f"the column {column} belongs to no attribute" for column in orphans]
    found += [
        f"the index {index.name} ({index.key!r}) is missing"
        for index in schema.indexes
        if index.status == Status.AVAILABLE
        and index.type != "fulltext"
        and index.name not in indexes
    ]
    return found + _check_permissions(schema) + pairs.check(inspector, schema, tables)


def _check_permissions(schema: Schema) -> list[str]:
    table, entries = rows_of(schema), permissions_of(schema.id)
    is_entered = sa.exists().where(entries.c.row_id == table.c["_id"])
    query = sa.select(sa.func.count()).select_from(table)
    bare = sa.type_coerce(table.c["_permissions"], sa.Text) != "[]"
    unentered = db.session.scalar(query.where(bare, ~is_entered)) or 0
    has_row = sa.exists().where(table.c["_id"] == entries.c.row_id)
    left = db.session.scalar(sa.select(sa.func.count()).select_from(entries).where(~has_row))
    found = []
    if unentered:
        found.append(f"{unentered} rows are not in the table of permissions")
    if left:
        found.append(f"{left} entries of the table of permissions are of rows that are not there")
    return found


def begin_repair(numbers: Sequence[int]) -> list[Job]:
    """A job for each of these collections that makes its tables as they should be."""
    return [
        create_job("databases.repair", queue="databases", params={"collection": number})
        for number in numbers
    ]


def begin_rebuild(project: str, database: str, collection: str, key: str) -> Job:
    """A job that drops an index and makes it anew; until then queries do without it.

    Raises:
        ProjectNotFound, DatabaseNotFound, CollectionNotFound, IndexNotFound
    """
    tenant = get_tenant(project)
    schema = get_schema(tenant, database, collection)
    index = next((each for each in schema.indexes if each.key == key), None)
    if index is None:
        raise IndexNotFound
    params = {"collection": schema.id, "index": index.id}
    return create_job("databases.rebuild_index", queue="databases", params=params)


def rebuild_index(schema: Schema, index_id: int) -> Iterator[int]:
    """Drop an index and make it anew.

    Yields:
        after each step, how many there were; what lies between is one transaction.
    """
    index = next((each for each in schema.indexes if each.id == index_id), None)
    if index is None or index.status == Status.DELETING:
        return
    with ddl.ddl_connection(schema.id) as connection:
        index_ddl.drop(connection, schema, index)
    db.session.execute(
        sa.update(IndexRow)
        .where(IndexRow.id == index_id)
        .values(status=Status.PROCESSING, error="", is_written=False, updated_at=utc_now())
    )
    ddl.forget(schema)
    yield 1
    for done in ddl.converge(schema.id):
        yield done + 1


def repair(schema: Schema) -> Iterator[int]:
    """Make a collection's tables as they are recorded; values of a column that was lost are lost.

    Yields:
        after each step, how many there were; what lies between is one transaction.
    """
    _drop_wrong(schema.id)
    yield 1
    _reopen(schema)
    yield 2
    done = 2
    for changes in ddl.converge(schema.id):
        done = 2 + changes
        yield done
    for _ in pairs.unlink_lost(schema):
        done += 1
        yield done
    yield from _enter_permissions(schema, done)


def _drop_wrong(collection_id: int) -> None:
    """Drop columns and tables that belong to nothing."""
    with ddl.ddl_connection(collection_id) as connection:
        # Read under the lock: whatever was made before it is recorded by now.
        schema = find_schema(collection_id)
        if schema is None:
            return
        known = {attribute.column for attribute in schema.attributes}
        for column in ddl.column_names(connection, f"c_{collection_id}"):
            if re.match(r"a_\d", column) and column not in known:
                ddl.drop_column(connection, collection_id, column)
        pairs.drop_wrong(connection, schema)


def _reopen(schema: Schema) -> None:
    """Mark as unmade whatever is not there, so that converging makes it."""
    inspector = sa.inspect(db.session.connection())
    table, now = f"c_{schema.id}", utc_now()
    db.session.execute(
        sa.update(Collection).where(Collection.id == schema.id).values(schema_version=0)
    )
    has_table = inspector.has_table(table)
    columns = {c["name"] for c in inspector.get_columns(table)} if has_table else set()
    indexes = {i["name"] for i in inspector.get_indexes(table)} if has_table else set()
    lost = [a.id for a in schema.available.values() if has_column(a) and a.column not in columns]
    gone = [i.id for i in schema.indexes if i.status == Status.AVAILABLE and i.name not in indexes]
    for model, numbers in ((AttributeRow, lost), (IndexRow, gone)):
        db.session.execute(
            sa.update(model)
            .where(model.id.in_(numbers))
            .values(status=Status.PROCESSING, updated_at=now)
        )
    pairs.reopen(schema)
    ddl.forget(schema)


def _enter_permissions(schema: Schema, done: int) -> Iterator[int]:
    """Make the table of permissions anew from the rows, in batches."""
    table, entries = rows_of(schema), permissions_of(schema.id)
    columns = [table.c[name] for name in ("_id", "_created", "_permissions")]
    has_row = sa.exists().where(table.c["_id"] == entries.c.row_id)
    db.session.execute(sa.delete(entries).where(~has_row))
    after = 0
    while True:
        query = sa.select(*columns).where(table.c["_id"] > after).order_by(table.c["_id"])
        rows = db.session.execute(query.limit(ROWS_BATCH).with_for_update()).mappings().all()
        if not rows:
            break
        after = rows[-1]["_id"]
        numbers = [row["_id"] for row in rows]
        db.session.execute(sa.delete(entries).where(entries.c.row_id.in_(numbers)))
        insert_permissions(schema, rows)
        done += 1
        yield done
    ddl.forget(schema)
