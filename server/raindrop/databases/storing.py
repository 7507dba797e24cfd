"""Putting a batch of imported documents into their table."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from raindrop.core.access import Actor
from raindrop.core.db import db
from raindrop.core.records import BadLine
from raindrop.databases.documents import publish_documents
from raindrop.databases.errors import DocumentAlreadyExists
from raindrop.databases.rows import Row, find_rows, insert_rows, show_row, update_row
from raindrop.databases.schema import Schema

TAKEN = "A document with one of these unique values is there already."


@dataclass(frozen=True)
class Draft:
    """A good record: a whole row but for ``_id``, ready for the table.

    Attributes:
        line: where it is in the file.
        given: the columns of the row that the file sets; the others have what a new one gets.
    """

    line: int
    row: dict[str, Any]
    given: frozenset[str]


@dataclass
class Stored:
    """What became of a batch."""

    imported: int
    overwritten: int
    skipped: int
    bad: list[BadLine]


def store(actor: Actor, schema: Schema, drafts: Sequence[Draft], *, overwrites: bool) -> Stored:
    """Create the documents that are not there, and overwrite or skip those that are."""
    there = find_rows(schema, {draft.row["_uid"] for draft in drafts})
    new: dict[str, Draft] = {}
    again: list[Draft] = []
    result = Stored(0, 0, 0, [])
    for draft in drafts:
        uid = draft.row["_uid"]
        if uid not in there and uid not in new:
            new[uid] = draft
        elif overwrites:
            again.append(draft)
        else:
            result.skipped += 1
    _create(actor, schema, list(new.values()), result)
    if again:
        there = find_rows(schema, {draft.row["_uid"] for draft in again})
    for draft in again:
        _overwrite(actor, schema, draft, there, result)
    return result


def _create(actor: Actor, schema: Schema, drafts: Sequence[Draft], result: Stored) -> None:
    made = _insert(schema, drafts)
    if made is None:  # one of them is not to be had: find out which
        made = []
        for draft in drafts:
            one = _insert(schema, [draft])
            if one is None:
                result.bad.append(BadLine(draft.line, "already_exists", TAKEN))
            else:
                made += one
    publish_documents(actor, schema, [show_row(schema, row) for row in made], "create")
    result.imported += len(made)


def _insert(schema: Schema, drafts: Sequence[Draft]) -> list[dict[str, Any]] | None:
    """The rows as they are inserted; ``None``: a value or an id is taken, nothing is inserted."""
    if not drafts:
        return []
    rows = [dict(draft.row) for draft in drafts]
    try:
        with db.session.begin_nested():
            insert_rows(schema, rows)
    except DocumentAlreadyExists:
        return None
    return rows


def _overwrite(
    actor: Actor, schema: Schema, draft: Draft, there: Mapping[str, Row], result: Stored
) -> None:
    row = there.get(draft.row["_uid"])
    if row is None:  # the one before it with this id was refused
        _create(actor, schema, [draft], result)
        return
    kept = {"_uid", "_created", "_permissions"} - draft.given
    values = {name: value for name, value in draft.row.items() if name not in kept}
    try:
        with db.session.begin_nested():
            update_row(schema, row, values)
    except DocumentAlreadyExists:
        result.bad.append(BadLine(draft.line, "already_exists", TAKEN))
        return
    publish_documents(actor, schema, [show_row(schema, {**row, **values})], "update")
    result.overwritten += 1
