"""The rows that every peer holds."""

import datetime
from typing import Any, NamedTuple

ROWS = 10_000
LISTED = 10
FIRST = datetime.datetime(2025, 1, 1)  # in UTC


class Row(NamedTuple):
    """One of them; ``created`` is in UTC, without a time zone."""

    title: str
    body: str
    number: int
    created: datetime.datetime


def make_rows() -> list[Row]:
    """All of them, oldest first, a second apart."""
    return [
        Row(
            f"Row {number:05}",
            f"The text of row {number:05}, as long as a paragraph that people write:".ljust(
                100, "."
            ),
            number,
            FIRST + datetime.timedelta(seconds=number),
        )
        for number in range(1, ROWS + 1)
    ]


def new_row() -> dict[str, Any]:
    """What a create sends; the peer adds the time."""
    return {"title": "A new row", "body": "The text of a new row".ljust(100, "."), "number": 0}
