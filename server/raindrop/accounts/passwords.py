"""Hashing passwords without starving the requests beside it.

argon2id with 19 MiB, two passes and one lane (OWASP's second choice), in one thread of each process
at a lower priority, behind a bounded line: in a burst of sign-ins other requests stay quick.
"""

import os
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from raindrop.core.errors import ServiceUnavailable

MEMORY_KIB, PASSES, LANES = 19 * 1024, 2, 1
NICENESS = 10
LINE_MAX = 100
"""So many may wait in a process; at about 25 ms each the last waits 2.5 s."""

T = TypeVar("T")

_hasher = PasswordHasher(time_cost=PASSES, memory_cost=MEMORY_KIB, parallelism=LANES)
_line = threading.BoundedSemaphore(LINE_MAX)
_pools: dict[int, Any] = {}


def hash_password(password: str) -> str:
    """An argon2id hash in its own text form.

    Raises:
        ServiceUnavailable: too many wait already.
    """
    return in_line(lambda: _hasher.hash(password))


def verify_argon2(hashed: str, password: str) -> bool:
    """Whether the password is the one that was hashed.

    Raises:
        ServiceUnavailable: too many wait already.
    """
    return in_line(lambda: _verify(hashed, password))


def needs_rehash(hashed: str) -> bool:
    """Whether the hash was made with other parameters than today's."""
    return _hasher.check_needs_rehash(hashed)


def waste_time(password: str) -> None:
    """Take as long as a verification does: for an e-mail that nobody has."""
    verify_argon2(_NOBODY, password)


def in_line(work: Callable[[], T]) -> T:
    """Run slow work in this process's one thread for it; the caller waits, others go on.

    Raises:
        ServiceUnavailable: too many wait already.
    """
    if not _line.acquire(blocking=False):
        raise ServiceUnavailable("Too many people sign in just now; try again in a moment.")
    try:
        return _run(work)
    finally:
        _line.release()


def _verify(hashed: str, password: str) -> bool:
    try:
        return _hasher.verify(hashed, password)
    except (VerificationError, InvalidHashError):
        return False


def _run(work: Callable[[], T]) -> T:
    pid = os.getpid()
    if pid not in _pools:  # a thread does not survive a fork
        _pools.clear()
        _pools[pid] = _new_pool()
    result: T = _pools[pid](work)
    return result


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


_NOBODY = (
    "$argon2id$v=19$m=19456,t=2,p=1$"
    "cmFpbmRyb3Agbm9ib2R5IQ$9Q8SzVHzdHQzpjbm/Lm9pB1vE0QyS1UoVdvZ4aC5cEI"
)
"""A well-formed hash of no password."""
