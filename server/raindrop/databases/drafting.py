"""The records of a file, one after the other, and what they say of documents."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from raindrop.core.access import parse_permissions
from raindrop.core.db import utc_now
from raindrop.core.errors import AppError
from raindrop.core.formats import check_id, new_id
from raindrop.core.records import BOM, BadLine, Rejected, read_csv, read_object
from raindrop.databases.links import Draft
from raindrop.databases.rules import ACTIONS
from raindrop.databases.schema import Attribute, Schema
from raindrop.databases.transfers import PASSED_OVER, SYSTEM_COLUMNS, is_json, unguard_text
from raindrop.databases.values import check_data, parse_time
from raindrop.jobs.runner import JobFailed

RECORD_MAX = 4 * 1024 * 1024
"""Bytes of a line and characters of a CSV cell: what a request may create."""

_TIMES = {"$createdAt": "_created", "$updatedAt": "_updated"}


class RawRecord(NamedTuple):
    """A record as the file has it: a line of JSON, or the cells under the columns' names."""

    line: int
    json_line: bytes
    columns: Sequence[str]
    cells: Sequence[str]


class Records:
    """The records of a file from a place on; blank ones do not count.

    Attributes:
        offset, line: where the file goes on behind the record that was given last.
        columns: a CSV file's names.
    """

    def __init__(
        self,
        pieces: Iterator[bytes],
        file_format: str,
        *,
        offset: int,
        line: int,
        columns: list[str] | None,
    ) -> None:
        self.offset, self.line, self.columns = offset, line, columns
        self._pieces, self._format = pieces, file_format

    def __iter__(self) -> Iterator[RawRecord | BadLine]:
        return self._csv() if self._format == "csv" else self._jsonl()

    def _jsonl(self) -> Iterator[RawRecord | BadLine]:
        for line in self._lines():
            if line.strip():
                yield RawRecord(self.line - 1, line, (), ())

    def _csv(self) -> Iterator[RawRecord | BadLine]:
        # Bytes that are not UTF-8 become lone surrogates, which the check of values refuses.
        texts = (line.decode("utf-8", "surrogateescape") for line in self._lines())
        for row in read_csv(texts, longest=RECORD_MAX, first=self.line):
            if isinstance(row, BadLine):
                yield row
            elif self.columns is None:
                self.columns = [name.strip() for name in row.cells]
            elif any(cell.strip() for cell in row.cells):
                yield RawRecord(row.line, b"", self.columns, row.cells)

    def _lines(self) -> Iterator[bytes]:
        """The lines with their ends; each counts once it is given."""
        rest = b""
        for piece in self._pieces:
            *lines, rest = (rest + piece).split(b"\n")
            for line in lines:
                yield self._count(line + b"\n")
            if len(rest) > RECORD_MAX:
                limit = RECORD_MAX >> 20
                raise JobFailed(
                    f"Line {self.line} has more than {limit} MB; nothing behind it is read."
                )
        if rest:
            yield self._count(rest)

    def _count(self, line: bytes) -> bytes:
        is_first = self.offset == 0
        self.offset += len(line)
        self.line += 1
        return line.removeprefix(BOM) if is_first else line


def draft(schema: Schema, record: RawRecord) -> Draft | BadLine:
    """What a record makes of a document."""
    try:
        if record.json_line:
            fields = read_object(record.json_line)
        else:
            fields = _of_cells(schema, record.columns, record.cells)
        return _draft(schema, record.line, fields)
    except Rejected as error:
        return BadLine(record.line, error.reason, error.message)
    except AppError as error:
        return BadLine(record.line, "invalid_value", error.message)


def _draft(schema: Schema, line: int, fields: Mapping[str, Any]) -> Draft:
    data = {
        name: value
        for name, value in fields.items()
        if not name.startswith("$") and name not in schema.relations
    }
    for name in fields:
        if name.startswith("$") and name not in PASSED_OVER and name not in SYSTEM_COLUMNS:
            raise Rejected("invalid_value", f"There is no column {name[:40]!r} of documents.")
    now = utc_now()
    row = {
        "_uid": _uid(fields.get("$id")),
        "_created": now,
        "_updated": now,
        "_permissions": [],
        **check_data(schema, data, is_partial=False),
    }
    links = {
        name: _ids(schema.relations[name], value)
        for name, value in fields.items()
        if name in schema.relations
    }
    given = {"_uid"}
    for name, column in _TIMES.items():
        if fields.get(name) is not None:
            row[column] = parse_time(fields[name])
            given.add(column)
            if row[column] is None:
                raise Rejected("invalid_value", f"{name} is no time in ISO 8601.")
    if fields.get("$permissions") is not None:
        row["_permissions"] = _permissions(fields["$permissions"])
        given.add("_permissions")
    return Draft(line, row, frozenset(given), links)


def _ids(attribute: Attribute, value: Any) -> list[str]:
    """The ids of the related documents that a record names."""
    if value is None:
        return []
    is_list = is_json(attribute)
    ids = value if is_list else [value]
    if not isinstance(ids, list) or not all(isinstance(each, str) for each in ids):
        form = "an array of ids" if is_list else "an id"
        raise Rejected("invalid_value", f"{attribute.key} must be {form} or null.")
    return ids


def _uid(value: Any) -> str:
    if value is None:
        return new_id()
    try:
        return check_id(value)
    except (TypeError, ValueError):
        raise Rejected("invalid_id", "The $id is none that a document may have.") from None


def _permissions(value: Any) -> list[str]:
    if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
        raise Rejected("invalid_permissions", "$permissions is no array of texts.")
    return parse_permissions(value, ACTIONS)


def _of_cells(schema: Schema, columns: Sequence[str], cells: Sequence[str]) -> dict[str, Any]:
    if any("\udc80" <= character <= "\udcff" for cell in cells for character in cell):
        raise Rejected("invalid_encoding", "This is not UTF-8.")
    if len(cells) > len(columns):
        raise Rejected("too_many_cells", "There are more cells than columns.")
    named = zip(columns, cells, strict=False)
    return {name: _of_cell(schema.available.get(name), name, cell) for name, cell in named}


def _of_cell(attribute: Attribute | None, name: str, cell: str) -> Any:
    if cell == "":
        return None
    if name == "$permissions" or (attribute is not None and is_json(attribute)):
        try:
            return json.loads(cell)
        except (ValueError, RecursionError):
            raise Rejected("invalid_json", f"{name[:40]} is not JSON.") from None
    if attribute is None or attribute.type in ("string", "datetime", "relationship"):
        return unguard_text(cell)
    if attribute.type == "boolean":
        return {"true": True, "1": True, "false": False, "0": False}.get(cell.strip().lower(), cell)
    return _number(cell.strip())


def _number(cell: str) -> Any:
    if re.fullmatch(r"[+-]?[0-9]{1,40}", cell):
        return int(cell)
    try:
        return float(cell)
    except ValueError:
        return cell  # the check of the value says what is wrong
