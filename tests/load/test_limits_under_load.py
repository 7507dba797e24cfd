"""More requests than fit: some are refused politely, none is lost."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.load.clients import Burst, Visitor, ids_of
from tests.load.database import held, wait_for_blocked
from tests.support.mariadb import MariaDb
from tests.support.site import Site

pytestmark = pytest.mark.load

IN_FLIGHT = 8
UNCACHED = "/api/todo?before=9007199254740991"


@pytest.fixture(scope="module")
def narrow_site(short_folder: Path, mariadb: MariaDb) -> Iterator[Site]:
    """A site that lets few requests in at a time."""
    url = mariadb.create_database("narrow")
    site = Site(short_folder / "narrow", NGINX="system", DATABASE_URL=url, WEB_IN_FLIGHT=IN_FLIGHT)
    site.start()
    yield site
    site.stop()


def test_what_does_not_fit_is_told_to_come_again(narrow_site: Site, mariadb: MariaDb) -> None:
    """While 8 requests are held up by the database, 192 others are 503 at once."""
    visitor = Visitor(narrow_site.port)
    todo_id = visitor.add("the only one").json()["id"]
    inside, outside = Burst(narrow_site.port, IN_FLIGHT), Burst(narrow_site.port, 192)
    with held(narrow_site, "LOCK TABLES todos WRITE"):
        inside.fire(UNCACHED)
        wait_for_blocked(mariadb, "SELECT todos.id", "Waiting for table", IN_FLIGHT)
        outside.fire(UNCACHED)
        refused = outside.answers()
    served = inside.answers()
    assert Counter(answer.status for answer in served) == {200: IN_FLIGHT}
    assert all(ids_of(answer.json()) == [todo_id] for answer in served)
    assert Counter(answer.status for answer in refused) == {503: 192}
    for answer in refused:
        assert int(answer.headers["retry-after"]) > 0
        envelope = answer.json()
        assert (envelope["code"], envelope["type"]) == (503, "general_service_unavailable")
    assert ids_of(visitor.board(UNCACHED)) == [todo_id]
    assert visitor.add("one more").status == 201


def test_rush_of_uncached_requests(narrow_site: Site) -> None:
    """200 at once, none held up: each is served or refused, and some of each."""
    burst = Burst(narrow_site.port, 200)
    burst.fire(UNCACHED)
    statuses = Counter(answer.status for answer in burst.answers())
    assert set(statuses) == {200, 503}
    assert Visitor(narrow_site.port).board(UNCACHED)["total"] > 0


def test_thousand_uncached_requests_all_succeed(site: Site) -> None:
    """1,000 connections behind gevent: the queue is long, nobody is refused."""
    visitor = Visitor(site.port)
    ids = [visitor.add(f"to-do {number}").json()["id"] for number in range(10)][::-1]
    burst = Burst(site.port, 1000)
    burst.fire(UNCACHED)
    answers = burst.answers()
    assert Counter(answer.status for answer in answers) == {200: 1000}
    assert all(ids_of(answer.json()) == ids for answer in answers)
