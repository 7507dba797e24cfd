"""Deleting collections and databases: gone for everybody at once; jobs drop the tables.

The rows of what is deleted stay until the tables are gone, so that a job that was killed finds
them again; their public ids are free at once.
"""

import datetime
import re
from collections.abc import Iterator

import sqlalchemy as sa

from raindrop.core.access import Actor
from raindrop.core.db import db, utc_now
from raindrop.databases.collections import publish_collection
from raindrop.databases.ddl import ddl_connection, drop_tables
from raindrop.databases.models import AttributeRow, Collection, Database, IndexRow, Status
from raindrop.databases.relationships import forget_collection
from raindrop.databases.service import (
    find_collection,
    forget_database,
    get_database,
    publish_database,
)
from raindrop.jobs.models import ENDED, Job
from raindrop.jobs.service import create_job

PATIENCE = datetime.timedelta(seconds=60)
"""What is unfinished for so long, and has no job, gets one."""

SWEPT_MAX = 200
"""So many collections get a job in one sweep."""


def delete_collection(actor: Actor, database_id: str, public_id: str) -> None:
    """Delete a collection.

    Raises:
        DatabaseNotFound, CollectionNotFound
    """
    collection = find_collection(actor.tenant, database_id, public_id, lock=True)
    publish_collection(actor, database_id, collection, "delete")
    forget_collection(collection)
    _mark(collection)
    create_job("databases.drop", queue="databases", params={"collection": collection.id})


def delete_database(actor: Actor, public_id: str) -> None:
    """Delete a database with its collections.

    Raises:
        DatabaseNotFound
    """
    database = get_database(actor.tenant, public_id, lock=True)
    publish_database(actor, database, "delete")
    forget_database(actor.tenant, database)
    for collection in db.session.scalars(
        sa.select(Collection)
        .where(Collection.database_id == database.id, Collection.deleted_at.is_(None))
        .with_for_update()
    ):
        _mark(collection)
    database.deleted_at, database.public_id = utc_now(), f"~{database.id}"
    create_job("databases.delete", queue="databases", params={"database": database.id})


def drop_database(database_id: int) -> Iterator[int]:
    """Drop the tables of a deleted database's collections, then forget it.

    Yields:
        after each collection, how many were dropped; what lies between is one transaction.
    """
    database = db.session.get(Database, database_id, populate_existing=True)
    if database is None or database.deleted_at is None:
        return
    query = sa.select(Collection.id).where(Collection.database_id == database_id)
    for done, collection_id in enumerate(db.session.scalars(query).all(), start=1):
        drop_collection(collection_id)
        yield done
    db.session.execute(sa.delete(Database).where(Database.id == database_id))


def drop_collection(collection_id: int) -> None:
    """Drop the tables of a deleted collection, then forget it; a repeat finds less to do."""
    collection = db.session.get(Collection, collection_id, populate_existing=True)
    if collection is None or collection.deleted_at is None:
        return
    with ddl_connection(collection_id) as connection:
        drop_tables(connection, collection_id)
    for model in (IndexRow, AttributeRow):
        db.session.execute(sa.delete(model).where(model.collection_id == collection_id))
    db.session.execute(sa.delete(Collection).where(Collection.id == collection_id))


def drop_tables_of_project(project_id: int) -> Iterator[int]:
    """Drop the tables of a deleted project's collections; their rows go with the project's others.

    Yields:
        1 after each collection; what lies between is one transaction.
    """
    query = sa.select(Collection.id).where(Collection.project_id == project_id)
    for collection_id in db.session.scalars(query).all():
        with ddl_connection(collection_id) as connection:
            drop_tables(connection, collection_id)
        yield 1


def sweep() -> None:
    """Give a job to what is unfinished and has none, drop tables that belong to nothing."""
    before = utc_now() - PATIENCE
    at_work = _at_work()
    for kind, name, numbers in (
        ("databases.converge", "collection", _unfinished(before)),
        ("databases.drop", "collection", _deleted(Collection, before)),
        ("databases.delete", "database", _deleted(Database, before)),
    ):
        for number in numbers:
            if (kind, number) not in at_work:
                create_job(kind, queue="databases", params={name: number})
    for collection_id in orphans():
        with ddl_connection(collection_id) as connection:
            drop_tables(connection, collection_id)


def orphans() -> list[int]:
    """The numbers of collections that are no more, whose tables are still there."""
    names = sa.inspect(db.session.connection()).get_table_names()
    numbers = {int(match[1]) for name in names if (match := re.match(r"c_(\d+)(?:_|$)", name))}
    known = set(db.session.scalars(sa.select(Collection.id)))
    return sorted(numbers - known)


def _mark(collection: Collection) -> None:
    """Make a collection one that nobody finds, and its id free."""
    collection.deleted_at, collection.public_id = utc_now(), f"~{collection.id}"


def _at_work() -> set[tuple[str, int]]:
    """Kind and number of every job of the room that has not ended."""
    query = sa.select(Job.kind, Job.params).where(
        Job.queue == "databases", Job.status.not_in(ENDED)
    )
    return {
        (kind, number) for kind, params in db.session.execute(query) for number in params.values()
    }


def _unfinished(before: datetime.datetime) -> list[int]:
    """Collections with something in the making or being deleted since before a time."""
    open_states = (Status.PROCESSING, Status.DELETING)
    unmade = sa.select(Collection.id).where(
        Collection.schema_version == 0, Collection.updated_at < before
    )
    parts = (
        sa.select(model.collection_id).where(
            model.status.in_(open_states), model.updated_at < before
        )
        for model in (AttributeRow, IndexRow)
    )
    some = sa.union(unmade, *parts).subquery()
    query = (
        sa.select(Collection.id)
        .where(Collection.id.in_(sa.select(some.c.id)), Collection.deleted_at.is_(None))
        .limit(SWEPT_MAX)
    )
    return list(db.session.scalars(query))


def _deleted(model: type[Collection] | type[Database], before: datetime.datetime) -> list[int]:
    query = sa.select(model.id).where(model.deleted_at < before).limit(SWEPT_MAX)
    return list(db.session.scalars(query))
