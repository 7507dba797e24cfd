"""What follows a commit: raising the tags that a transaction invalidated, together with those of
others, handing out hot pages, telling nginx; and making up for what Redis missed."""

import logging
import threading
import time
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import redis

from raindrop.config import Settings
from raindrop.core.edge import Edges, Page
from raindrop.core.generations import Entry, HotEntry, Raised, Store

log = logging.getLogger("raindrop.core.cache")

REPAIR_EVERY_S = 0.2

WAKE = object()
"""Stands among the tags of a transaction that left events for the dispatcher."""


@dataclass
class _Batch:
    """Tags whose generations are raised together."""

    tags: dict[str, None] = field(default_factory=dict)
    is_waking: bool = False
    is_raised: bool = False


class Settler:
    """Settles what one process's transactions invalidated."""

    def __init__(
        self,
        settings: Settings,
        store: Store,
        refresh: Callable[[HotEntry, str, str], Entry],
    ) -> None:
        """
        Args:
            refresh: loads and stores a hot entry at a generation, for the holder of a lock token.
        """
        self.edges = Edges(settings)
        self.hot: dict[str, list[HotEntry]] = {}
        self.on_wake: Callable[[], None] = lambda: None
        self._store, self._load_hot = store, refresh
        self._unraised: set[str] = set()
        self._repairer: threading.Thread | None = None
        self._joining = threading.Lock()
        self._raising = threading.Lock()
        self._next = _Batch()

    def settle(self, items: list[Any]) -> None:
        """Raise the tags, and wake the dispatcher where ``WAKE`` is among them; writers that
        committed meanwhile wait in line and go together.

        A batch is raised after each of its writers has committed, and each returns after it is
        raised, so it is as exact as one after the other, and the page is loaded once for all.
        """
        with self._joining:
            batch = self._next
            batch.tags.update(dict.fromkeys(item for item in items if item is not WAKE))
            batch.is_waking = batch.is_waking or WAKE in items
        with self._raising:
            if batch.is_raised:
                return
            with self._joining:
                self._next = _Batch()
            self._raise_now(list(batch.tags), is_waking=batch.is_waking)
            batch.is_raised = True

    def raise_again(self, tags: Sequence[str]) -> None:
        """Drop entries whose writer may have died before it did.

        Hot pages are not handed out: nginx has the writer's, or forgets its own within a second.
        """
        if not tags:
            return
        try:
            self._store.raise_tags(tags)
        except redis.RedisError as error:
            self._store.note_down(error)
            self._raise_later(list(tags))

    def _raise_now(self, tags: list[str], *, is_waking: bool) -> None:
        token = uuid.uuid4().hex
        entries = [entry for tag in tags for entry in self.hot.get(tag, [])]
        try:
            raised = self._store.raise_tags(tags, token=token, entries=entries, is_waking=is_waking)
        except redis.RedisError as error:
            self._store.note_down(error)
            self._raise_later(tags)
            # Nobody says of which tags nginx holds pages, so it may be any.
            raised = Raised([""] * len(tags), [], False, frozenset(tags))
        if raised.is_newly_awake:
            self.on_wake()
        self._tell_edges(dict(zip(tags, raised.generations, strict=True)), raised, token)

    def _tell_edges(self, generations: dict[str, str], raised: Raised, token: str) -> None:
        for tag in self.hot.keys() & generations.keys():
            generation = generations.pop(tag)
            entries = [entry for entry in raised.hot if entry.tag == tag]
            pages = [self._refresh(entry, generation, token) for entry in entries]
            self.edges.drop({tag: generation}, [page for page in pages if page])
        marked = {tag: known for tag, known in generations.items() if tag in raised.marked}
        if marked:
            self.edges.drop(marked)

    def _refresh(self, entry: HotEntry, generation: str, token: str) -> Page | None:
        try:
            fresh = self._load_hot(entry, generation, token)
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
                self._store.raise_tags(tags)
                self._unraised.difference_update(tags)
            except redis.RedisError:
                continue
        log.info("the invalidations that the cache had missed are made up for")
