"""How long a list, or what looks for documents by queries, may keep the database busy."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import DBAPIError

from raindrop.core.db import db, is_timeout
from raindrop.databases.errors import DatabaseTimeout

LIST_S = 15.0
"""Of one statement; less than clients and proxies wait. SQLite, which knows no such limit, has
none."""


@contextmanager
def limited() -> Iterator[None]:
    """Statements in here end after ``LIST_S``.

    Raises:
        DatabaseTimeout
    """
    # Kept: the session may give the connection back before the end, or lose it.
    info = db.session.connection().info
    info["time_limit_s"] = LIST_S
    try:
        yield
    except DBAPIError as error:
        if is_timeout(error):
            raise DatabaseTimeout from None
        raise
    finally:
        info.pop("time_limit_s", None)
