"""What deleting documents does to those that are related to them."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import sqlalchemy as sa

from raindrop.core.access import Actor
from raindrop.core.cache import get_cache
from raindrop.core.db import db
from raindrop.core.errors import NotFound
from raindrop.databases.errors import DocumentDeleteRestricted
from raindrop.databases.rows import Row, delete_rows, show_row
from raindrop.databases.schema import Attribute, Relation, Schema
from raindrop.databases.sides import Side, other_schema, reachable, side_of
from raindrop.databases.tables import rows_of

CASCADE_MAX = 1000
"""Related documents that one request may delete besides those that it names."""

Publish = Callable[[Actor, Schema, Iterable[dict[str, Any]], str], None]


def before_delete(actor: Actor, schema: Schema, rows: Sequence[Row], publish: Publish) -> None:
    """Do to related documents what their relationships say, before rows are deleted.

    Args:
        rows: locked.
        publish: leaves the events of documents that are deleted with them.

    Raises:
        DocumentDeleteRestricted: a relationship forbids it, or would delete too many documents,
            or some that the actor may not delete.
    """
    if not schema.relations and not schema.incoming:
        return
    _Deletion(actor, publish).run(schema, [row["_id"] for row in rows])


class _Deletion:
    """One request's deletion, level by level."""

    def __init__(self, actor: Actor, publish: Publish) -> None:
        self._actor, self._publish = actor, publish
        self._seen: set[tuple[int, int]] = set()
        self._levels: list[tuple[Schema, list[Row]]] = []
        self._unlinks: list[tuple[Side, list[int]]] = []
        self._tags: set[str] = set()
        self._count = 0

    def run(self, schema: Schema, numbers: Sequence[int]) -> None:
        """Look at everything first: nothing is changed where something is forbidden."""
        self._seen |= {(schema.id, number) for number in numbers}
        waiting = [(schema, list(numbers))]
        while waiting:
            waiting += self._look(*waiting.pop())
        for side, mine in self._unlinks:
            db.session.execute(sa.delete(side.pairs).where(side.mine.in_(mine)))
        get_cache().invalidate(*sorted(self._tags))
        for other, rows in self._levels:
            delete_rows(other, [row["_id"] for row in rows])
            self._publish(self._actor, other, [show_row(other, row) for row in rows], "delete")

    def _look(self, schema: Schema, numbers: list[int]) -> list[tuple[Schema, list[int]]]:
        """What the deletion of some rows does to the rows that they are related to; those that
        are to be deleted with them."""
        further = []
        for attribute in (*schema.relations.values(), *schema.incoming):
            side = side_of(schema, attribute)
            query = sa.select(side.theirs).where(side.mine.in_(numbers)).with_for_update()
            linked = set(db.session.scalars(query))
            if not linked:
                continue
            self._unlinks.append((side, numbers))
            self._tags.add(f"rows:{side.relation.collection_id}")
            others = {n for n in linked if (side.relation.collection_id, n) not in self._seen}
            if others and acts(side.relation):
                self._check_restricted(side.relation)
                if side.relation.on_delete == "cascade":
                    further.append(self._cascade(schema, attribute, others))
        return further

    def _check_restricted(self, relation: Relation) -> None:
        if relation.on_delete == "restrict":
            raise DocumentDeleteRestricted

    def _cascade(
        self, schema: Schema, attribute: Attribute, numbers: set[int]
    ) -> tuple[Schema, list[int]]:
        assert attribute.relation is not None
        self._count += len(numbers)
        if self._count > CASCADE_MAX:
            raise DocumentDeleteRestricted(
                f"This would delete more than {CASCADE_MAX} related documents; delete them first."
            )
        try:
            other = other_schema(self._actor, schema, attribute.relation)
        except NotFound:  # it is being deleted itself
            return schema, []
        if numbers - reachable(self._actor, other, "delete", numbers):
            raise DocumentDeleteRestricted(
                "Related documents would be deleted that you may not delete."
            )
        table = rows_of(other)
        query = sa.select(table).where(table.c["_id"].in_(numbers)).order_by(table.c["_id"])
        rows: list[Row] = list(db.session.execute(query.with_for_update()).mappings())
        self._seen |= {(other.id, row["_id"]) for row in rows}
        self._levels.append((other, rows))
        return other, [row["_id"] for row in rows]


def acts(relation: Relation) -> bool:
    """Whether deleting a document of this side does anything to those on the other: it does where
    the relationship was made, or where one document has many of the other side."""
    if relation.type == "manyToOne":
        return relation.side == "child"
    if relation.type == "oneToOne" and relation.on_delete == "cascade" and relation.is_two_way:
        return True
    return relation.side == "parent"
