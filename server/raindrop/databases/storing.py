"""Putting a batch of imported documents into their table."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from raindrop.core.access import Actor
from raindrop.core.db import db
from raindrop.core.records import BadLine
from raindrop.databases.documents import publish_documents
from raindrop.databases.errors import DocumentAlreadyExists
from raindrop.databases.links import Draft, Targets
from raindrop.databases.rows import Row, find_rows, insert_rows, show_row, update_row
from raindrop.databases.schema import Schema

TAKEN = "A document with one of these unique values is there already."


@dataclass
class Stored:
    """What became of a batch: the drafts that were created or overwrote a document, with their
    rows as they are now, and the others."""

    created: list[tuple[Draft, Row]] = field(default_factory=list)
    overwritten: list[tuple[Draft, Row]] = field(default_factory=list)
    skipped: int = 0
    bad: list[BadLine] = field(default_factory=list)

    @property
    def written(self) -> list[tuple[Draft, Row]]:
        """Both that are in the table."""
        return [*self.created, *self.overwritten]


def store(actor: Actor, schema: Schema, drafts: Sequence[Draft], *, overwrites: bool) -> Stored:
    """Create the documents that are not there, overwrite or skip those that are, and relate them
    to what they name."""
    targets = Targets(actor, schema, drafts)
    bad: list[BadLine] = []
    while True:
        drafts, unrelated = targets.sort(drafts)
        bad += unrelated
        savepoint = db.session.begin_nested()
        stored = _put(schema, drafts, overwrites=overwrites)
        # One that is refused may have been named by another of the batch: then once more, without.
        lines = {each.line for each in stored.bad}
        left = [draft for draft in drafts if draft.line not in lines]
        if len(targets.sort(left)[0]) == len(left):
            savepoint.commit()
            break
        savepoint.rollback()
        bad += stored.bad
        drafts = left
    stored.bad += bad
    targets.write([(draft, row["_id"]) for draft, row in stored.written])
    for pairs, action in ((stored.created, "create"), (stored.overwritten, "update")):
        publish_documents(actor, schema, [show_row(schema, row) for _, row in pairs], action)
    return stored


def _put(schema: Schema, drafts: Sequence[Draft], *, overwrites: bool) -> Stored:
    there = find_rows(schema, {draft.row["_uid"] for draft in drafts})
    new: dict[str, Draft] = {}
    again: list[Draft] = []
    result = Stored()
    for draft in drafts:
        uid = draft.row["_uid"]
        if uid not in there and uid not in new:
            new[uid] = draft
        elif overwrites:
            again.append(draft)
        else:
            result.skipped += 1
    _create(schema, list(new.values()), result)
    if again:
        there = find_rows(schema, {draft.row["_uid"] for draft in again})
    for draft in again:
        _overwrite(schema, draft, there, result)
    return result


def _create(schema: Schema, drafts: Sequence[Draft], result: Stored) -> None:
    made = _insert(schema, drafts)
    if made is not None:
        result.created += zip(drafts, made, strict=True)
        return
    for draft in drafts:  # one of them is not to be had: find out which
        one = _insert(schema, [draft])
        if one is None:
            result.bad.append(BadLine(draft.line, "already_exists", TAKEN))
        else:
            result.created.append((draft, one[0]))


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


def _overwrite(schema: Schema, draft: Draft, there: Mapping[str, Row], result: Stored) -> None:
    row = there.get(draft.row["_uid"])
    if row is None:  # the one before it with this id was refused
        _create(schema, [draft], result)
        return
    kept = {"_uid", "_created", "_permissions"} - draft.given
    values = {name: value for name, value in draft.row.items() if name not in kept}
    try:
        with db.session.begin_nested():
            update_row(schema, row, values)
    except DocumentAlreadyExists:
        result.bad.append(BadLine(draft.line, "already_exists", TAKEN))
        return
    result.overwritten.append((draft, {**row, **values}))
