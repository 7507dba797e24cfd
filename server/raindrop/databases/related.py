"""Writing relationships: what a document's data says of related documents.

Nobody reaches through a relationship what is out of reach without it: only documents that the
actor may read are linked, what changes of others needs the permission to change them, and what
the actor may not read stays linked.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any, Protocol

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from raindrop.core.access import Actor, Unauthorized
from raindrop.core.cache import get_cache
from raindrop.core.db import db
from raindrop.core.formats import check_id
from raindrop.databases.errors import (
    CollectionNotFound,
    DocumentUpdateConflict,
    RelationshipValueInvalid,
)
from raindrop.databases.rows import Row, find_row, show_row
from raindrop.databases.schema import Attribute, Schema
from raindrop.databases.sides import DEPTH_MAX, Side, other_schema, reachable, side_of
from raindrop.databases.tables import rows_of

RELATED_MAX = 1000
"""Related documents and ids, at all depths, in one document's data."""
BATCH = 1000
"""Ids, or pairs, of one statement."""

Document = dict[str, Any]


class Writer(Protocol):
    """Creates or changes a document: ``documents.create_document`` and ``update_document``."""

    def __call__(
        self,
        actor: Actor,
        schema: Schema,
        public_id: str,
        data: Mapping[str, Any],
        permissions: Sequence[str] | None,
    ) -> Document:
        """The document as it became."""


def split(actor: Actor, schema: Schema, data: Mapping[str, Any]) -> dict[str, Any]:
    """What a document's data says of related documents, by key.

    Raises:
        RelationshipValueInvalid: too many related documents, or too deep.
    """
    if not schema.relations:
        return {}
    given = {key: value for key, value in data.items() if key in schema.relations}
    if _count(actor, schema, given, 0) > RELATED_MAX:
        raise RelationshipValueInvalid(f"At most {RELATED_MAX} related documents at once.")
    return given


def _count(actor: Actor, schema: Schema, data: Mapping[str, Any], depth: int) -> int:
    """Related documents and ids in a document's data; what is no relation of its is not counted."""
    count = 0
    for key in data.keys() & schema.relations.keys():
        values = data[key] if isinstance(data[key], list) else [data[key]]
        count += len(values)
        nested = [each for each in values if isinstance(each, dict)]
        relation = schema.relations[key].relation
        if not nested or relation is None:
            continue
        if depth >= DEPTH_MAX:
            raise RelationshipValueInvalid(
                f"Related documents are nested at most {DEPTH_MAX} deep."
            )
        try:
            other = other_schema(actor, schema, relation)
        except CollectionNotFound:
            continue  # it is being deleted, which writing says
        count += sum(_count(actor, other, each, depth + 1) for each in nested)
    return count


def write(
    actor: Actor,
    schema: Schema,
    row: Row,
    given: Mapping[str, Any],
    *,
    create: Writer,
    update: Writer,
) -> None:
    """Relate a row, which is written already, to what its data says; what it does not name stays.

    Raises:
        RelationshipValueInvalid: no id, no document, or none that the actor may read.
        Unauthorized: it would change a document that the actor may not change.
        DocumentUpdateConflict: somebody else related one of them meanwhile.
    """
    for key, value in given.items():
        attribute = schema.relations[key]
        side = side_of(schema, attribute)
        try:
            other = other_schema(actor, schema, side.relation)
        except CollectionNotFound:
            raise _wrong(key, "the related collection is being deleted") from None
        values = _values(attribute, side, value)
        wanted = _known(actor, other, key, [each for each in values if isinstance(each, str)])
        for each in values:
            if isinstance(each, dict):
                wanted.add(_put(actor, other, key, each, create=create, update=update))
        relate(actor, schema, other, side, {row["_id"]: wanted})


def _values(attribute: Attribute, side: Side, value: Any) -> list[Any]:
    """What is given, as a list of ids and documents."""
    if value is None:
        return []
    if side.has_many != isinstance(value, list):
        form = "an array of ids or documents" if side.has_many else "an id, a document or null"
        raise _wrong(attribute.key, f"must be {form}")
    values = value if side.has_many else [value]
    for each in values:
        if not isinstance(each, str | dict):
            raise _wrong(attribute.key, "must be of ids and documents")
    return [each["$id"] if isinstance(each, dict) and _is_link(each) else each for each in values]


def _is_link(given: Mapping[str, Any]) -> bool:
    """Whether a document is there for its id only."""
    has_values = "$permissions" in given or any(not key.startswith("$") for key in given)
    return isinstance(given.get("$id"), str) and not has_values


def _wrong(key: str, reason: str) -> RelationshipValueInvalid:
    return RelationshipValueInvalid(f'Relationship "{key}" has an invalid value: {reason}')


def _known(actor: Actor, other: Schema, key: str, ids: Sequence[str]) -> set[int]:
    """The rows with some ids, all of which must be there for the actor."""
    found = find_linked(actor, other, ids)
    for each in ids:
        if each not in found:
            raise _wrong(key, f'there is no document "{each[:64]}", or you may not read it')
    return set(found.values())


def find_linked(actor: Actor, other: Schema, ids: Iterable[str]) -> dict[str, int]:
    """The numbers of the documents with some ids, held against deletion; to the actor, what may
    not be read is not there."""
    texts = sorted({each for each in ids if each.isascii() and "\0" not in each})
    if not texts or not other.has_table:
        return {}
    found: dict[str, int] = {}
    table = rows_of(other)
    for some in _batches(texts):
        query = sa.select(table.c["_uid"], table.c["_id"]).where(table.c["_uid"].in_(some))
        query = query.order_by(table.c["_id"]).with_for_update(read=True)
        found |= {row[0]: row[1] for row in db.session.execute(query)}
    readable = reachable(actor, other, "read", set(found.values()))
    return {uid: number for uid, number in found.items() if number in readable}


def _batches(values: Sequence[Any]) -> Iterator[Sequence[Any]]:
    for start in range(0, len(values), BATCH):
        yield values[start : start + BATCH]


def _put(
    actor: Actor,
    other: Schema,
    key: str,
    given: Mapping[str, Any],
    *,
    create: Writer,
    update: Writer,
) -> int:
    """Create or change a related document; its number."""
    public_id = given.get("$id", "unique()")
    try:
        public_id = check_id(public_id)
    except (ValueError, TypeError):
        raise _wrong(key, "$id: is no id") from None
    values = {name: value for name, value in given.items() if not name.startswith("$")}
    permissions = _permissions(key, given)
    row = find_row(other, public_id) if "$id" in given else None
    if row is None:
        return int(create(actor, other, public_id, values, permissions)["$sequence"])
    number = int(row["_id"])
    if not (
        _is_same(other, row, values, permissions) and reachable(actor, other, "read", {number})
    ):
        if permissions == row["_permissions"]:
            permissions = None  # sent back as it was shown
        update(actor, other, public_id, values, permissions)
    return number


def _permissions(key: str, given: Mapping[str, Any]) -> list[str] | None:
    value = given.get("$permissions")
    if value is None:
        return None
    if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
        raise _wrong(key, "$permissions: must be an array of texts")
    return value


def _is_same(
    schema: Schema, row: Row, values: Mapping[str, Any], permissions: list[str] | None
) -> bool:
    """Whether a client only sent back what it was shown."""
    shown = show_row(schema, row)
    is_kept = permissions is None or permissions == shown["$permissions"]
    return is_kept and all(key in shown and shown[key] == value for key, value in values.items())


def relate(
    actor: Actor,
    schema: Schema,
    other: Schema,
    side: Side,
    wanted: Mapping[int, Collection[int]],
) -> None:
    """Make rows be related to these of the other side and to no others; as many statements for
    many rows as for one.

    Args:
        wanted: by a row's number; where a document of the other side has at most one of this one,
            it is with one row only.

    Raises:
        Unauthorized, DocumentUpdateConflict
    """
    query = sa.select(side.mine, side.theirs).where(side.mine.in_(wanted)).with_for_update()
    current = {(row[0], row[1]) for row in db.session.execute(query)}
    asked = {(number, each) for number, several in wanted.items() for each in several}
    gone, new = current - asked, asked - current
    if side.has_many:
        readable = reachable(actor, other, "read", {each for _, each in gone})
        gone = {pair for pair in gone if pair[1] in readable}
    if not side.is_shared:
        _take(actor, schema, other, side, {each for _, each in new})
        if side.has_many:
            _check_change(actor, other, {each for _, each in gone})
    for some in _batches(sorted(gone)):
        # The first condition is for the index: pairs are looked up in none.
        among = side.mine.in_({pair[0] for pair in some})
        pair_of = sa.tuple_(side.mine, side.theirs)
        db.session.execute(sa.delete(side.pairs).where(among, pair_of.in_(some)))
    if new:
        pairs = [{side.mine.name: mine, side.theirs.name: theirs} for mine, theirs in sorted(new)]
        try:
            db.session.execute(sa.insert(side.pairs), pairs)
        except IntegrityError:
            raise DocumentUpdateConflict from None
    if gone or new:
        get_cache().invalidate(schema.rows_tag, other.rows_tag)


def _take(
    actor: Actor, schema: Schema, other: Schema, side: Side, numbers: Collection[int]
) -> None:
    """Free documents, each of which has at most one of this side, from those that have them.

    Raises:
        Unauthorized: it is the other document's own value that changes, or that of its holder.
    """
    if not numbers:
        return
    query = sa.select(side.mine, side.theirs).where(side.theirs.in_(numbers)).with_for_update()
    held = db.session.execute(query).all()
    if side.has_many or held:
        _check_change(actor, other, numbers if side.has_many else {row[1] for row in held})
    if held:
        _check_change(actor, schema, {row[0] for row in held})
        db.session.execute(sa.delete(side.pairs).where(side.theirs.in_(numbers)))


def _check_change(actor: Actor, schema: Schema, numbers: Collection[int]) -> None:
    """Whether the actor may change each of some rows.

    Raises:
        Unauthorized
    """
    if set(numbers) - reachable(actor, schema, "update", numbers):
        raise Unauthorized("This would change a related document that you may not update.")
