"""One operator at a time: a lock on every host, for as long as a command changes it."""

import getpass
import os
import shlex
import socket
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime

from deploy.errors import DeployError
from deploy.hosts import Host

LOCK = "/run/raindrop-deploy.lock"
"""In a folder that a reboot empties."""
HOLDS_MIN = 360
"""Longer than a migration or a snapshot may take."""


@contextmanager
def locked(hosts: list[Host]) -> Iterator[None]:
    """Hold the lock of each host.

    Raises:
        DeployError: somebody has it.
    """
    taken: list[Host] = []
    try:
        for host in hosts:
            _take(host)
            taken.append(host)
        yield
    finally:
        for host in taken:
            with suppress(DeployError):
                host.run(f"rm -f {LOCK}", 30)


def _take(host: Host) -> None:
    # With the machine's own number: half the world is root@localhost.
    me = f"{getpass.getuser()}@{socket.gethostname()}-{uuid.getnode():x}"
    mine = shlex.quote(f"{me} {os.getpid()} {datetime.now(UTC):%Y%m%dT%H%M%SZ}")
    take = f"find {LOCK} -mmin +{HOLDS_MIN} -delete 2>/dev/null || true; set -C"
    for _ in range(2):
        if host.succeeds(f"{take}; echo {mine} > {LOCK}"):
            return
        holder, pid, since = (*host.read(LOCK).split(), "somebody", "0", "?")[:3]
        if holder != me or _is_alive(int(pid)):
            break
        host.run(f"rm -f {LOCK}")  # of a command of this machine that was killed
    raise DeployError(
        f"{host.name}: {holder} changes this host since {since}; when nobody does, remove {LOCK}"
    )


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
