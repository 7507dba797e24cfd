"""What of each document a list shows, and the quick way from a table's row to it."""

from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from raindrop.core.formats import show_time
from raindrop.core.queries import Page, QueryInvalid
from raindrop.databases.filters import SYSTEM
from raindrop.databases.schema import Schema
from raindrop.databases.tables import rows_of
from raindrop.databases.values import shower

EVERYTHING = "*"
FIXED = ("$id", "$sequence", "$createdAt", "$updatedAt", "$permissions")
"""What every document shows, whatever is selected: the contract's answers always have it."""
NAMED = {*SYSTEM, "$permissions", "$databaseId", "$collectionId", "$tableId", EVERYTHING}


class Selection:
    """The values that are shown.

    Attributes:
        columns: what is read of each row.
        paths: what is selected of related documents: ``rel.*``, ``rel.key``, ``rel.other.key``.
    """

    def __init__(self, schema: Schema, keys: Sequence[str], paths: tuple[str, ...] = ()) -> None:
        table = rows_of(schema)
        self.paths = paths
        self._where = {"$databaseId": schema.database, "$collectionId": schema.public_id}
        attributes = [schema.plain[key] for key in keys]
        self.columns: list[sa.ColumnElement[Any]] = [
            table.c["_uid"], table.c["_id"], table.c["_created"], table.c["_updated"],
            table.c["_permissions"], *(table.c[each.column] for each in attributes),
        ]  # fmt: skip
        self._plain = tuple(keys)
        self._shown = [
            (index, show)
            for index, attribute in enumerate(attributes, len(FIXED))
            if (show := shower(attribute)) is not None
        ]

    def show(self, row: Sequence[Any]) -> dict[str, Any]:
        """A row of ``columns`` as a document, in the words of ``databases``."""
        values = list(row)
        for index, show in self._shown:
            if values[index] is not None:
                values[index] = show(values[index])
        return {
            "$id": values[0],
            "$sequence": values[1],
            "$createdAt": show_time(values[2]),
            "$updatedAt": show_time(values[3]),
            "$permissions": values[4],
            **self._where,
            **dict(zip(self._plain, values[5:], strict=True)),
        }

    def pick(self, document: Mapping[str, Any]) -> dict[str, Any]:
        """Of a document that is shown whole what is selected."""
        return {
            key: value
            for key, value in document.items()
            if key.startswith("$") or key in self._plain
        }


def _everything(schema: Schema) -> Selection:
    return Selection(schema, tuple(schema.plain))


def selection_of(schema: Schema, page: Page) -> Selection:
    """What a list or a document shows by its queries; all but related documents if they select
    nothing.

    Raises:
        QueryInvalid: something is selected that is not there.
    """
    if not page.selects:
        return schema.derive(_everything)
    wanted: set[str] = set()
    paths: list[str] = []
    for key in (key for query in page.selects for key in query.values):
        if not isinstance(key, str) or not _is_selectable(schema, key):
            raise QueryInvalid(f'Attribute not found in schema: "{str(key)[:100]}"')
        (paths.append if key.partition(".")[0] in schema.relations else wanted.add)(key)
    if not wanted and not paths:
        raise QueryInvalid("select: names at least one attribute")
    keys = [key for key in schema.plain if EVERYTHING in wanted or key in wanted]
    return Selection(schema, tuple(keys), tuple(paths))


def _is_selectable(schema: Schema, key: str) -> bool:
    return key in NAMED or key in schema.plain or key.partition(".")[0] in schema.relations
