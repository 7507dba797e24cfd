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

import logging
import random
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, cast

import redis
from flask import Flask, current_app
from prometheus_client import Counter
from redis.backoff import NoBackoff
from redis.retry import Retry

from raindrop.config import Settings
from raindrop.core.db import after_commit, db, unit_of_work
from raindrop.core.edge import Edges, Page

log = logging.getLogger(__name__)

FORMAT = "rd1"
"""Begins every key; raised when what the values mean changes between releases."""

NEGATIVE_TTL_MS = 2_000
STALE_MS = 10_000
LOCK_MS = 2_000
"""How long a loader that died keeps others waiting."""
WAIT_S = 4.0
POLL_S = 0.003
HOT_MS = 2_000
AWAKE_KEY = f"{FORMAT}:awake"
AWAKE_MS = 5_000
"""How long a nudge that was lost keeps writers from sending another."""
GENERATION_S = 3600
"""How long a generation is remembered; far longer than any entry lives."""
JITTER = 0.1
REDIS_TIMEOUT_S = 0.5
REPAIR_EVERY_S = 0.2
SKIP_S = 1.0
"""After a failure reads go past Redis for so long: a Redis that hangs costs a time-out each."""

_FOUND, _MISSING = b"+", b"-"

_lookups = Counter("raindrop_cache_lookups", "Cache look-ups by outcome", ["outcome"])

_NEXT_GENERATION = """
local function next_generation(known)
  local t = redis.call('TIME')
  return string.format('%.0f', math.max(t[1] * 1000000 + t[2], (tonumber(known) or 0) + 1))
end
"""

_READ = (
    _NEXT_GENERATION
    + """
-- KEYS: the generation of each tag. ARGV: entry, lock token, lock ms, hot ms (0: not hot),
-- seconds that a generation is remembered.
local generations = redis.call('MGET', unpack(KEYS))
for i, generation in ipairs(generations) do
  if not generation then
    generations[i] = next_generation()
    redis.call('SET', KEYS[i], generations[i], 'EX', ARGV[5])
  end
end
local key = ARGV[1] .. '@' .. table.concat(generations, '.')
if ARGV[4] ~= '0' then redis.call('SET', ARGV[1] .. ':hot', 1, 'PX', ARGV[4]) end
local fresh = redis.call('GET', key)
if fresh then return {key, 'hit', fresh, redis.call('PTTL', key)} end
local stale = redis.call('GET', key .. ':stale')
if redis.call('SET', key .. ':lock', ARGV[2], 'NX', 'PX', ARGV[3]) then
  return {key, 'load', false, 0}
end
if stale then return {key, 'stale', stale, 0} end
return {key, 'wait', false, 0}
"""
)

_STORE = """
-- KEYS: the entry at its generations. ARGV: token, value, fresh ms, stale ms.
redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
redis.call('SET', KEYS[1] .. ':stale', ARGV[2], 'PX', ARGV[4])
if redis.call('GET', KEYS[1] .. ':lock') == ARGV[1] then redis.call('DEL', KEYS[1] .. ':lock') end
"""

_UNLOCK = """
if redis.call('GET', KEYS[1] .. ':lock') == ARGV[1] then redis.call('DEL', KEYS[1] .. ':lock') end
"""

_RAISE = (
    _NEXT_GENERATION
    + """
-- KEYS: the generation of each tag. ARGV: lock token, lock ms, the flag to set and its ms (0:
-- none), then for each hot entry the index of its tag and its key. Answers the new generations,
-- for each entry whether it is hot, and whether the flag is newly set; a hot entry is locked, so
-- that readers wait for the copy that the writer is about to store.
local generations, hot, flagged = {}, {}, 0
if ARGV[4] ~= '0' and redis.call('SET', ARGV[3], 1, 'NX', 'PX', ARGV[4]) then flagged = 1 end
for i, key in ipairs(KEYS) do
  local known = redis.call('GET', key)
  generations[i] = next_generation(known)
  -- Where no reader has asked since it was forgotten, there is nothing to drop in Redis.
  if known then redis.call('SET', key, generations[i], 'KEEPTTL') end
end
for i = 5, #ARGV, 2 do
  local entry = ARGV[i + 1]
  hot[#hot + 1] = redis.call('EXISTS', entry .. ':hot')
  if hot[#hot] == 1 then
    local lock = entry .. '@' .. generations[tonumber(ARGV[i])] .. ':lock'
    redis.call('SET', lock, ARGV[1], 'PX', ARGV[2])
  end
end
return {generations, hot, flagged}
"""
)


@dataclass(frozen=True)
class Entry:
    """What a look-up gives: the bytes (``None``: the thing does not exist) and how long they hold.

    ``generation`` is empty when the bytes may not be kept by anybody else.
    """

    body: bytes | None
    generation: str = ""
    ttl_ms: int = 0


@dataclass(frozen=True)
class HotEntry:
    """A page that so many read that the writer who changed it loads and hands out the new one.

    Attributes:
        paths: the addresses, with their query, under which nginx serves these bytes.
    """

    name: str
    tag: str
    ttl_ms: int
    load: Callable[[], bytes | None]
    paths: tuple[str, ...]


@dataclass
class _Flight:
    """A load in this process that other greenlets wait for."""

    done: threading.Event = field(default_factory=threading.Event)
    entry: Entry | None = None


@dataclass
class _Batch:
    """Tags whose generations are raised together."""

    tags: dict[str, None] = field(default_factory=dict)
    is_waking: bool = False
    is_raised: bool = False


_WAKE = object()
"""Stands among the tags of a transaction that left events for the dispatcher."""


class Cache:
    """The cache of one process."""

    def __init__(self, settings: Settings) -> None:
        self.redis = redis.Redis.from_url(
            settings.cache_url,
            socket_timeout=REDIS_TIMEOUT_S,
            socket_connect_timeout=REDIS_TIMEOUT_S,
            retry=Retry(NoBackoff(), 1),
        )
        self.edges = Edges(settings)
        self._read = self.redis.register_script(_READ)
        self._store = self.redis.register_script(_STORE)
        self._unlock = self.redis.register_script(_UNLOCK)
        self._raise = self.redis.register_script(_RAISE)
        self._flights: dict[str, _Flight] = {}
        self._hot: dict[str, list[HotEntry]] = {}
        self._unraised: set[str] = set()
        self._repairer: threading.Thread | None = None
        self._joining = threading.Lock()
        self._raising = threading.Lock()
        self._next = _Batch()
        self._is_down = False
        self._skip_until = 0.0
        self.on_wake: Callable[[], None] = lambda: None
        """Called in the process that woke the dispatcher (core/dispatcher.py)."""

    def add_hot(self, entry: HotEntry) -> None:
        """Register a hot page; rooms do so when the app is made."""
        self._hot.setdefault(entry.tag, []).append(entry)

    def get_or_load(
        self,
        name: str,
        *,
        tags: Sequence[str],
        ttl_ms: int,
        load: Callable[[], bytes | None],
        is_hot: bool = False,
    ) -> Entry:
        """The entry's bytes, from Redis or from ``load``.

        ``load`` answers ``None`` for what does not exist, which is kept too, for a short time.
        Without Redis every call loads; the connection pool bounds how many do so at once.
        """
        deadline = time.monotonic() + WAIT_S
        while time.monotonic() >= self._skip_until:
            token = uuid.uuid4().hex
            try:
                key, outcome, value, left_ms = self._look_up(name, tags, token, is_hot=is_hot)
                self._note_up()
                _lookups.labels(outcome).inc()
                entry = self._await(key) if outcome == "wait" else None
            except redis.RedisError as error:
                self._note_down(error)
                break
            if outcome == "hit":
                return Entry(_decode(value), _generation(key), left_ms)
            if outcome == "stale":
                return Entry(_decode(value))
            if outcome == "load":
                return self._fly(key, token, ttl_ms, load)
            if entry is not None:
                return entry
            if time.monotonic() > deadline:
                break
        return self._load_alone(load)

    def invalidate(self, *tags: str, is_repeated: bool = True) -> None:
        """Drop every entry of these tags once the open transaction is committed.

        Args:
            is_repeated: the transaction's events keep the tags, so that the dispatcher drops them
                again should this process die first; False for entries that live too short for it
                to matter.
        """
        for tag in tags:
            after_commit(self._settle, tag)
        if is_repeated:
            db.session.info.setdefault("dropped_tags", {}).update(dict.fromkeys(tags))

    def wake_dispatcher(self) -> None:
        """Say, with the commit and in the same round trip, that there are events."""
        after_commit(self._settle, _WAKE)

    def hold_dispatcher(self) -> None:
        """The dispatcher is at work: for a while no write need wake it."""
        try:
            self.redis.set(AWAKE_KEY, 1, px=AWAKE_MS)
        except redis.RedisError as error:
            self._note_down(error)

    def rest_dispatcher(self) -> None:
        """From now on the next write wakes the dispatcher again."""
        try:
            self.redis.delete(AWAKE_KEY)
        except redis.RedisError as error:
            self._note_down(error)

    def raise_again(self, tags: Sequence[str]) -> None:
        """Drop entries whose writer may have died before it did.

        Hot pages are not handed out: nginx has the writer's, or forgets its own within a second.
        """
        if not tags:
            return
        try:
            self._raise(keys=[_tag_key(tag) for tag in tags], args=["", LOCK_MS, "", 0])
        except redis.RedisError as error:
            self._note_down(error)
            self._raise_later(list(tags))

    def _look_up(
        self, name: str, tags: Sequence[str], token: str, *, is_hot: bool
    ) -> tuple[str, str, bytes, int]:
        keys = [_tag_key(tag) for tag in tags]
        answer = self._read(
            keys=keys,
            args=[_entry_key(name), token, LOCK_MS, HOT_MS if is_hot else 0, GENERATION_S],
        )
        key, outcome, value, left_ms = cast(list[Any], answer)
        return key.decode(), outcome.decode(), value or b"", left_ms

    def _fly(self, key: str, token: str, ttl_ms: int, load: Callable[[], bytes | None]) -> Entry:
        with self._flight(key) as flight:
            try:
                flight.entry = self._load_and_store(key, token, ttl_ms, load)
            except BaseException:
                self._release(key, token)
                raise
            return flight.entry

    def _load_and_store(
        self, key: str, token: str, ttl_ms: int, load: Callable[[], bytes | None]
    ) -> Entry:
        body = load()
        if body is None:
            ttl_ms = min(ttl_ms, NEGATIVE_TTL_MS)
        ttl_ms = int(ttl_ms * random.uniform(1 - JITTER, 1))
        value = _MISSING if body is None else _FOUND + body
        try:
            self._store(keys=[key], args=[token, value, ttl_ms, ttl_ms + STALE_MS])
        except redis.RedisError as error:
            self._note_down(error)
            return Entry(body)
        return Entry(body, _generation(key), ttl_ms)

    def _release(self, key: str, token: str) -> None:
        try:
            self._unlock(keys=[key], args=[token])
        except redis.RedisError as error:
            self._note_down(error)

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

    def _settle(self, items: list[Any]) -> None:
        """Raise the tags, and wake the dispatcher where ``_WAKE`` is among them; writers that
        committed meanwhile wait in line and go together.

        A batch is raised after each of its writers has committed, and each returns after it is
        raised, so it is as exact as one after the other, and the page is loaded once for all.
        """
        with self._joining:
            batch = self._next
            batch.tags.update(dict.fromkeys(item for item in items if item is not _WAKE))
            batch.is_waking = batch.is_waking or _WAKE in items
        with self._raising:
            if batch.is_raised:
                return
            with self._joining:
                self._next = _Batch()
            self._raise_now(list(batch.tags), is_waking=batch.is_waking)
            batch.is_raised = True

    def _raise_now(self, tags: list[str], *, is_waking: bool) -> None:
        token = uuid.uuid4().hex
        try:
            generations, hot = self._raise_in_redis(tags, token, is_waking=is_waking)
        except redis.RedisError as error:
            self._note_down(error)
            self._raise_later(tags)
            generations, hot = [""] * len(tags), []
        for tag, generation in zip(tags, generations, strict=True):
            if tag in self._hot:
                entries = [entry for entry in hot if entry.tag == tag]
                pages = [self._refresh(entry, generation, token) for entry in entries]
                self.edges.drop(tag, generation, [page for page in pages if page])

    def _raise_in_redis(
        self, tags: list[str], token: str, *, is_waking: bool
    ) -> tuple[list[str], list[HotEntry]]:
        """Raise the tags; the new generations and the entries that are hot just now."""
        entries = [
            (index, entry)
            for index, tag in enumerate(tags, start=1)
            for entry in self._hot.get(tag, [])
        ]
        args: list[str | int] = [token, LOCK_MS, AWAKE_KEY, AWAKE_MS if is_waking else 0]
        for index, entry in entries:
            args += [index, _entry_key(entry.name)]
        answer = self._raise(keys=[_tag_key(tag) for tag in tags], args=args)
        generations, flags, is_newly_awake = cast(tuple[list[bytes], list[int], int], answer)
        if is_newly_awake:
            self.on_wake()
        hot = [entry for (_, entry), flag in zip(entries, flags, strict=True) if flag]
        return [generation.decode() for generation in generations], hot

    def _refresh(self, entry: HotEntry, generation: str, token: str) -> Page | None:
        def load() -> bytes | None:
            with unit_of_work(is_write=False):
                return entry.load()

        try:
            key = f"{_entry_key(entry.name)}@{generation}"
            fresh = self._fly(key, token, entry.ttl_ms, load)
        except Exception:
            log.exception("could not refresh %s after a write", entry.name)
            return None
        if fresh.body is None or not fresh.generation:
            return None
        return Page(entry.paths, fresh.body, fresh.ttl_ms)

    def _raise_later(self, tags: list[str]) -> None:
        """Remember invalidations that Redis did not take, and repeat them until it does."""
        self._unraised.update(tags)
        if self._repairer is None or not self._repairer.is_alive():
            self._repairer = threading.Thread(target=self._repair, daemon=True)
            self._repairer.start()

    def _repair(self) -> None:
        while self._unraised:
            time.sleep(REPAIR_EVERY_S)
            try:
                tags = list(self._unraised)
                self._raise(keys=[_tag_key(tag) for tag in tags], args=["", LOCK_MS, "", 0])
                self._unraised.difference_update(tags)
            except redis.RedisError:
                continue
        log.info("the invalidations that the cache had missed are made up for")

    def _note_down(self, error: redis.RedisError) -> None:
        if not self._is_down:
            log.error("the cache does not answer, the database does its work: %s", error)
        self._is_down = True
        self._skip_until = time.monotonic() + SKIP_S

    def _note_up(self) -> None:
        if self._is_down:
            log.warning("the cache answers again")
        self._is_down = False


def init_cache(app: Flask, settings: Settings) -> None:
    """Make the process's cache. Nothing connects before the first look-up."""
    app.extensions["raindrop_cache"] = Cache(settings)


def get_cache() -> Cache:
    """The cache of the current app."""
    return cast(Cache, current_app.extensions["raindrop_cache"])


def _tag_key(tag: str) -> str:
    return f"{FORMAT}:gen:{tag}"


def _entry_key(name: str) -> str:
    return f"{FORMAT}:{name}"


def _generation(key: str) -> str:
    return key.rpartition("@")[2]


def _decode(value: bytes) -> bytes | None:
    return value[1:] if value.startswith(_FOUND) else None
