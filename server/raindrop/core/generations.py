"""What the cache keeps in Redis: entries at the generations of their tags, and the scripts that
read, keep and raise them.

A tag's generation is a number that only grows: the clock in microseconds, or one more than the
last where that is higher. The generations of an entry's tags are part of its key.

A tag is marked while an nginx may hold a page that depends on it. The mark is set in the same
step in which the page's generations are read, and it outlives the page, so a writer who finds
none when it raises the generation need tell nobody.
"""

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, cast

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from raindrop.config import Settings

log = logging.getLogger("raindrop.core.cache")

FORMAT = "rd1"
"""Begins every key; raised when what the values mean changes between releases."""

STALE_MS = 10_000
LOCK_MS = 2_000
"""How long a loader that died keeps others waiting."""
HOT_MS = 2_000
MARK_MS = 8_000
"""Longer than a page's whole life: nginx keeps none that took over 5 s to come (``FILL`` in
``etc/nginx/lua/edge.lua``), and that for a second."""
AWAKE_KEY = f"{FORMAT}:awake"
AWAKE_MS = 5_000
"""How long a nudge that was lost keeps writers from sending another."""
GENERATION_S = 3600
"""How long a generation is remembered; far longer than any entry lives."""
REDIS_TIMEOUT_S = 0.5
SKIP_S = 1.0
"""After a failure reads go past Redis for so long: a Redis that hangs costs a time-out each."""

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
-- seconds that a generation is remembered, mark ms (0: no page of nginx comes of it).
local generations = redis.call('MGET', unpack(KEYS))
for i, generation in ipairs(generations) do
  if not generation then
    generations[i] = next_generation()
    redis.call('SET', KEYS[i], generations[i], 'EX', ARGV[5])
  end
  if ARGV[6] ~= '0' then redis.call('SET', KEYS[i] .. ':edge', 1, 'PX', ARGV[6]) end
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
-- for each entry whether it is hot, whether the flag is newly set, and for each tag whether it is
-- marked; a hot entry is locked, so that readers wait for the copy that the writer is about to
-- store.
local generations, hot, flagged, marked = {}, {}, 0, {}
if ARGV[4] ~= '0' and redis.call('SET', ARGV[3], 1, 'NX', 'PX', ARGV[4]) then flagged = 1 end
for i, key in ipairs(KEYS) do
  local known = redis.call('GET', key)
  generations[i] = next_generation(known)
  -- Where no reader has asked since it was forgotten, there is nothing to drop in Redis.
  if known then redis.call('SET', key, generations[i], 'KEEPTTL') end
  marked[i] = redis.call('EXISTS', key .. ':edge')
end
for i = 5, #ARGV, 2 do
  local entry = ARGV[i + 1]
  hot[#hot + 1] = redis.call('EXISTS', entry .. ':hot')
  if hot[#hot] == 1 then
    local lock = entry .. '@' .. generations[tonumber(ARGV[i])] .. ':lock'
    redis.call('SET', lock, ARGV[1], 'PX', ARGV[2])
  end
end
return {generations, hot, flagged, marked}
"""
)


@dataclass(frozen=True)
class Entry:
    """What a look-up gives: the bytes (``None``: the thing does not exist) and how long they hold.

    ``generation``, those of the tags joined by periods, is empty when the bytes may not be kept by
    anybody else.
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


class Found(NamedTuple):
    """What Redis has: ``hit`` and ``stale`` with the value, or whether to ``load`` or ``wait``."""

    key: str
    outcome: str
    value: bytes
    left_ms: int


class Raised(NamedTuple):
    """What raising tags gave.

    Attributes:
        generations: the new one of each tag.
        hot: which of the given entries are hot.
        is_newly_awake: whether the dispatcher's flag was not set before.
        marked: the tags of which an nginx may hold a page.
    """

    generations: list[str]
    hot: list[HotEntry]
    is_newly_awake: bool
    marked: frozenset[str]


class Store:
    """The scripts over one process's connections, and whether Redis answers."""

    def __init__(self, settings: Settings) -> None:
        self.redis = redis.Redis.from_url(
            settings.cache_url,
            socket_timeout=REDIS_TIMEOUT_S,
            socket_connect_timeout=REDIS_TIMEOUT_S,
            retry=Retry(NoBackoff(), 1),
        )
        self._read = self.redis.register_script(_READ)
        self._store = self.redis.register_script(_STORE)
        self._unlock = self.redis.register_script(_UNLOCK)
        self._raise = self.redis.register_script(_RAISE)
        self._is_down = False
        self._skip_until = 0.0

    @property
    def is_skipped(self) -> bool:
        """Whether it failed just now."""
        return time.monotonic() < self._skip_until

    def look_up(
        self, name: str, tags: Sequence[str], token: str, *, is_hot: bool, is_marked: bool
    ) -> Found:
        """An entry at the present generations of its tags."""
        answer = self._read(
            keys=[tag_key(tag) for tag in tags],
            args=[
                entry_key(name),
                token,
                LOCK_MS,
                HOT_MS if is_hot else 0,
                GENERATION_S,
                MARK_MS if is_marked else 0,
            ],
        )
        key, outcome, value, left_ms = cast(list[Any], answer)
        self.note_up()
        return Found(key.decode(), outcome.decode(), value or b"", left_ms)

    def keep(self, key: str, token: str, value: bytes, ttl_ms: int) -> None:
        """Keep a value, with its longer-lived copy, and let those who wait look."""
        self._store(keys=[key], args=[token, value, ttl_ms, ttl_ms + STALE_MS])

    def release(self, key: str, token: str) -> None:
        """Give a load up."""
        try:
            self._unlock(keys=[key], args=[token])
        except redis.RedisError as error:
            self.note_down(error)

    def raise_tags(
        self,
        tags: Sequence[str],
        *,
        token: str = "",
        entries: Sequence[HotEntry] = (),
        is_waking: bool = False,
    ) -> Raised:
        """Raise the generations of tags.

        Args:
            entries: the hot entries of these tags; those that are hot just now are locked for
                the holder of the token.
            is_waking: set the dispatcher's flag too.
        """
        numbers = {tag: number for number, tag in enumerate(tags, start=1)}
        args: list[str | int] = [token, LOCK_MS, AWAKE_KEY, AWAKE_MS if is_waking else 0]
        for entry in entries:
            args += [numbers[entry.tag], entry_key(entry.name)]
        answer = self._raise(keys=[tag_key(tag) for tag in tags], args=args)
        generations, flags, is_newly_awake, marked = cast(
            tuple[list[bytes], list[int], int, list[int]], answer
        )
        return Raised(
            [generation.decode() for generation in generations],
            [entry for entry, flag in zip(entries, flags, strict=True) if flag],
            bool(is_newly_awake),
            frozenset(tag for tag, flag in zip(tags, marked, strict=True) if flag),
        )

    def note_down(self, error: redis.RedisError) -> None:
        """Redis failed: the log says so once, and reads go past it for a while."""
        if not self._is_down:
            log.error("the cache does not answer, the database does its work: %s", error)
        self._is_down = True
        self._skip_until = time.monotonic() + SKIP_S

    def note_up(self) -> None:
        """Redis answered."""
        if self._is_down:
            log.warning("the cache answers again")
        self._is_down = False


def tag_key(tag: str) -> str:
    """Where a tag's generation is."""
    return f"{FORMAT}:gen:{tag}"


def entry_key(name: str) -> str:
    """Where an entry is, but for the generations."""
    return f"{FORMAT}:{name}"
