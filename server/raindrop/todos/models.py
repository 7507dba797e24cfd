"""Tables of the to-do board."""

import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from raindrop.core.db import BigId, UtcDateTime, db

CONTENT_MAX = 1000
ID_MAX = 2**53 - 1
"""The largest whole number that every JSON reader keeps exactly."""

START_MAX = 100_000
"""The farthest position that a page may start from; older ones are reached by id."""

COUNT_SLOTS = 8


def trim_content(content: str) -> str:
    """A to-do's content as it is kept.

    Raises:
        ValueError: it is empty, too long, or holds what no database keeps.
    """
    content = content.strip()
    if not 1 <= len(content) <= CONTENT_MAX:
        raise ValueError(f"must have 1 to {CONTENT_MAX} characters after trimming")
    if any("\ud800" <= character <= "\udfff" or character == "\0" for character in content):
        raise ValueError("must be Unicode text")
    return content


class Todo(db.Model):  # type: ignore[name-defined, misc]
    """A to-do. A deleted one stays for a while, so that deleting can be undone."""

    __tablename__ = "todos"
    __table_args__ = (
        # Equality on the first column leaves the second in order: a page is one index read.
        sa.Index("ix_todos_deleted_at_id", "deleted_at", "id"),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    content: Mapped[str] = mapped_column(sa.String(CONTENT_MAX))
    created_at: Mapped[datetime.datetime] = mapped_column(UtcDateTime)
    finished_at: Mapped[datetime.datetime | None] = mapped_column(UtcDateTime)
    deleted_at: Mapped[datetime.datetime | None] = mapped_column(UtcDateTime)


class TodoCount(db.Model):  # type: ignore[name-defined, misc]
    """The number of to-dos, spread over slots whose sum is exact.

    Counting rows grows with the board; one counter row would make every writer wait for the
    commit of the one before. A slot may be negative.
    """

    __tablename__ = "todo_counts"

    slot: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    total: Mapped[int] = mapped_column(sa.BigInteger)
