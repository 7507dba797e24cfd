"""How wide the rows of a collection may be, in MySQL's and InnoDB's terms; SQLite has no such
limits and keeps to them, so that data can move.

Sources: MySQL manual, "Limits on Table Column Count and Row Size"; MariaDB knowledge base,
"Troubleshooting Row Size Too Large Errors with InnoDB".
"""

from collections.abc import Iterable, Mapping, Sequence

from raindrop.databases.errors import AttributeLimitExceeded, IndexInvalid
from raindrop.databases.schema import Attribute, IndexMember, Schema
from raindrop.databases.tables import SPATIAL, TEXT_FROM, has_column, sealed_column_length

ROW_BYTES_MAX = 65_535
PAGE_BYTES_MAX = 8_126
ATTRIBUTES_MAX = 1_000
INDEX_BYTES_MAX = 3_072

_SYSTEM_KEY_BYTES = 144
"""What an id takes in an index, the longest of what every document has."""
_SYSTEM_BYTES = 250
"""Number, id, times and permissions, with a margin."""
_ELSEWHERE_BYTES = 12
"""What a column takes in the row that keeps its value beside it."""
_FIXED_BYTES = {"integer": 8, "double": 8, "boolean": 1, "datetime": 7, "relationship": 8}
_OFF_PAGE_BYTES = 41
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
    problem = _too_wide((*others, attribute), _count_fulltext(schema))
    if problem:
        raise AttributeLimitExceeded(problem)


def check_terms_width(schema: Schema) -> None:
    """Whether a collection has room for the terms of another full-text index.

    Raises:
        IndexInvalid
    """
    problem = _too_wide(schema.attributes, _count_fulltext(schema) + 1)
    if problem:
        raise IndexInvalid(problem)


def _count_fulltext(schema: Schema) -> int:
    return sum(index.type == "fulltext" for index in schema.indexes)


def _too_wide(attributes: Sequence[Attribute], terms: int) -> str:
    """Why a row cannot have these attributes and so many columns of terms; empty: it can."""
    columns = [each for each in attributes if has_column(each)]
    system = _SYSTEM_BYTES + len(columns) // 8
    if system + _ELSEWHERE_BYTES * terms + sum(map(row_bytes, columns)) > ROW_BYTES_MAX:
        return (
            f"The collection's rows would be wider than {ROW_BYTES_MAX} bytes. Make strings"
            f" shorter, or of {TEXT_FROM} characters and more, which are kept beside the row."
        )
    if system + _OFF_PAGE_BYTES * terms + sum(map(_page_bytes, columns)) > PAGE_BYTES_MAX:
        return (
            f"The collection's rows would need more than {PAGE_BYTES_MAX} bytes of a page: too many"
            " attributes. Put some into a collection of their own."
        )
    return ""


def index_bytes(attributes: Mapping[str, Attribute], members: Iterable[IndexMember]) -> int:
    """The bytes of a plain index's entry at most.

    Args:
        attributes: of the collection, by key.
    """
    return sum(_member_bytes(attributes.get(member.key), member.length) for member in members)


def _member_bytes(attribute: Attribute | None, length: int) -> int:
    if attribute is None:
        return _SYSTEM_KEY_BYTES
    if attribute.type == "string":
        return 4 * (length or attribute.size)
    return row_bytes(attribute)


def row_bytes(attribute: Attribute) -> int:
    """The bytes that an attribute takes of the row at most."""
    if attribute.is_array or attribute.type in SPATIAL:
        return _ELSEWHERE_BYTES
    if attribute.is_encrypted:
        length = sealed_column_length(attribute.size, is_array=False)
        return length + 2 if length else _ELSEWHERE_BYTES
    if attribute.type in _FIXED_BYTES:
        return _FIXED_BYTES[attribute.type]
    return _ELSEWHERE_BYTES if attribute.size >= TEXT_FROM else 4 * attribute.size + 2


def _page_bytes(attribute: Attribute) -> int:
    size = row_bytes(attribute)
    is_elsewhere = size == _ELSEWHERE_BYTES or size > 257
    return _OFF_PAGE_BYTES if is_elsewhere else size
