"""Lists of documents with permissions of their own: filters, totals and cursors meet only what the
actor may read, whichever plan finds it."""

import itertools
import json
import random
from typing import Any

import pytest
import sqlalchemy as sa

from raindrop.databases import plans
from tests.contract.recorder import ContractClient
from tests.databases.places import Place
from tests.databases.queries import answer, args, q
from tests.support.site import Site
from tests.support.v1 import Project, error_of

pytestmark = pytest.mark.contract

ROWS = 40


@pytest.fixture(scope="module")
def place(running_site: Site) -> Place:
    return Place(Project(running_site))


def _seen(client: ContractClient, place: Place, collection: str, *queries: dict[str, Any]) -> Any:
    return client.get(place.documents_of(collection), params=args(*queries))


def test_a_list_shows_what_its_reader_may_see(place: Place) -> None:
    chance = random.Random(7)
    collection = place.collection(
        {"key": "size", "kind": "integer"}, permissions=[], has_document_security=True
    )
    ann, bob, visitor = place.project.sign_up(), place.project.sign_up(), place.project.guest()
    ids = {who: who.get("/v1/account").json()["$id"] for who in (ann, bob)}
    roles = {ann: f"user:{ids[ann]}", bob: f"user:{ids[bob]}", visitor: "any"}
    readers: dict[str, set[str]] = {}
    for number in range(ROWS):
        given = {role for role in roles.values() if chance.random() < 0.4}
        readers[f"r{number}"] = given
        granted = [f'read("{role}")' for role in given]
        data = {"size": chance.choice([None, 1, 2, 3])}
        made = place.create(place.key, collection, data, f"r{number}", granted)
        assert made.status_code == 201, made.text
    everything = _seen(place.key, place, collection, q("limit", None, 100)).json()["documents"]
    for who, role in roles.items():
        visible = [each for each in everything if readers[each["$id"]] & {role, "any"}]
        _compare(who, place, collection, visible)
        hidden = next(each for each in everything if each not in visible)
        for method in ("cursorAfter", "cursorBefore"):
            refused = _seen(who, place, collection, q(method, None, hidden["$id"]))
            assert error_of(refused) == (400, "general_cursor_not_found")
        by_id = _seen(who, place, collection, q("equal", "$id", hidden["$id"])).json()
        assert by_id == {"total": 0, "documents": []}


def _compare(who: ContractClient, place: Place, collection: str, visible: list[Any]) -> None:
    orders = [
        [],
        *([q(m, key)] for m in ("orderAsc", "orderDesc") for key in ("size", "$createdAt")),
    ]
    filters: list[list[dict[str, Any]]] = [[], [q("equal", "size", 1, 2)], [q("isNull", "size")]]
    cursors: list[list[dict[str, Any]]] = [
        [],
        *([q(m, None, visible[3]["$id"])] for m in ("cursorAfter", "cursorBefore")),
    ]
    for parts in itertools.product(orders, filters, cursors):
        queries = [*itertools.chain(*parts), q("limit", None, 5)]
        listed = _seen(who, place, collection, *queries)
        assert listed.status_code == 200, listed.text
        ids, total = answer(visible, queries)
        assert [each["$id"] for each in listed.json()["documents"]] == ids, queries
        assert listed.json()["total"] == total


def test_many_visible_rows_are_found_by_the_other_plans(place: Place, running_site: Site) -> None:
    """More rows than plans.FEW, written beside the server: half of them readable twice, some
    not at all."""
    collection = place.collection(
        {"key": "size", "kind": "integer"}, permissions=[], has_document_security=True
    )
    number = running_site.sql("SELECT id FROM collections WHERE public_id = :id", id=collection)[0][
        "id"
    ]
    count = plans.FEW + 1500
    start = [[number, each] for each in range(1, count + 1)]
    visible = [each for _, each in start if each % 7]
    _fill(running_site, number, count)
    visitor = place.project.guest()
    for method in ("orderAsc", "orderDesc"):
        for key in ("$createdAt", "$sequence", "size"):
            wanted = sorted(visible, reverse=method == "orderDesc")
            cursor: list[dict[str, Any]] = []
            for page in range(3):
                queries = [q(method, key), *cursor, q("limit", None, 30)]
                listed = _seen(visitor, place, collection, *queries).json()
                assert listed["total"] == len(visible)
                ids = [each["$id"] for each in listed["documents"]]
                assert ids == [f"n{each}" for each in wanted[page * 30 : page * 30 + 30]]
                cursor = [q("cursorAfter", None, ids[-1])]
            paged = [q(method, key), q("offset", None, 60), q("limit", None, 30)]
            listed = _seen(visitor, place, collection, *paged).json()
            assert [each["$id"] for each in listed["documents"]] == [
                f"n{each}" for each in wanted[60:90]
            ]
    listed = _seen(visitor, place, collection, q("lessThan", "size", 70)).json()
    assert listed["total"] == len([each for each in visible if each < 70])


def _fill(site: Site, number: int, count: int) -> None:
    """Rows ``n1`` to ``n<count>``; every seventh may not be read, every second by two roles."""
    size = site.sql("SELECT id FROM attributes WHERE collection_id = :id", id=number)[0]["id"]
    rows, entries = [], []
    for each in range(1, count + 1):
        time = f"2026-01-01 00:{each // 600 % 60:02}:{each // 10 % 60:02}.000000"
        roles = [] if each % 7 == 0 else ["any", "guests"] if each % 2 else ["any"]
        given = json.dumps([f'read("{role}")' for role in roles])
        rows.append({"n": each, "id": f"n{each}", "time": time, "given": given})
        entries += [{"role": role, "time": time, "n": each} for role in roles]
    with site.engine.begin() as connection:
        fields = f"_id, _uid, _created, _updated, _permissions, a_{size}"
        values = ":n, :id, :time, :time, :given, :n"
        connection.execute(sa.text(f"INSERT INTO c_{number} ({fields}) VALUES ({values})"), rows)
        fields = "action, role, created, row_id"
        values = "0, :role, :time, :n"
        connection.execute(
            sa.text(f"INSERT INTO c_{number}_p ({fields}) VALUES ({values})"), entries
        )
