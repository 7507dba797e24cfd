"""Reading a file of to-dos line by line: CSV and JSON lines."""

import io
from collections.abc import Iterator
from typing import Any, NamedTuple

from raindrop.core.records import (
    BOM,
    BadLine,
    Rejected,
    read_csv,
    read_object,
    unguard_formula,
)
from raindrop.todos.models import CONTENT_MAX, trim_content

LINE_MAX = 64 * 1024
"""The longest CSV field in characters; a to-do has at most 1,000."""

COLUMNS = ("id", "content", "is_finished", "created_at", "finished_at")
"""The columns of an exported CSV file."""

_TRUE, _FALSE = ("true", "1", "yes"), ("false", "0", "no", "")


class NewLine(NamedTuple):
    """A good line: what the to-do says and whether it is finished."""

    line: int
    content: str
    is_finished: bool


def read_lines(data: bytes, file_format: str) -> Iterator[NewLine | BadLine]:
    """Every record of a file, in order; blank lines do not count.

    Args:
        data: UTF-8, with or without a byte order mark.
        file_format: ``csv`` (a first line that names a column ``content``, or else the first
            column is the content) or ``jsonl`` (an object a line).
    """
    data = data.removeprefix(BOM)
    return _read_csv(data) if file_format == "csv" else _read_jsonl(data)


def _read_jsonl(data: bytes) -> Iterator[NewLine | BadLine]:
    for number, line in enumerate(data.split(b"\n"), start=1):
        if line.strip():
            yield _checked(number, read_object, line)


def _read_csv(data: bytes) -> Iterator[NewLine | BadLine]:
    # Bytes that are not UTF-8 become lone surrogates, which the check of the text refuses, so
    # one bad line does not take the file with it.
    text = io.StringIO(data.decode("utf-8", "surrogateescape"), newline="")
    columns: list[str] | None = None
    is_ours = False
    for row in read_csv(text, longest=LINE_MAX):
        if isinstance(row, BadLine):
            yield row
            continue
        if columns is None:
            columns = [name.strip().lower() for name in row.cells]
            is_ours = tuple(columns) == COLUMNS
            if "content" in columns:
                continue
            columns = ["content"]
        if any(cell.strip() for cell in row.cells):
            cells = [unguard_formula(cell) for cell in row.cells] if is_ours else row.cells
            yield _checked(row.line, dict, zip(columns, cells, strict=False))


def _checked(line: int, parse: Any, raw: Any) -> NewLine | BadLine:
    try:
        fields = parse(raw)
        return NewLine(line, _content(fields), _is_finished(fields))
    except Rejected as error:
        return BadLine(line, error.reason, error.message)


def _content(fields: dict[str, Any]) -> str:
    content = fields.get("content")
    if content is None:
        raise Rejected("content_missing", "There is no content.")
    if not isinstance(content, str):
        raise Rejected("invalid_value", "The content is not text.")
    if any("\udc80" <= character <= "\udcff" for character in content):
        raise Rejected("invalid_encoding", "This is not UTF-8.")
    try:
        return trim_content(content)
    except ValueError as error:
        raise Rejected(_reason(content.strip()), f"The content {error}.") from None


def _reason(content: str) -> str:
    if not content:
        return "content_empty"
    return "content_too_long" if len(content) > CONTENT_MAX else "invalid_value"


def _is_finished(fields: dict[str, Any]) -> bool:
    value = fields.get("is_finished", False)
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and value.strip().lower() in _TRUE + _FALSE:
        return value.strip().lower() in _TRUE
    raise Rejected("invalid_value", "is_finished is neither true nor false.")
