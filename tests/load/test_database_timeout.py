"""A query that the database does not answer in time ends with the contract's error, everywhere
where documents are looked for by queries."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from raindrop.databases.limits import LIST_S
from tests.databases.places import Place
from tests.databases.relating import Pair, numbered, query, select
from tests.load.clients import poll
from tests.load.database import held
from tests.support.mariadb import MariaDb
from tests.support.site import Site
from tests.support.v1 import Project, error_of

pytestmark = pytest.mark.load


@pytest.mark.parametrize("service", ["databases", "tablesdb"])
def test_what_takes_too_long_ends(running_site: Site, service: str) -> None:
    place = Place(Project(running_site), service)
    things = place.collection({"key": "title"})
    assert place.create(place.key, things, {"title": "x"}, "one").status_code == 201
    pair = Pair.make(place, "oneToMany", is_two_way=False)
    parent = pair.parent("p", kids=[pair.child("one")])
    rows, parents = place.documents_of(things), place.documents_of(pair.parents)
    begun = place.key.post(f"/v1/{service}/transactions", json={}).json()
    with_kids = numbered([select("*", "kids.*")])
    by_kids = numbered([query("equal", "kids.name", "one")])
    change = {"data": {"title": "y"}, "queries": [query("equal", "title", "x")]}
    requests: dict[str, Callable[[Any], Any]] = {
        "list": lambda key: key.get(rows),
        "count": lambda key: key.get(rows, params={"queries[0]": query("limit", None, 1)}),
        "list in a transaction": lambda key: key.get(rows, params={"transactionId": begun["$id"]}),
        "load": lambda key: key.get(parents, params=with_kids),
        "load of one": lambda key: key.get(f"{parents}/{parent}", params=with_kids),
        "relation's filter": lambda key: key.get(parents, params=by_kids),
        "bulk update": lambda key: key.patch(rows, json=change),
        "bulk delete": lambda key: key.request("DELETE", rows, json={"queries": []}),
    }

    def timed(name: str) -> tuple[str, tuple[int, str], float]:
        began = time.monotonic()
        answer = requests[name](place.project.key())
        return name, error_of(answer), time.monotonic() - began

    tables = " WRITE, ".join(f"c_{number_of(running_site, c)}" for c in (things, pair.children))
    with (
        held(running_site, f"LOCK TABLES {tables} WRITE"),
        ThreadPoolExecutor(len(requests)) as pool,
    ):
        found = list(pool.map(timed, requests))
    assert {name: error for name, error, _ in found} == dict.fromkeys(
        requests, (408, "database_timeout")
    )
    assert all(LIST_S - 1 < seconds < LIST_S + 10 for _, _, seconds in found), found
    for name, request in requests.items():  # the connections are as good as before
        answer = request(place.key)
        assert answer.status_code == 200, (name, answer.text)
    assert place.key.get(rows).json()["total"] == 0


def test_a_connection_that_is_lost_meanwhile(running_site: Site, mariadb: MariaDb) -> None:
    """It is the answer of any lost connection, not an error of what set the limit."""
    place = Place(Project(running_site))
    things = place.collection({"key": "title"})
    rows = place.documents_of(things)
    blocked = (
        "SELECT id FROM information_schema.processlist WHERE info LIKE 'SET STATEMENT max%'"
        f" AND info LIKE '%c_{number_of(running_site, things)}%' AND state LIKE 'Waiting%'"
    )
    with (
        held(running_site, f"LOCK TABLES c_{number_of(running_site, things)} WRITE"),
        ThreadPoolExecutor(1) as pool,
    ):
        asked = pool.submit(place.key.get, rows)
        poll(lambda: mariadb.query(blocked))
        for row in mariadb.query(blocked):
            mariadb.query(f"KILL {row[0]}")
        answer = asked.result()
    assert error_of(answer) == (503, "general_service_unavailable")
    assert place.key.get(rows).status_code == 200


def number_of(site: Site, collection: str) -> int:
    rows = site.sql("SELECT id FROM collections WHERE public_id = :id", id=collection)
    return int(rows[0]["id"])
