"""A process that dies between the commit and the invalidation of the cache."""

import threading
import time
from http.client import HTTPException

import pytest

from raindrop.todos.service import BOARD_TTL_MS
from tests.load.clients import Answer, Visitor, ids_of, poll
from tests.load.database import held, wait_for_blocked
from tests.load.processes import kill, only_web_worker
from tests.support.mariadb import MariaDb
from tests.support.site import Site

pytestmark = pytest.mark.load

CONTENT = "committed, but nobody was told"
REPAIRED_WITHIN_S = 1.0
"""The page's life of 0.6 s, nginx's grace of 0.3 s and a load."""


def test_page_is_right_within_a_second(site: Site, mariadb: MariaDb) -> None:
    """MariaDB holds the commit back until the worker is dead, then carries it out."""
    visitor, answers = Visitor(site.port), list[Answer]()
    visitor.add("before")
    visitor.board()  # a generation is there from the first read on
    hold_commits = held(site, "BACKUP STAGE START", "BACKUP STAGE BLOCK_COMMIT")
    with only_web_worker(site) as worker, hold_commits:
        writer = threading.Thread(target=lambda: answers.append(Visitor(site.port).add(CONTENT)))
        writer.start()
        wait_for_blocked(mariadb, "COMMIT", "Waiting for backup lock")
        generation = site.cache.get("rd1:gen:todos")
        poll(lambda: has_just_been_loaded(site, visitor), step_s=0)
        kill(worker)
    committed = poll(lambda: ids_of_content(site), step_s=0.001)
    began = time.monotonic()
    assert site.cache.get("rd1:gen:todos") == generation
    poll(lambda: committed[0] in shown(visitor), REPAIRED_WITHIN_S - (time.monotonic() - began))
    print(f"right {time.monotonic() - began:.2f} s after the commit")
    writer.join()
    assert answers[0].status == 503
    poll(lambda: len(site.pids("web")) == 1 + site.settings.web_workers)


def has_just_been_loaded(site: Site, visitor: Visitor) -> bool:
    """Read the page; whether its bytes are kept for nearly their whole life yet."""
    visitor.board()
    keys = site.cache.keys("rd1:todos:0@*[0-9]")
    return any(site.cache.pttl(key) > BOARD_TTL_MS * 0.8 for key in keys)


def ids_of_content(site: Site) -> list[int]:
    """The committed to-do."""
    rows = site.sql("SELECT id FROM todos WHERE content = :content", content=CONTENT)
    return [row["id"] for row in rows]


def shown(visitor: Visitor) -> list[int]:
    """What the page shows, if it is answered."""
    try:
        answer = visitor.ask("GET", "/api/todo?start=0")
    except (OSError, HTTPException):
        return []
    return ids_of(answer.json()) if answer.status == 200 else []
