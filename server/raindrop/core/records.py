"""Files of records, one after the other: CSV and JSON lines. Rooms that import and export share it.

Everything is read as a stream: no more than one record is held.
"""

import csv
import json
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from raindrop.core.errors import BadRequest

FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "'")
BOM = b"\xef\xbb\xbf"
"""How spreadsheet programs recognise UTF-8."""

CONTENT_TYPES = {"csv": "text/csv; charset=utf-8", "jsonl": "application/x-ndjson"}
_FORMATS = (
    ("csv", ("csv",), ("text/csv",)),
    ("jsonl", ("jsonl", "ndjson"), ("application/jsonl", "application/x-ndjson")),
)


class BadLine(NamedTuple):
    """A record that is passed over, with the number of its first line, from 1, and why."""

    line: int
    reason: str
    message: str


class CsvRow(NamedTuple):
    """The cells of a CSV record and the number of its first line."""

    line: int
    cells: list[str]


class Rejected(Exception):
    """Why a record is not taken."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message


def format_of(name: str, content_type: str) -> str:
    """``csv`` or ``jsonl``, by the file's name first: what browsers say of its content differs
    between systems.

    Raises:
        BadRequest: it is neither.
    """
    suffix = name.rpartition(".")[2].lower()
    for file_format, suffixes, content_types in _FORMATS:
        if suffix in suffixes:
            return file_format
        if "." not in name and content_type in content_types:
            return file_format
    raise BadRequest("Send a CSV file (.csv) or a JSON-lines file (.jsonl).")


def guard_formula(text: str) -> str:
    """The text for a CSV cell: an apostrophe before what a spreadsheet would run as a formula."""
    return f"'{text}" if text.startswith(FORMULA_STARTS) else text


def unguard_formula(cell: str) -> str:
    """The text that :func:`guard_formula` made a cell of."""
    return cell[1:] if cell.startswith("'") and cell[1:].startswith(FORMULA_STARTS) else cell


def read_object(line: bytes) -> dict[str, Any]:
    """The object of a line of JSON.

    Raises:
        Rejected
    """
    try:
        fields = json.loads(decode(line))
    except (ValueError, RecursionError):
        raise Rejected("invalid_json", "This is not JSON.") from None
    if not isinstance(fields, dict):
        raise Rejected("invalid_json", "This is JSON, but not an object.")
    return fields


def decode(line: bytes) -> str:
    """UTF-8 as text.

    Raises:
        Rejected
    """
    try:
        return line.decode("utf-8")
    except UnicodeDecodeError:
        raise Rejected("invalid_encoding", "This is not UTF-8.") from None


def read_csv(lines: Iterable[str], *, longest: int, first: int = 1) -> Iterator[CsvRow | BadLine]:
    """The records of a CSV file, blank ones too; after a quote that nobody closes the rest is not
    read.

    Args:
        lines: with their ends; taken one by one as they are needed.
        longest: characters of one cell.
        first: the number of the first of the lines.
    """
    reader = csv.reader(iter(lines))
    line = 1
    while True:
        csv.field_size_limit(longest)  # one for the whole process: others may have set it
        try:
            cells = next(reader, None)
        except csv.Error as error:
            if reader.line_num > line:
                message = "A quote is not closed; the rest is not read."
                yield BadLine(first + line - 1, "invalid_csv", message)
                return
            yield BadLine(first + line - 1, "invalid_csv", f"This is not CSV: {error}.")
            line = reader.line_num + 1
            continue
        if cells is None:
            return
        yield CsvRow(first + line - 1, cells)
        line = reader.line_num + 1
