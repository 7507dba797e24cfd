"""Relationships of imported documents: what a batch says of related ones, looked up and written
together, by as many statements for a batch as for one document."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from raindrop.core.access import Actor
from raindrop.core.errors import ServiceUnavailable
from raindrop.core.records import BadLine
from raindrop.databases.errors import CollectionNotFound, DocumentUpdateConflict
from raindrop.databases.related import find_linked, relate
from raindrop.databases.schema import Schema
from raindrop.databases.sides import other_schema, side_of


@dataclass(frozen=True)
class Draft:
    """A good record: a whole row but for ``_id``, ready for the table.

    Attributes:
        line: where it is in the file.
        given: the columns of the row that the file sets; the others have what a new one gets.
        links: the ids of related documents by the relationship's key, of those that it names.
    """

    line: int
    row: dict[str, Any]
    given: frozenset[str]
    links: Mapping[str, Sequence[str]] = field(default_factory=dict)


@dataclass(frozen=True)
class _Target:
    """What a relationship leads to.

    Attributes:
        numbers: of the documents that the batch names and that are there, by id.
        is_own: it leads to the batch's own collection, so to documents of the batch as well.
    """

    schema: Schema
    numbers: Mapping[str, int]
    is_own: bool


class Targets:
    """What the documents of a batch are to be related to."""

    def __init__(self, actor: Actor, schema: Schema, drafts: Sequence[Draft]) -> None:
        self._actor, self._schema = actor, schema
        named: dict[str, set[str]] = {}
        for draft in drafts:
            for key, ids in draft.links.items():
                named.setdefault(key, set()).update(ids)
        self._targets = {key: self._find(key, ids) for key, ids in named.items()}

    def _find(self, key: str, ids: Collection[str]) -> _Target:
        relation = self._schema.relations[key].relation
        assert relation is not None
        try:
            other = other_schema(self._actor, self._schema, relation)
        except CollectionNotFound:  # it is being deleted, with the relationship
            return _Target(self._schema, {}, is_own=False)
        is_own = other.id == self._schema.id
        return _Target(other, find_linked(self._actor, other, ids), is_own)

    def sort(self, drafts: Sequence[Draft]) -> tuple[list[Draft], list[BadLine]]:
        """Those that can be related to all that they name, and what is wrong with the others."""
        good = list(drafts)
        bad: list[BadLine] = []
        while True:
            new = {draft.row["_uid"] for draft in good}
            lost = [
                BadLine(
                    draft.line, "related_not_found", f'{key}: there is no document "{uid[:64]}".'
                )
                for draft in good
                if (missing := self._missing(draft, new))
                for key, uid in (missing,)
            ]
            if not lost:
                return good, bad
            bad += lost
            lines = {each.line for each in lost}
            good = [draft for draft in good if draft.line not in lines]

    def _missing(self, draft: Draft, new: Collection[str]) -> tuple[str, str] | None:
        """The first that a draft names and that is not there, nor will be."""
        for key, ids in draft.links.items():
            target = self._targets[key]
            for uid in ids:
                if uid not in target.numbers and not (target.is_own and uid in new):
                    return key, uid
        return None

    def write(self, written: Sequence[tuple[Draft, int]]) -> None:
        """Relate rows to what their drafts name; of two that name the same document, which can
        have only one, the later line has it.

        Args:
            written: drafts with their rows' numbers.

        Raises:
            ServiceUnavailable: somebody else related one of them in the same moment.
        """
        new = {draft.row["_uid"]: number for draft, number in written}
        in_order = sorted(written, key=lambda each: each[0].line)
        for key, target in self._targets.items():
            side = side_of(self._schema, self._schema.relations[key])
            known = {**new, **target.numbers} if target.is_own else target.numbers
            wanted: dict[int, set[int]] = {}
            holders: dict[int, int] = {}
            for draft, number in in_order:
                if key not in draft.links:
                    continue
                wanted[number] = {known[uid] for uid in draft.links[key]}
                for theirs in () if side.is_shared else wanted[number]:
                    holder = holders.get(theirs, number)
                    if holder != number:
                        wanted[holder].discard(theirs)
                    holders[theirs] = number
            if not wanted:
                continue
            try:
                relate(self._actor, self._schema, target.schema, side, wanted)
            except DocumentUpdateConflict:
                raise ServiceUnavailable("Related documents changed meanwhile.") from None
