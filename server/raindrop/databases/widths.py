"""How wide the rows of a collection may be, in MySQL's and InnoDB's terms; SQLite has no such
limits and keeps to them, so that data can move.

Sources: MySQL manual, "Limits on Table Column Count and Row Size"; MariaDB knowledge base,
"Troubleshooting Row Size Too Large Errors with InnoDB".
"""

from raindrop.databases.errors import AttributeLimitExceeded
from raindrop.databases.schema import Attribute, Schema
from raindrop.databases.tables import SPATIAL, TEXT_FROM, has_column

ROW_BYTES_MAX = 65_535
PAGE_BYTES_MAX = 8_126
ATTRIBUTES_MAX = 1_000

_SYSTEM_BYTES = 250
"""Number, id, times and permissions, with a margin."""
_ELSEWHERE_BYTES = 12
"""What a column takes in the row that keeps its value beside it."""
_FIXED_BYTES = {"integer": 8, "double": 8, "boolean": 1, "datetime": 7, "relationship": 8}
_OFF_PAGE_BYTES = 40
"""What a long value takes at least of a page; one of up to 255 bytes cannot leave it."""


def check_width(schema: Schema, attribute: Attribute, *, replaced: int = 0) -> None:
    """Whether a collection has room for an attribute.

    Args:
        replaced: the number of the attribute in whose place it comes.

    Raises:
        AttributeLimitExceeded
    """
    others = [each for each in schema.attributes if each.id != replaced]
    if len(others) >= ATTRIBUTES_MAX:
        raise AttributeLimitExceeded(f"A collection has at most {ATTRIBUTES_MAX} attributes.")
    columns = [each for each in (*others, attribute) if has_column(each)]
    if _SYSTEM_BYTES + sum(map(row_bytes, columns)) + len(columns) // 8 > ROW_BYTES_MAX:
        raise AttributeLimitExceeded(
            f"The collection's rows would be wider than {ROW_BYTES_MAX} bytes. Make strings"
            f" shorter, or of {TEXT_FROM} characters and more, which are kept beside the row."
        )
    if _SYSTEM_BYTES + sum(map(_page_bytes, columns)) > PAGE_BYTES_MAX:
        raise AttributeLimitExceeded(
            f"The collection's rows would need more than {PAGE_BYTES_MAX} bytes of a page: too many"
            " attributes. Put some into a collection of their own."
        )


def row_bytes(attribute: Attribute) -> int:
    """The bytes that an attribute takes of the row at most."""
    if attribute.is_array or attribute.type in SPATIAL:
        return _ELSEWHERE_BYTES
    if attribute.type in _FIXED_BYTES:
        return _FIXED_BYTES[attribute.type]
    return _ELSEWHERE_BYTES if attribute.size >= TEXT_FROM else 4 * attribute.size + 2


def _page_bytes(attribute: Attribute) -> int:
    size = row_bytes(attribute)
    return size if size <= 257 else _OFF_PAGE_BYTES
