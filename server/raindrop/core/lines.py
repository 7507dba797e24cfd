"""Slow work of the processor, in line: one real thread of each process, at the lowest priority.

In the event loop it would hold up every request beside it; in many threads it would take the
machine. So processes take turns too: one core is always left for everything else. The line is
bounded: beyond it the answer is 503.
"""

import fcntl
import os
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

from flask import current_app

from raindrop.core.errors import ServiceUnavailable

NICENESS = 19
TURNS = max(1, (os.cpu_count() or 1) - 1)
"""So many processes may be at slow work at once."""

T = TypeVar("T")


class Line:
    """One kind of slow work."""

    def __init__(self, longest: int, refusal: str) -> None:
        """
        Args:
            longest: so many may wait in a process, the one at work among them.
            refusal: what the next one is told.
        """
        self._places = threading.BoundedSemaphore(longest)
        self._refusal = refusal
        self._pools: dict[int, Callable[[Callable[[], Any]], Any]] = {}

    def run(self, work: Callable[[], T]) -> T:
        """Do it in the thread; the caller waits, others go on.

        Raises:
            ServiceUnavailable: too many wait already.
        """
        if not self._places.acquire(blocking=False):
            raise ServiceUnavailable(self._refusal)
        try:
            pid = os.getpid()
            if pid not in self._pools:  # a thread does not survive a fork
                self._pools = {pid: _new_pool()}
            turns = current_app.config["RAINDROP"].run / f"turns.{pid % TURNS}"
            result: T = self._pools[pid](lambda: _in_turn(turns, work))
            return result
        finally:
            self._places.release()


def _in_turn(turns: Path, work: Callable[[], T]) -> T:
    """Wait, in the thread, until no other process of the same turns is at work."""
    try:
        file = turns.open("a")
    except PermissionError:  # made by another account's command: better no turn than no work
        return work()
    with file:
        fcntl.flock(file, fcntl.LOCK_EX)  # ends with the file, or with a process that is killed
        return work()


def _new_pool() -> Callable[[Callable[[], Any]], Any]:
    """A real thread, also where gevent has made ``threading`` its own."""
    from gevent import monkey

    if monkey.is_module_patched("threading"):
        from gevent.threadpool import ThreadPool

        pool = ThreadPool(1)
        pool.apply(_be_nice)
        apply: Callable[[Callable[[], Any]], Any] = pool.apply
        return apply
    executor = ThreadPoolExecutor(1, initializer=_be_nice)

    def run(work: Callable[[], Any]) -> Any:
        future: Future[Any] = executor.submit(work)
        return future.result()

    return run


def _be_nice() -> None:
    # 0 is the calling thread: on Linux each has a priority of its own.
    os.setpriority(os.PRIO_PROCESS, 0, NICENESS)
