"""What the driver writes into SQL comes back from MariaDB as it was."""

import datetime

import pytest
import sqlalchemy as sa

from raindrop.core import mysql
from tests.support.mariadb import MariaDb

TEXTS = (
    "", "'", "''", "\\", "\\'", "'\\", "\\\\'", '"', '\\"', "a\0b", "\n\r\t\b\x1a", "%s %(a)s %%",
    "' OR 1=1 -- ", "\\' OR 1=1 -- ", "水滴 \U0001f4a7'", "\u02bc\uff07", "¿'", '{"a": "\\n"}',
)  # fmt: skip
TIMES = (
    datetime.datetime(2026, 11, 25, 13, 30, 1, 123000),
    datetime.datetime(2026, 11, 25, 13, 30, 1),
    datetime.datetime(1000, 1, 1),
    datetime.datetime(9999, 12, 31, 23, 59, 59, 999000),
)


@pytest.mark.parametrize("mode", ["", "NO_BACKSLASH_ESCAPES", "ANSI_QUOTES"])
def test_values_come_back_as_they_were(mariadb: MariaDb, mode: str) -> None:
    url = mariadb.create_database("driver").replace("mysql:", "mysql+pymysql:")
    engine = sa.create_engine(url, poolclass=sa.NullPool)
    sa.event.listen(engine, "do_connect", mysql.connect)
    with engine.connect() as connection:
        connection.exec_driver_sql(f"SET sql_mode = '{mode}'")
        for text in TEXTS:
            assert connection.scalar(sa.text("SELECT :value"), {"value": text}) == text
        for time in TIMES:
            query = sa.text("SELECT CAST(:value AS DATETIME(3))")
            assert connection.scalar(query, {"value": time}) == time
