"""Whoever changed the board and was answered sees the change, through nginx's own memory too."""

import itertools
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import pytest

from tests.load.clients import PAGE_SIZE, Visitor, ids_of, is_below, poll
from tests.support.site import Site

pytestmark = pytest.mark.load

WRITERS = 8
READERS = 2
PAIRS = 10_000


@dataclass
class Totals:
    """Bounds of how many to-dos there can be, from what the writers began and were answered."""

    begun: dict[str, int] = field(default_factory=lambda: {"POST": 0, "PUT": 0, "DELETE": 0})
    answered: dict[str, int] = field(default_factory=lambda: {"POST": 0, "PUT": 0, "DELETE": 0})
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def note(self, counts: dict[str, int], method: str) -> None:
        """Count a write."""
        with self._lock:
            counts[method] += 1


class Writer:
    """Changes its own to-dos and reads the hot page after each change."""

    def __init__(self, port: int, totals: Totals) -> None:
        self.visitor = Visitor(port)
        self.totals = totals
        self.own: list[int] = []
        self.pairs = 0

    def add_and_read(self, content: str) -> None:
        """The new to-do is on the page, or ten that are newer."""
        todo_id = self._change("POST", "/api/todo", {"content": content})["id"]
        self.own.append(todo_id)
        shown = ids_of(self._read())
        assert todo_id in shown or is_below(todo_id, shown), f"{todo_id} is not in {shown}"

    def finish_and_read(self) -> None:
        """Where the to-do is still on the page, it is finished."""
        todo_id = self.own[-1]
        self._change("PUT", f"/api/todo/{todo_id}/finish")
        page = self._read()
        shown = {todo["id"]: todo["is_finished"] for todo in page["data"]}
        assert shown.get(todo_id) or is_below(todo_id, list(shown)), f"{todo_id} in {page}"

    def delete_and_read(self) -> None:
        """The to-do is not on the page."""
        todo_id = self.own.pop()
        self._change("DELETE", f"/api/todo/{todo_id}")
        shown = ids_of(self._read())
        assert todo_id not in shown, f"{todo_id} was deleted and is in {shown}"

    def _change(self, method: str, path: str, content: object = None) -> dict[str, Any]:
        self.totals.note(self.totals.begun, method)
        answer = self.visitor.ask(method, path, content)
        assert answer.status in (200, 201), answer
        self.totals.note(self.totals.answered, method)
        todo: dict[str, Any] = answer.json()
        return todo

    def _read(self) -> dict[str, Any]:
        """The page, whose total lies between what was answered before and begun since."""
        answered = dict(self.totals.answered)
        page = self.visitor.board()
        self.pairs += 1
        begun = dict(self.totals.begun)
        least = answered["POST"] - begun["DELETE"]
        most = begun["POST"] - answered["DELETE"]
        assert least <= page["total"] <= most, f"{least} <= {page['total']} <= {most}"
        return page


def write_and_read(port: int, totals: Totals, pairs: int) -> int:
    """One writer's share of the pairs: it adds, of five finishes one, of sixteen deletes one."""
    writer = Writer(port, totals)
    for turn in itertools.count():
        writer.add_and_read(f"turn {turn}")
        if turn % 5 == 0:
            writer.finish_and_read()
        if turn % 16 == 15:
            writer.delete_and_read()
        if writer.pairs >= pairs:
            return writer.pairs
    raise AssertionError


def read_on(port: int, over: threading.Event) -> int:
    """A reader who looks every few milliseconds; how often it did."""
    visitor, reads = Visitor(port), 0
    while not over.wait(0.003):
        assert len(ids_of(visitor.board())) <= PAGE_SIZE
        reads += 1
    return reads


def counters(site: Site) -> dict[str, int]:
    """What nginx counted, by outcome."""
    lines = site.tell_edge("GET", "/counters", {}).splitlines()
    return {name: int(count) for name, count in (line.split() for line in lines)}


def test_ten_thousand_writes_are_read_at_once(site: Site) -> None:
    """8 writers race; none of 10,000 answered writes is missing from the page read after it."""
    totals, over, before = Totals(), threading.Event(), counters(site)
    began = time.monotonic()
    with ThreadPoolExecutor(WRITERS + READERS) as pool:
        readers = [pool.submit(read_on, site.port, over) for _ in range(READERS)]
        writers = [
            pool.submit(write_and_read, site.port, totals, PAIRS // WRITERS) for _ in range(WRITERS)
        ]
        try:
            pairs = sum(writer.result() for writer in writers)
        finally:
            over.set()
        seconds = time.monotonic() - began
        reads = pairs + sum(reader.result() for reader in readers)
    # nginx adds up its counts every second; it passes the POSTs.
    requests = reads + totals.answered["POST"]
    counted = poll(lambda: sum_if(counters(site), before, requests), step_s=0.1)
    print(f"{pairs / seconds:.0f} pairs/s; nginx: {counted}")
    assert pairs >= PAIRS
    assert counted["hit"] > 0
    assert site.sql("SELECT SUM(total) AS total FROM todo_counts")[0]["total"] == (
        totals.answered["POST"] - totals.answered["DELETE"]
    )


def sum_if(now: dict[str, int], before: dict[str, int], requests: int) -> dict[str, int]:
    """What was counted since ``before``, once it has all requests; before that nothing."""
    counted = {name: now[name] - before[name] for name in now}
    return counted if sum(counted.values()) >= requests else {}
