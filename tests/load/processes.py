"""Finding, stopping and killing the site's own processes, by id."""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager

from tests.support.site import Site


def kill(*pids: int) -> None:
    """End processes as a crash would, without a word."""
    for pid in pids:
        os.kill(pid, signal.SIGKILL)


@contextmanager
def only_web_worker(site: Site) -> Iterator[int]:
    """The one gunicorn worker that runs while the others are stopped."""
    first, *others = site.pids("web")[1:]
    for pid in others:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield first
    finally:
        for pid in others:
            os.kill(pid, signal.SIGCONT)
