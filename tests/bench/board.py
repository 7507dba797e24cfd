"""The 10,000 to-dos that every rung reads the newest ten of."""

import datetime

import sqlalchemy as sa

from tests.support.mariadb import MariaDb
from tests.support.site import Site

ROWS = 10_000
PLAIN, INDEXED = "todos_plain", "todos_indexed"
FIRST = datetime.datetime(2025, 1, 1, tzinfo=datetime.UTC)


def fill_site(site: Site) -> None:
    """Put the to-dos on an empty board."""
    with site.engine.begin() as connection:
        insert = "INSERT INTO todos (id, content, created_at) VALUES (:id, :content, :created_at)"
        connection.execute(sa.text(insert), _rows())
        total = {"total": ROWS}
        connection.execute(sa.text("UPDATE todo_counts SET total = :total WHERE slot = 0"), total)
    site.cache.flushall()
    site.tell_edge("POST", "/drop", {"X-Tag": "todos"})


def make_naive(server: MariaDb) -> str:
    """Make the naive app's tables of the same rows; the address of their database."""
    url = server.create_database("naive").replace("mysql://", "mysql+pymysql://")
    engine = sa.create_engine(url, poolclass=sa.NullPool)
    with engine.begin() as connection:
        for table in (PLAIN, INDEXED):
            connection.exec_driver_sql(
                f"CREATE TABLE {table} (id INTEGER PRIMARY KEY AUTO_INCREMENT,"
                " content VARCHAR(1000) NOT NULL, created_at DATETIME(3) NOT NULL,"
                " finished_at DATETIME(3))"
            )
        insert = (
            f"INSERT INTO {PLAIN} (id, content, created_at) VALUES (:id, :content, :created_at)"
        )
        connection.execute(sa.text(insert), _rows())
        connection.exec_driver_sql(f"INSERT INTO {INDEXED} SELECT * FROM {PLAIN}")
        connection.exec_driver_sql(f"CREATE INDEX newest ON {INDEXED} (created_at)")
    return url


def _rows() -> list[dict[str, object]]:
    return [
        {
            "id": number,
            "content": f"to-do {number:05} of the benchmark, as long as a line that people write",
            "created_at": (FIRST + datetime.timedelta(seconds=number)).replace(tzinfo=None),
        }
        for number in range(1, ROWS + 1)
    ]
