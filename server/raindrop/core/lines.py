"""Slow work of the processor, in line: one real thread of each process, at a lower priority.

In the event loop it would hold up every request beside it; in many threads it would take the
machine. The line is bounded: beyond it the answer is 503.
"""

import os
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, TypeVar

from raindrop.core.errors import ServiceUnavailable

NICENESS = 10

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
            result: T = self._pools[pid](work)
            return result
        finally:
            self._places.release()


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
