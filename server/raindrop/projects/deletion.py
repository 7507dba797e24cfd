"""What remains of a deleted project, and deleting it in small steps."""

from collections.abc import Callable, Iterator

import sqlalchemy as sa

from raindrop.core.cache import get_cache
from raindrop.core.db import db
from raindrop.core.events import EventDelivery, EventRow
from raindrop.core.tenancy import CONSOLE, Project, project_tag

BATCH = 500

Cleaner = Callable[[int], Iterator[int]]

_cleaners: list[Cleaner] = []


def register_cleaner(clean: Cleaner) -> None:
    """Have what another room keeps outside of tables with a ``project_id`` deleted first.

    Args:
        clean: is given the number of the deleted project and yields how many things it deleted;
            what comes between two of its steps is one transaction.
    """
    if clean not in _cleaners:
        _cleaners.append(clean)


def find_deleted(project_id: int) -> Project | None:
    """The row of a project that was deleted and is not gone yet; never the console's."""
    return db.session.scalar(
        sa.select(Project).where(
            Project.id == project_id,
            Project.deleted_at.is_not(None),
            Project.public_id != CONSOLE,
        )
    )


def delete_rows(project_id: int) -> Iterator[int]:
    """Delete the rows of every table of a deleted project, then its own.

    Yields:
        how many rows a batch had; what comes between two of them is one transaction.
    """
    for clean in _cleaners:
        yield from clean(project_id)
    yield from _delete_all(project_id)
    # What was under way when the project was deleted may have written since: whoever inserts a
    # row holds the project's, so behind this lock nothing comes.
    project = db.session.scalar(
        sa.select(Project).where(Project.id == project_id).with_for_update()
    )
    if project is None:
        return
    count = sum(_delete_all(project_id))
    db.session.execute(sa.delete(Project).where(Project.id == project_id))
    get_cache().invalidate(project_tag(project.public_id))
    yield count + 1


def _delete_all(project_id: int) -> Iterator[int]:
    for table in _tables():
        after = 0
        while ids := _some(table, project_id, after):
            after = ids[-1]
            db.session.execute(sa.delete(table).where(table.c.id.in_(ids)))
            if table is EventRow.__table__:
                # After the events, whose locks the dispatcher holds while it makes deliveries; and
                # a consumer holds those, so what it has written is there when its table's turn is.
                deliveries = EventDelivery.event_id.in_(ids)
                db.session.execute(sa.delete(EventDelivery).where(deliveries))
            yield len(ids)


def _tables() -> list[sa.Table]:
    """Every table with rows of projects: events, then what refers to others before the others."""
    tables = [table for table in reversed(db.metadata.sorted_tables) if "project_id" in table.c]
    return sorted(tables, key=lambda table: table is not EventRow.__table__)


def _some(table: sa.Table, project_id: int, after: int) -> list[int]:
    # Onward from the last id: not every table has an index by project, and one scan is enough.
    is_next = sa.and_(table.c.project_id == project_id, table.c.id > after)
    query = sa.select(table.c.id).where(is_next).order_by(table.c.id).limit(BATCH)
    return list(db.session.scalars(query))
