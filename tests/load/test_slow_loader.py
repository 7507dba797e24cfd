"""A page whose load began before a write and ended after it."""

import threading
from collections.abc import Iterator

import pytest
from flask import Flask

from raindrop.core.cache import get_cache
from raindrop.core.db import db, unit_of_work
from raindrop.todos.service import BOARD_TAG, BOARD_TTL_MS, load_page
from tests.load.clients import PAST_NGINX, Visitor
from tests.support.app import app_of
from tests.support.site import Site

pytestmark = pytest.mark.load

WAIT_S = 10


@pytest.fixture
def app(site: Site) -> Iterator[Flask]:
    """One more process of the site: this one."""
    app = app_of(site)
    yield app
    with app.app_context():
        db.engine.dispose()


@pytest.mark.parametrize("start", [0, 10])
@pytest.mark.parametrize("headers", [{}, PAST_NGINX], ids=["nginx", "flask"])
def test_bytes_of_before_a_write_are_not_kept(
    site: Site, app: Flask, start: int, headers: dict[str, str]
) -> None:
    """They go to the reader who came before the write, and to nobody after it."""
    visitor, path = Visitor(site.port), f"/api/todo?start={start}"
    for number in range(20):
        visitor.add(f"to-do {number}")
    site.cache.flushall()
    has_read, may_end = threading.Event(), threading.Event()
    loaded: list[bytes | None] = []

    def load() -> bytes:
        body = load_page(start)
        has_read.set()
        assert may_end.wait(WAIT_S)
        return body

    def read() -> None:
        with app.app_context(), unit_of_work(is_write=False):
            entry = get_cache().get_or_load(
                f"todos:{start}",
                tags=[BOARD_TAG],
                ttl_ms=BOARD_TTL_MS,
                load=load,
                is_hot=start == 0,
            )
            loaded.append(entry.body)

    reader = threading.Thread(target=read)
    reader.start()
    assert has_read.wait(WAIT_S)
    newest = visitor.add("written meanwhile").json()["id"]
    may_end.set()
    reader.join()

    old = loaded[0]
    assert old is not None
    generation = site.cache.get(f"rd1:gen:{BOARD_TAG}").decode()
    kept = [site.cache.get(key) for key in site.cache.keys(f"rd1:todos:{start}@{generation}*")]
    assert b"+" + old not in kept
    page = visitor.board(path, headers)
    assert page["total"] == 21
    assert page["data"][0]["id"] == (newest if start == 0 else newest - 10)
