"""Looking into MariaDB and holding it up, from beside the server."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

import pymysql

from tests.load.clients import poll
from tests.support.mariadb import MariaDb
from tests.support.site import Site


@contextmanager
def counted_queries(mariadb: MariaDb) -> Iterator[None]:
    """Have MariaDB write every statement down for the length of the block."""
    mariadb.query("SET GLOBAL log_output = 'TABLE'")
    mariadb.query("TRUNCATE TABLE mysql.general_log")
    mariadb.query("SET GLOBAL general_log = ON")
    try:
        yield
    finally:
        mariadb.query("SET GLOBAL general_log = OFF")


def page_queries(mariadb: MariaDb, start: int) -> list[datetime]:
    """When each query for this page of the board came, since the counting began."""
    rows = mariadb.query(
        "SELECT event_time FROM mysql.general_log WHERE command_type = 'Query' "
        f"AND argument LIKE 'SELECT todos.id, todos.content%LIMIT {start}, 10' ORDER BY event_time"
    )
    return [row[0] for row in rows]


@contextmanager
def held(site: Site, *statements: str) -> Iterator[pymysql.Connection]:
    """A connection that has run these statements; what it holds ends with the block."""
    url = site.engine.url
    connection = pymysql.connect(
        unix_socket=url.query["unix_socket"], user="root", database=url.database
    )
    with connection, connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)
        yield connection


def wait_for_blocked(mariadb: MariaDb, statement: str, state: str, count: int = 1) -> None:
    """Wait until so many statements that begin so wait in a state that is like this."""
    poll(
        lambda: (
            len(
                mariadb.query(
                    "SELECT id FROM information_schema.processlist "
                    f"WHERE info LIKE '{statement}%' AND state LIKE '{state}%'"
                )
            )
            >= count
        )
    )
