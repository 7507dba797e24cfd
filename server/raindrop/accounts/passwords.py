"""Hashing passwords without starving the requests beside it.

argon2id with 19 MiB, two passes and one lane (OWASP's second choice), in one thread of each process
at a lower priority, behind a bounded line: in a burst of sign-ins other requests stay quick.
"""

from collections.abc import Callable
from typing import TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from raindrop.core.lines import Line

MEMORY_KIB, PASSES, LANES = 19 * 1024, 2, 1
LINE_MAX = 100
"""So many may wait in a process; at about 25 ms each the last waits 2.5 s."""

T = TypeVar("T")

_hasher = PasswordHasher(time_cost=PASSES, memory_cost=MEMORY_KIB, parallelism=LANES)
_line = Line(LINE_MAX, "Too many people sign in just now; try again in a moment.")


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
    return _line.run(work)


def _verify(hashed: str, password: str) -> bool:
    try:
        return _hasher.verify(hashed, password)
    except (VerificationError, InvalidHashError):
        return False


_NOBODY = (
    "$argon2id$v=19$m=19456,t=2,p=1$"
    "cmFpbmRyb3Agbm9ib2R5IQ$9Q8SzVHzdHQzpjbm/Lm9pB1vE0QyS1UoVdvZ4aC5cEI"
)
"""A well-formed hash of no password."""
