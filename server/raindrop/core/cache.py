"""The cache: ``get_or_load()`` and ``invalidate()``, exact after a commit.

Every entry depends on tags. A tag has a generation, a number in Redis that only grows: the clock
in microseconds, or one more than the last where that is higher. The generations of an entry's
tags are part of its key. Invalidation raises the generation, so it drops every entry of the tag
at once, fresh and stale copy, and a loader that began before it stores its bytes under a key that
nobody reads any more. A generation that was evicted begins again at the clock, above any earlier
one.

An entry that merely expired is different: its bytes were true a moment ago, so one reader
reloads it and the others get the longer-lived stale copy.
"""

import random
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import cast

import redis
from flask import Flask, current_app, g, has_request_context
from prometheus_client import Counter

from raindrop.config import Settings
from raindrop.core.db import after_commit, db, end_snapshot, unit_of_work
from raindrop.core.generations import (
    AWAKE_KEY,
    AWAKE_MS,
    LOCK_MS,
    Entry,
    Found,
    HotEntry,
    Store,
    entry_key,
)
from raindrop.core.settling import WAKE, Settler

__all__ = [
    "AWAKE_KEY",
    "BODY_MAX_BYTES",
    "JITTER",
    "LOCK_MS",
    "Cache",
    "Entry",
    "HotEntry",
    "get_cache",
    "init_cache",
]

NEGATIVE_TTL_MS = 2_000
BODY_MAX_BYTES = 64 * 1024
"""What is larger is not kept: few ask for it twice, and it would push much else out."""
WAIT_S = 4.0
POLL_S = 0.003
JITTER = 0.1

_FOUND, _MISSING, _TOO_LARGE = b"+", b"-", b"!"

_lookups = Counter("raindrop_cache_lookups", "Cache look-ups by outcome", ["outcome"])


@dataclass
class _Flight:
    """A load in this process that other greenlets wait for."""

    done: threading.Event = field(default_factory=threading.Event)
    entry: Entry | None = None


class Cache:
    """The cache of one process."""

    def __init__(self, settings: Settings) -> None:
        self._store = Store(settings)
        self.redis = self._store.redis
        self._settler = Settler(settings, self._store, self._refresh)
        self.edges = self._settler.edges
        self._flights: dict[str, _Flight] = {}

    @property
    def on_wake(self) -> Callable[[], None]:
        """Called in the process that woke the dispatcher (core/dispatcher.py)."""
        return self._settler.on_wake

    @on_wake.setter
    def on_wake(self, call: Callable[[], None]) -> None:
        self._settler.on_wake = call

    def add_hot(self, entry: HotEntry) -> None:
        """Register a hot page; rooms do so when the app is made."""
        self._settler.hot.setdefault(entry.tag, []).append(entry)

    def get_or_load(
        self,
        name: str,
        *,
        tags: Sequence[str],
        ttl_ms: int,
        load: Callable[[], bytes | None],
        is_hot: bool = False,
        is_marked: bool = False,
        after: Sequence[str] = (),
    ) -> Entry:
        """The entry's bytes, from Redis or from ``load``.

        ``load`` answers ``None`` for what does not exist, which is kept too, for a short time.
        Without Redis every call loads; the connection pool bounds how many do so at once.

        Args:
            is_marked: an nginx may keep the bytes: whoever raises one of the tags tells it.
            after: tags by which this request has decided something that the bytes depend on. If
                one was raised since it first saw it, the bytes are nobody else's.
        """
        deadline = time.monotonic() + WAIT_S
        while not self._store.is_skipped and time.monotonic() <= deadline:
            token = uuid.uuid4().hex
            try:
                found = self._store.look_up(name, tags, token, is_hot=is_hot, is_marked=is_marked)
                awaited = self._await(found.key) if found.outcome == "wait" else None
            except redis.RedisError as error:
                self._store.note_down(error)
                break
            if not _is_as_seen(tags, found.key, after) or found.value == _TOO_LARGE:
                if found.outcome == "load":
                    self._store.release(found.key, token)
                break
            _lookups.labels(found.outcome).inc()
            if found.outcome == "load":
                return self._fly(found.key, token, ttl_ms, load)
            entry = awaited or _entry_of(found)
            if entry is not None:
                return entry
        return self._load_alone(load)

    def invalidate(self, *tags: str, is_repeated: bool = True) -> None:
        """Drop every entry of these tags once the open transaction is committed.

        Args:
            is_repeated: the transaction's events keep the tags, so that the dispatcher drops them
                again should this process die first; False for entries that live too short for it
                to matter.
        """
        for tag in tags:
            after_commit(self._settler.settle, tag)
        if is_repeated:
            db.session.info.setdefault("dropped_tags", {}).update(dict.fromkeys(tags))

    def wake_dispatcher(self) -> None:
        """Say, with the commit and in the same round trip, that there are events."""
        after_commit(self._settler.settle, WAKE)

    def hold_dispatcher(self) -> None:
        """The dispatcher is at work: for a while no write need wake it."""
        try:
            self.redis.set(AWAKE_KEY, 1, px=AWAKE_MS)
        except redis.RedisError as error:
            self._store.note_down(error)

    def rest_dispatcher(self) -> None:
        """From now on the next write wakes the dispatcher again."""
        try:
            self.redis.delete(AWAKE_KEY)
        except redis.RedisError as error:
            self._store.note_down(error)

    def raise_again(self, tags: Sequence[str]) -> None:
        """Drop entries whose writer may have died before it did."""
        self._settler.raise_again(tags)

    def _fly(self, key: str, token: str, ttl_ms: int, load: Callable[[], bytes | None]) -> Entry:
        with self._flight(key) as flight:
            try:
                flight.entry = self._load_and_store(key, token, ttl_ms, load)
            except BaseException:
                self._store.release(key, token)
                raise
            return flight.entry

    def _load_and_store(
        self, key: str, token: str, ttl_ms: int, load: Callable[[], bytes | None]
    ) -> Entry:
        end_snapshot()
        body = load()
        if body is None:
            ttl_ms = min(ttl_ms, NEGATIVE_TTL_MS)
        ttl_ms = int(ttl_ms * random.uniform(1 - JITTER, 1))
        value = _encode(body)
        try:
            self._store.keep(key, token, value, ttl_ms)
        except redis.RedisError as error:
            self._store.note_down(error)
            return Entry(body)
        return Entry(body) if value == _TOO_LARGE else Entry(body, _generation(key), ttl_ms)

    def _refresh(self, entry: HotEntry, generation: str, token: str) -> Entry:
        def load() -> bytes | None:
            with unit_of_work(is_write=False):
                return entry.load()

        return self._fly(f"{entry_key(entry.name)}@{generation}", token, entry.ttl_ms, load)

    def _await(self, key: str) -> Entry | None:
        """Wait for a load of exactly these generations; ``None``: look again.

        A flight is found by a key that holds the generations this reader just saw, so its bytes
        are never older than a write that was answered before the reader came. When the load is
        in another process, one greenlet of this one watches for its end.
        """
        flight = self._flights.get(key)
        if flight is not None:
            flight.done.wait(LOCK_MS / 1000)
            return flight.entry
        with self._flight(key):
            deadline = time.monotonic() + WAIT_S
            while self.redis.exists(f"{key}:lock") and time.monotonic() < deadline:
                time.sleep(POLL_S)
        return None

    @contextmanager
    def _flight(self, key: str) -> Iterator[_Flight]:
        flight = self._flights[key] = _Flight()
        try:
            yield flight
        finally:
            if self._flights.get(key) is flight:
                del self._flights[key]
            flight.done.set()

    def _load_alone(self, load: Callable[[], bytes | None]) -> Entry:
        _lookups.labels("uncached").inc()
        return Entry(load())


def init_cache(app: Flask, settings: Settings) -> None:
    """Make the process's cache. Nothing connects before the first look-up."""
    app.extensions["raindrop_cache"] = Cache(settings)


def get_cache() -> Cache:
    """The cache of the current app."""
    return cast(Cache, current_app.extensions["raindrop_cache"])


def _is_as_seen(tags: Sequence[str], key: str, after: Sequence[str]) -> bool:
    """Whether these tags have the generations under which this request first saw them."""
    if not has_request_context():
        return not after
    seen: dict[str, str] = g.setdefault("generations", {})
    now = dict(zip(tags, _generation(key).split("."), strict=True))
    is_same = all(seen.get(tag) == now[tag] for tag in after)
    g.generations = now | seen
    return is_same


def _entry_of(found: Found) -> Entry | None:
    if found.outcome == "hit":
        return Entry(_decode(found.value), _generation(found.key), found.left_ms)
    return Entry(_decode(found.value)) if found.outcome == "stale" else None


def _generation(key: str) -> str:
    return key.rpartition("@")[2]


def _encode(body: bytes | None) -> bytes:
    if body is None:
        return _MISSING
    return _FOUND + body if len(body) <= BODY_MAX_BYTES else _TOO_LARGE


def _decode(value: bytes) -> bytes | None:
    return value[1:] if value.startswith(_FOUND) else None
