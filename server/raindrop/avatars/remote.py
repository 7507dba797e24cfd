"""Pages and pictures of other servers, on behalf of visitors: few at a time, each soon over."""

import threading
import time
from collections.abc import Mapping

from raindrop.core.errors import ServiceUnavailable
from raindrop.core.outbound import Answer, Limits, fetch

AT_ONCE = 16
"""Calls of one process that may be under way; the next one is refused at once."""
TOTAL_S = 15.0
PICTURE_BYTES = 10 * 1024 * 1024
PAGE_BYTES = 3 * 1024 * 1024

_places = threading.BoundedSemaphore(AT_ONCE)


class Errand:
    """Calls for one request: in all they take no longer than ``TOTAL_S``."""

    def __init__(self) -> None:
        self._deadline = time.monotonic() + TOTAL_S

    @property
    def is_over(self) -> bool:
        """Whether no time is left."""
        return time.monotonic() >= self._deadline

    def get(self, url: str, body_bytes: int, *, total_s: float = TOTAL_S) -> Answer:
        """One GET, redirects followed.

        Raises:
            ServiceUnavailable: too many calls are under way.
            OutboundRefused, OutboundFailed
        """
        left_s = min(total_s, max(0.1, self._deadline - time.monotonic()))
        limits = Limits(connect_s=4, read_s=6, total_s=left_s, body_bytes=body_bytes, redirects=4)
        if not _places.acquire(blocking=False):
            raise ServiceUnavailable("Too many pictures are fetched just now; try again soon.")
        try:
            return fetch("GET", url, headers=_HEADERS, limits=limits)
        finally:
            _places.release()


_HEADERS: Mapping[str, str] = {"Accept": "image/*,text/html;q=0.9,*/*;q=0.5"}
