"""The cache against a real Redis: generations, negative entries, jitter, loss."""

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask

from raindrop.app import create_app
from raindrop.config import load_settings
from raindrop.core.cache import Cache, get_cache
from raindrop.core.db import unit_of_work
from raindrop.migrations import migrate
from tests.support.redis import RedisServer


@pytest.fixture(scope="module")
def server(short_folder: Path) -> Iterator[RedisServer]:
    server = RedisServer(short_folder / "cache")
    server.start()
    yield server
    server.stop()


@pytest.fixture
def app(server: RedisServer, tmp_path: Path) -> Iterator[Flask]:
    settings = load_settings({"RAINDROP_VAR": str(tmp_path), "RAINDROP_REDIS_URL": server.url})
    migrate(settings)
    server.client.flushall()
    app = create_app(settings)
    with app.app_context():
        yield app


@pytest.fixture
def cache(app: Flask) -> Cache:
    return get_cache()


class Counting:
    """A loader that counts its calls and answers with their number."""

    def __init__(self) -> None:
        self.calls = 0

    def __call__(self) -> bytes | None:
        self.calls += 1
        return str(self.calls).encode()


class Held:
    """A loader that waits in the middle until it may go on."""

    def __init__(self, body: bytes) -> None:
        self.body = body
        self.is_loading, self.may_go_on = threading.Event(), threading.Event()

    def __call__(self) -> bytes:
        self.is_loading.set()
        assert self.may_go_on.wait(5)
        return self.body


def get(cache: Cache, load, ttl_ms: int = 60_000, tags: tuple[str, ...] = ("t",)) -> bytes | None:
    return cache.get_or_load("entry", tags=tags, ttl_ms=ttl_ms, load=load).body


def invalidate(cache: Cache, *tags: str) -> None:
    with unit_of_work():
        cache.invalidate(*tags)


def test_loads_once(cache: Cache) -> None:
    load = Counting()
    assert [get(cache, load) for _ in range(3)] == [b"1"] * 3


def test_invalidation_drops_every_entry_of_the_tag_and_no_other(cache: Cache) -> None:
    load, other = Counting(), Counting()
    get(cache, load, tags=("a", "b"))
    cache.get_or_load("other", tags=["c"], ttl_ms=60_000, load=other)
    for calls, tag in ((2, "a"), (3, "b")):
        invalidate(cache, tag)
        assert get(cache, load, tags=("a", "b")) == str(calls).encode()
    cache.get_or_load("other", tags=["c"], ttl_ms=60_000, load=other)
    assert other.calls == 1


def test_rolled_back_write_invalidates_nothing(cache: Cache) -> None:
    load = Counting()
    get(cache, load)
    with pytest.raises(RuntimeError), unit_of_work():
        cache.invalidate("t")
        raise RuntimeError
    assert get(cache, load) == b"1"


def test_missing_rows_are_kept_too_and_shortly(cache: Cache, server: RedisServer) -> None:
    calls = []

    def load() -> None:
        calls.append(1)

    assert get(cache, load) is None
    assert get(cache, load) is None
    assert len(calls) == 1
    (key,) = (key for key in server.client.keys("rd1:entry@*") if not key.endswith(b":stale"))
    assert 0 < server.client.pttl(key) <= 2000


def test_expired_entry_is_served_to_others_while_one_reloads(app: Flask, cache: Cache) -> None:
    load = Counting()
    assert get(cache, load, ttl_ms=50) == b"1"
    time.sleep(0.06)
    slow = Held(b"new")

    answers: list[bytes | None] = []

    def reload() -> None:
        with app.app_context():
            answers.append(get(cache, slow))

    thread = threading.Thread(target=reload)
    thread.start()
    assert slow.is_loading.wait(5)
    assert [get(cache, load) for _ in range(5)] == [b"1"] * 5
    slow.may_go_on.set()
    thread.join(5)
    assert answers == [b"new"]
    assert get(cache, load) == b"new"
    assert load.calls == 1


def test_after_a_write_nobody_gets_the_stale_copy(app: Flask, cache: Cache) -> None:
    """Readers that come while the new value loads wait for it."""
    assert get(cache, lambda: b"old") == b"old"
    invalidate(cache, "t")
    slow = Held(b"new")

    answers: list[bytes | None] = []

    def read() -> None:
        with app.app_context():
            answers.append(get(cache, slow))

    threads = [threading.Thread(target=read) for _ in range(20)]
    for thread in threads:
        thread.start()
    assert slow.is_loading.wait(5)
    time.sleep(0.05)
    assert answers == []
    slow.may_go_on.set()
    for thread in threads:
        thread.join(5)
    assert answers == [b"new"] * 20


def test_load_that_began_before_a_write_is_not_kept(app: Flask, cache: Cache) -> None:
    slow = Held(b"old")

    def read() -> None:
        with app.app_context():
            get(cache, slow)

    thread = threading.Thread(target=read)
    thread.start()
    assert slow.is_loading.wait(5)
    invalidate(cache, "t")
    assert get(cache, lambda: b"new") == b"new"
    slow.may_go_on.set()
    thread.join(5)
    assert get(cache, lambda: b"newer") == b"new"


def test_failed_load_does_not_block_the_next(cache: Cache) -> None:
    def fail() -> bytes:
        raise RuntimeError

    with pytest.raises(RuntimeError):
        get(cache, fail)
    began = time.monotonic()
    assert get(cache, lambda: b"x") == b"x"
    assert time.monotonic() - began < 1


def test_evicted_generation_begins_above_any_before(cache: Cache, server: RedisServer) -> None:
    get(cache, lambda: b"old")
    before = int(server.client.get("rd1:gen:t") or 0)
    server.client.delete("rd1:gen:t")
    assert get(cache, lambda: b"new") == b"new"
    assert int(server.client.get("rd1:gen:t") or 0) > before


def test_times_to_live_differ(cache: Cache, server: RedisServer) -> None:
    for number in range(20):
        cache.get_or_load(f"e{number}", tags=["t"], ttl_ms=60_000, load=lambda: b"x")
    left = {server.client.pttl(key) // 100 for key in server.client.keys("rd1:e[0-9]*@*[0-9]")}
    assert len(left) > 5
    assert all(520 <= tenths <= 600 for tenths in left)


def test_redis_loss_is_survived_and_made_up_for(
    cache: Cache, server: RedisServer, caplog: pytest.LogCaptureFixture
) -> None:
    """While it is away the loader answers; an invalidation of that time is repeated later."""
    assert get(cache, lambda: b"old") == b"old"
    server.pause()
    try:
        load = Counting()
        assert [get(cache, load), get(cache, load)] == [b"1", b"2"]
        invalidate(cache, "t")
    finally:
        server.resume()
    deadline = time.monotonic() + 5
    # For a second reads still go past Redis; then the old copy must not come back.
    while get(cache, lambda: b"new") == b"old" or get(cache, lambda: b"newer") != b"new":
        assert time.monotonic() < deadline
        time.sleep(0.05)
    told = [record for record in caplog.records if "does not answer" in record.message]
    assert len(told) == 1
