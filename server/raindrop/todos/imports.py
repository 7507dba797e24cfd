"""Reading a file of to-dos line by line: CSV and JSON lines."""

import csv
import io
import json
from collections.abc import Iterator
from typing import Any, NamedTuple

from raindrop.todos.models import CONTENT_MAX, trim_content

LINE_MAX = 64 * 1024
"""The longest CSV field in characters; a to-do has at most 1,000."""

COLUMNS = ("id", "content", "is_finished", "created_at", "finished_at")
"""The columns of an exported CSV file."""

_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "'")
_TRUE, _FALSE = ("true", "1", "yes"), ("false", "0", "no", "")


class NewLine(NamedTuple):
    """A good line: what the to-do says and whether it is finished."""

    line: int
    content: str
    is_finished: bool


class BadLine(NamedTuple):
    """A line that is passed over, with its number in the file, from 1, and why."""

    line: int
    reason: str
    message: str


class _Rejected(Exception):
    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message


def read_lines(data: bytes, file_format: str) -> Iterator[NewLine | BadLine]:
    """Every record of a file, in order; blank lines do not count.

    Args:
        data: UTF-8, with or without a byte order mark.
        file_format: ``csv`` (a first line that names a column ``content``, or else the first
            column is the content) or ``jsonl`` (an object a line).
    """
    data = data.removeprefix(b"\xef\xbb\xbf")
    return _read_csv(data) if file_format == "csv" else _read_jsonl(data)


def guard_formula(content: str) -> str:
    """The text for a CSV cell: an apostrophe before what a spreadsheet would run as a formula."""
    return f"'{content}" if content.startswith(_FORMULA_STARTS) else content


def _unguard_formula(cell: str) -> str:
    return cell[1:] if cell.startswith("'") and cell[1:].startswith(_FORMULA_STARTS) else cell


def _read_jsonl(data: bytes) -> Iterator[NewLine | BadLine]:
    for number, line in enumerate(data.split(b"\n"), start=1):
        if line.strip():
            yield _checked(number, _fields_of_json, line)


def _fields_of_json(line: bytes) -> dict[str, Any]:
    try:
        fields = json.loads(_decode(line))
    except (ValueError, RecursionError):
        raise _Rejected("invalid_json", "This is not JSON.") from None
    if not isinstance(fields, dict):
        raise _Rejected("invalid_json", "This is JSON, but not an object.")
    return fields


def _read_csv(data: bytes) -> Iterator[NewLine | BadLine]:
    # Bytes that are not UTF-8 become lone surrogates, which the check of the text refuses, so
    # one bad line does not take the file with it.
    csv.field_size_limit(LINE_MAX)
    text = io.StringIO(data.decode("utf-8", "surrogateescape"), newline="")
    reader = csv.reader(text)
    columns: list[str] | None = None
    is_ours = False
    line = 1
    while True:
        try:
            row = next(reader, None)
        except csv.Error as error:
            if reader.line_num > line:
                yield BadLine(line, "invalid_csv", "A quote is not closed; the rest is not read.")
                return
            yield BadLine(line, "invalid_csv", f"This is not CSV: {error}.")
            line = reader.line_num + 1
            continue
        if row is None:
            return
        if columns is None:
            columns = [name.strip().lower() for name in row]
            is_ours = tuple(columns) == COLUMNS
            if "content" in columns:
                line = reader.line_num + 1
                continue
            columns = ["content"]
        if any(cell.strip() for cell in row):
            cells = [_unguard_formula(cell) for cell in row] if is_ours else row
            yield _checked(line, dict, zip(columns, cells, strict=False))
        line = reader.line_num + 1


def _checked(line: int, parse: Any, raw: Any) -> NewLine | BadLine:
    try:
        fields = parse(raw)
        return NewLine(line, _content(fields), _is_finished(fields))
    except _Rejected as error:
        return BadLine(line, error.reason, error.message)


def _content(fields: dict[str, Any]) -> str:
    content = fields.get("content")
    if content is None:
        raise _Rejected("content_missing", "There is no content.")
    if not isinstance(content, str):
        raise _Rejected("invalid_value", "The content is not text.")
    if any("\udc80" <= character <= "\udcff" for character in content):
        raise _Rejected("invalid_encoding", "This is not UTF-8.")
    try:
        return trim_content(content)
    except ValueError as error:
        raise _Rejected(_reason(content.strip()), f"The content {error}.") from None


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
    raise _Rejected("invalid_value", "is_finished is neither true nor false.")


def _decode(line: bytes) -> str:
    try:
        return line.decode("utf-8")
    except UnicodeDecodeError:
        raise _Rejected("invalid_encoding", "This is not UTF-8.") from None
