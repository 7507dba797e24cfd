"""Related documents are loaded by one statement for each relationship, however many there are."""

import time
from collections.abc import Iterator
from typing import Any

import pytest
import sqlalchemy as sa

from raindrop.core.access import system
from raindrop.core.db import db
from raindrop.core.tenancy import Project as ProjectRow
from raindrop.core.tenancy import tenant_of
from raindrop.databases import lists
from raindrop.databases.schema_store import find_schema
from tests.databases.places import Place
from tests.databases.relating import Pair, query, select
from tests.support.app import app_of
from tests.support.site import Site
from tests.support.v1 import Project

pytestmark = pytest.mark.contract

ROWS = 100


@pytest.fixture(scope="module")
def pair(running_site: Site) -> Pair:
    pair = Pair.make(Place(Project(running_site)), "manyToOne", is_two_way=True)
    child = pair.child("shared")
    for number in range(ROWS):
        pair.parent(f"p{number}", kids=child if number % 2 else {"name": f"k{number}"})
    return pair


@pytest.fixture
def listing(running_site: Site, pair: Pair) -> Iterator[Any]:
    """Lists parents in the test's own process: the documents, statements, seconds of the best."""
    with app_of(running_site).app_context():
        row = db.session.scalars(
            sa.select(ProjectRow).where(ProjectRow.public_id == pair.place.project.id)
        ).one()
        actor = system(tenant_of(row))
        schema = find_schema(actor.tenant, pair.place.id, pair.parents)
        counted: list[str] = []

        def count(_c: Any, _cursor: Any, statement: str, *_: Any) -> None:
            counted.append(statement)

        sa.event.listen(db.engine, "before_cursor_execute", count)

        def run(*queries: str) -> tuple[list[Any], int, float]:
            best, found = 10.0, []
            for _ in range(5):
                counted.clear()
                began = time.perf_counter()
                found, _total = lists.list_documents(
                    actor, schema, [query("limit", None, ROWS), *queries], is_counted=False
                )
                best = min(best, time.perf_counter() - began)
            return found, len(counted), best

        yield run
        sa.event.remove(db.engine, "before_cursor_execute", count)


def test_one_statement_for_each_relationship(listing: Any) -> None:
    _, plainly, plain_s = listing()
    found, one, one_s = listing(select("*", "kids.*"))
    assert len(found) == ROWS
    assert all(each["kids"]["name"] for each in found)
    assert one == plainly + 1
    _, two, _ = listing(select("*", "kids.*", "kids.folk.name"))
    assert two == plainly + 2
    print(f"100 rows: {plain_s * 1000:.2f} ms, with one relationship {one_s * 1000:.2f} ms")
