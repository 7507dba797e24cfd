"""The database: session, base model, UTC type, unit of work.

Only :func:`unit_of_work` commits. It is opened by the request wrapper and by the task wrapper;
services work in the session that is open.
"""

import datetime
import json
import logging
import math
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import sqlalchemy as sa
from flask import Flask
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import event
from sqlalchemy.dialects import mysql
from sqlalchemy.engine import Connection, Dialect, Engine
from sqlalchemy.exc import DBAPIError, DisconnectionError, OperationalError
from sqlalchemy.orm import DeclarativeBase, Session, SessionTransaction
from sqlalchemy.pool import ConnectionPoolEntry, QueuePool

from raindrop.config import Settings
from raindrop.core import mysql as mysql_driver
from raindrop.core.errors import ServiceUnavailable

log = logging.getLogger(__name__)

T = TypeVar("T")

CONNECTION_WAIT_S = 20.0
"""The longest that a request waits for one of its process's database connections."""

PING_AFTER_S = 1.0
SQLITE_BUSY_MS = 20
MYSQL_DEADLOCK = 1213
TIMEOUTS = (1969, 3024)
"""What MariaDB and MySQL answer when a statement took too long."""
MYSQL_OUTDATED = (1054, 1146, 1406, 1412)
"""No such column, no such table, text too long for its column, table changed meanwhile."""
SQLITE_OUTDATED = ("no such column", "no such table", "table c_")
"""How SQLite's words for the same begin; the last: ``table c_1 has no column named …``."""
SQLITE_WRITE_WAIT_S = 10.0


class Base(DeclarativeBase):
    """The base of every model."""

    metadata = sa.MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )


BigId = sa.BigInteger().with_variant(sa.Integer, "sqlite")
"""The type of integer keys: SQLite counts up only in a column of exactly ``INTEGER``."""


class UtcDateTime(sa.types.TypeDecorator[datetime.datetime]):
    """A time zone aware UTC time of millisecond precision, on both databases."""

    impl = sa.DateTime
    cache_ok = True

    @property
    def python_type(self) -> type[datetime.datetime]:
        """What values of it are, for who compares with them."""
        return datetime.datetime

    def load_dialect_impl(self, dialect: Dialect) -> sa.types.TypeEngine[Any]:
        if dialect.name == "mysql":
            return dialect.type_descriptor(mysql.DATETIME(fsp=3))
        return dialect.type_descriptor(sa.DateTime())

    def process_bind_param(
        self, value: datetime.datetime | None, dialect: Dialect
    ) -> datetime.datetime | None:
        if value is None:
            return None
        if value.tzinfo is not datetime.UTC:
            value = value.astimezone(datetime.UTC)
        return value.replace(tzinfo=None, microsecond=value.microsecond // 1000 * 1000)

    def process_result_value(
        self, value: datetime.datetime | None, dialect: Dialect
    ) -> datetime.datetime | None:
        return None if value is None else value.replace(tzinfo=datetime.UTC)


class FairPool(QueuePool):
    """A pool whose waiters wait in front of it.

    ``QueuePool`` wakes waiters unfairly under gevent (a p99 of seconds). A semaphore as large as
    the pool, in front of it, hands them out about in order and turns a wait that is too long
    into a 503 instead of a time-out in the middle of the driver.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._places = threading.BoundedSemaphore(self.size())

    def _do_get(self) -> ConnectionPoolEntry:
        if not self._places.acquire(timeout=CONNECTION_WAIT_S):
            raise ServiceUnavailable("Too many requests wait for the database; try again soon.")
        try:
            return super()._do_get()
        except BaseException:
            self._places.release()
            raise

    def _do_return_conn(self, record: ConnectionPoolEntry) -> None:
        try:
            super()._do_return_conn(record)
        finally:
            self._places.release()


db = SQLAlchemy(model_class=Base, session_options={"expire_on_commit": False})


def utc_now() -> datetime.datetime:
    """The current time, of the precision that the database keeps."""
    now = datetime.datetime.now(datetime.UTC)
    return now.replace(microsecond=now.microsecond // 1000 * 1000)


def init_db(app: Flask, settings: Settings) -> None:
    """Configure the engine. Nothing connects before the first query."""
    app.config["SQLALCHEMY_DATABASE_URI"] = settings.sqlalchemy_url
    app.config["SQLALCHEMY_ENGINE_OPTIONS"] = engine_options(settings)
    db.init_app(app)
    with app.app_context():
        if settings.is_sqlite:
            event.listen(db.engine, "connect", _prepare_sqlite)
        else:
            event.listen(db.engine, "do_connect", mysql_driver.connect)
            event.listen(db.engine, "before_cursor_execute", _limit_time, retval=True)
            event.listen(db.engine, "checkin", _note_use)
            event.listen(db.engine, "checkout", _check_idle)


def engine_options(settings: Settings) -> dict[str, Any]:
    """What ``create_engine`` is given for this database."""
    options: dict[str, Any] = {
        "poolclass": FairPool,
        "pool_size": settings.database_pool,
        "max_overflow": 0,
        "json_serializer": _write_json,
        "json_deserializer": _read_json,
    }
    if not settings.is_sqlite:
        options |= {
            # A unit of work ends with a commit or a rollback; the pool's own would be a third.
            "pool_reset_on_return": None,
            # Plain reads see what is committed at their own start: a page loaded after a
            # generation was raised must not come from an older snapshot.
            "isolation_level": "READ COMMITTED",
            "connect_args": {
                "charset": "utf8mb4",
                "connect_timeout": 3,
                "read_timeout": 60,
                "ssl_disabled": "unix_socket=" in settings.sqlalchemy_url,
            },
        }
    return options


@contextmanager
def unit_of_work(*, is_write: bool = True) -> Iterator[Session]:
    """One transaction: commit at the end, roll back on any error, then what waits for the commit.

    Nothing may wait for a commit of its own in between: units of work do not nest.

    Args:
        is_write: on SQLite a transaction that may write takes the write lock when it begins;
            upgrading later could fail half-way.
    """
    session = db.session()
    session.info.clear()  # what an attempt before this one left
    session.info |= {"is_write": is_write, "before_commit": {}, "after_commit": {}}
    try:
        yield session
        for flush, items in session.info.pop("before_commit").items():
            flush(items)
        session.commit()
    except BaseException:
        session.rollback()
        raise
    for flush, items in session.info.pop("after_commit").items():
        try:
            flush(items)
        except Exception:
            # What is committed stays accepted; sweepers and short lives make up for the rest.
            log.exception("something that waited for the commit failed")


def let_go(*, is_write: bool | None = None) -> None:
    """Give the connection back while slow work is done that needs no database, such as hashing or
    talking to another server; on SQLite the lock of all writers goes with it.

    What was read stays at hand, as it was; whoever goes on with it reads it again, locked. Nothing
    may have been written by now.

    Args:
        is_write: whether what follows may write, for the GET that must; None: as before.
    """
    session = db.session()
    if session.new or session.dirty or session.deleted:
        raise RuntimeError("let go before writing")
    session.commit()
    if is_write is not None:
        session.info["is_write"] = is_write


def end_snapshot() -> None:
    """Let the next read of a request that only reads see what is committed by now.

    SQLite shows a transaction the state at its first read; what the cache keeps must not be older
    than the generation that it is kept under.
    """
    session = db.session()
    is_reading = session.info.get("is_write") is False and session.in_transaction()
    if is_reading and session.get_bind().dialect.name == "sqlite":
        session.commit()


def before_commit(flush: Callable[[list[T]], None], item: T) -> None:
    """Have ``flush`` called once, last in the transaction, with all items given for it, in order.

    What it raises rolls the transaction back.
    """
    db.session.info["before_commit"].setdefault(flush, []).append(item)


def after_commit(flush: Callable[[list[T]], None], item: T) -> None:
    """Have ``flush`` called once after the commit with all items given for it, in order."""
    db.session.info["after_commit"].setdefault(flush, []).append(item)


# Most of what is kept as JSON is an empty list, such as a row's permissions.
def _write_json(value: Any) -> str:
    return "[]" if value == [] else json.dumps(value)


def _read_json(text: str) -> Any:
    return [] if text == "[]" else json.loads(text)


def _prepare_sqlite(connection: Any, _entry: ConnectionPoolEntry) -> None:
    # The driver begins no transaction by itself; `_begin` below does.
    connection.isolation_level = None
    cursor = connection.cursor()
    for pragma in (
        "journal_mode=WAL",
        "synchronous=FULL",
        "foreign_keys=ON",
        f"busy_timeout={SQLITE_BUSY_MS}",
    ):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _limit_time(
    connection: Connection, _cursor: Any, statement: str, parameters: Any, *_: Any
) -> tuple[str, Any]:
    """Let a query end after the seconds that its connection has as ``time_limit_s``."""
    seconds = connection.info.get("time_limit_s")
    if seconds is None or not statement.startswith("SELECT"):
        return statement, parameters
    if getattr(connection.dialect, "is_mariadb", False):
        return f"SET STATEMENT max_statement_time={seconds} FOR {statement}", parameters
    hint = f"SELECT /*+ MAX_EXECUTION_TIME({seconds * 1000:.0f}) */"
    return statement.replace("SELECT", hint, 1), parameters


def is_timeout(error: DBAPIError) -> bool:
    """Whether the database ended a query because it took too long."""
    return getattr(error.orig, "args", (None,))[0] in TIMEOUTS


def _note_use(_connection: Any, entry: ConnectionPoolEntry) -> None:
    entry.info["used_at"] = time.monotonic()


def _check_idle(connection: Any, entry: ConnectionPoolEntry, _proxy: Any) -> None:
    """Ask a connection that was idle whether it still lives; a busy one needs no asking."""
    if time.monotonic() - entry.info.get("used_at", math.inf) < PING_AFTER_S:
        return
    try:
        connection.ping(reconnect=False)
    except Exception as error:
        raise DisconnectionError from error


@event.listens_for(Session, "after_begin")
def _begin(session: Session, transaction: SessionTransaction, connection: Connection) -> None:
    if connection.dialect.name == "sqlite" and not transaction.nested:
        begin_sqlite(connection, is_write=session.info.get("is_write", True))


def begin_sqlite(connection: Connection, *, is_write: bool) -> None:
    """Begin a transaction; wait for the write lock without blocking the event loop.

    SQLite's own busy handler sleeps inside C, which stops every greenlet of the process, so it
    is kept short and the waiting is done here.

    Raises:
        ServiceUnavailable: another writer held the lock for too long.
    """
    if not is_write:
        connection.exec_driver_sql("BEGIN")
        return
    deadline = time.monotonic() + SQLITE_WRITE_WAIT_S
    while True:
        try:
            connection.exec_driver_sql("BEGIN IMMEDIATE")
            return
        except OperationalError as error:
            if "locked" not in str(error.orig):
                raise
            if time.monotonic() > deadline:
                raise ServiceUnavailable("The database is busy; try again soon.") from error
        time.sleep(0.005)


def is_deadlock(error: DBAPIError) -> bool:
    """Whether the database chose this transaction to end a deadlock; run again, it may commit."""
    code = getattr(error.orig, "args", (None,))[0]
    return code == MYSQL_DEADLOCK


def is_outdated(error: DBAPIError) -> bool:
    """Whether the statement speaks of a column or table that was changed or dropped since it was
    made; read anew, what it was made of says so."""
    code = getattr(error.orig, "args", (None,))[0]
    return code in MYSQL_OUTDATED or str(error.orig).startswith(SQLITE_OUTDATED)


def is_reachable(engine: Engine | None = None) -> bool:
    """Whether the database answers a trivial query."""
    try:
        with (engine or db.engine).connect() as connection:
            connection.exec_driver_sql("SELECT 1")
    except (OperationalError, ServiceUnavailable):
        return False
    return True
