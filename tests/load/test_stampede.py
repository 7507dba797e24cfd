"""A thousand readers of a page that nobody has: one asks the database."""

import time
from datetime import timedelta
from itertools import pairwise

import pytest

from raindrop.core.cache import JITTER, LOCK_MS
from raindrop.todos.service import BOARD_TTL_MS
from tests.load.clients import PAST_NGINX, Burst, Visitor, ids_of, poll
from tests.load.database import counted_queries, held, page_queries, wait_for_blocked
from tests.support.mariadb import MariaDb
from tests.support.site import Site

pytestmark = pytest.mark.load

READERS = 1000
PAGE = "/api/todo?start=10"
SHORTEST_LIFE = timedelta(milliseconds=BOARD_TTL_MS * (1 - JITTER))


@pytest.fixture
def visitor(site: Site) -> Visitor:
    """A visitor of a board with two full pages."""
    visitor = Visitor(site.port)
    for number in range(25):
        visitor.add(f"to-do {number}")
    return visitor


def time_left_ms(site: Site) -> int:
    """How long the page's fresh copy holds; negative when it is gone."""
    generation = site.cache.get("rd1:gen:todos").decode()
    return site.cache.pttl(f"rd1:todos:10@{generation}")


def test_expiry_costs_one_query_a_life(site: Site, mariadb: MariaDb, visitor: Visitor) -> None:
    """1,000 readers at the moment the cached page expires: one query, every answer right.

    Serving them all takes longer than the page lives, so the next life may begin meanwhile; two
    queries are never closer than a life.
    """
    page = visitor.board(PAGE, PAST_NGINX)
    burst = Burst(site.port, READERS)
    visitor.board(PAGE, PAST_NGINX)
    with counted_queries(mariadb):
        poll(lambda: time_left_ms(site) < 0, step_s=0.001)
        burst.fire(PAGE, PAST_NGINX)
        answers = burst.answers()
    times = page_queries(mariadb, 10)
    assert [answer.status for answer in answers] == [200] * READERS
    assert all(answer.json() == page for answer in answers)
    assert times
    in_first_life = [at for at in times if at < times[0] + SHORTEST_LIFE]
    assert len(in_first_life) == 1
    assert all(later - sooner > SHORTEST_LIFE for sooner, later in pairwise(times))


def test_nobody_waits_for_the_query_of_an_expired_page(
    site: Site, mariadb: MariaDb, visitor: Visitor
) -> None:
    """While the one query hangs, 999 readers have the copy of a moment ago."""
    page = visitor.board(PAGE, PAST_NGINX)
    burst, first = Burst(site.port, READERS - 1), Burst(site.port, 1)
    with counted_queries(mariadb):
        with held(site, "LOCK TABLES todos WRITE"):
            poll(lambda: time_left_ms(site) < 0, step_s=0.001)
            first.fire(PAGE, PAST_NGINX)
            wait_for_blocked(mariadb, "SELECT todos.id", "Waiting for table")
            began = time.monotonic()
            burst.fire(PAGE, PAST_NGINX)
            answers = burst.answers()
            seconds = time.monotonic() - began
            times = page_queries(mariadb, 10)
        answers += first.answers()
    assert [answer.status for answer in answers] == [200] * READERS
    assert all(answer.json() == page for answer in answers)
    assert len(times) <= 1 + seconds // (LOCK_MS / 1000)


def test_nobody_gets_the_page_of_before_a_write(
    site: Site, mariadb: MariaDb, visitor: Visitor
) -> None:
    """1,000 readers right after a write: one query, for which all wait; nobody has the old page."""
    old = visitor.board(PAGE, PAST_NGINX)
    changed = ids_of(old)[3]
    burst = Burst(site.port, READERS)
    with counted_queries(mariadb):
        assert visitor.ask("PUT", f"/api/todo/{changed}/finish").status == 200
        with held(site, "LOCK TABLES todos WRITE"):
            burst.fire(PAGE, PAST_NGINX)
            wait_for_blocked(mariadb, "SELECT todos.id", "Waiting for table")
            time.sleep(0.3)  # for the others to come and find the page being loaded
            assert len(page_queries(mariadb, 10)) == 1
        answers = burst.answers()
    times = page_queries(mariadb, 10)
    assert [answer.status for answer in answers] == [200] * READERS
    new = answers[0].json()
    assert new["data"][3]["is_finished"] is True
    assert ids_of(new) == ids_of(old)
    assert all(answer.json() == new for answer in answers)
    assert all(later - sooner > SHORTEST_LIFE for sooner, later in pairwise(times))
