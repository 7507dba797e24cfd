"""Telling every nginx that keeps hot pages that they changed.

An nginx with Lua serves hot pages from its own memory (``etc/nginx/lua/edge.lua``). After a
commit the writer posts the tag's new generation, with the new pages where it has them, to the
private address of each nginx before it answers. An nginx that cannot be reached serves what it
has for at most a second.
"""

import http.client
import logging
import queue
import socket
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import NamedTuple, TypeVar

from flask import Response, request

from raindrop.config import Settings

log = logging.getLogger(__name__)

TIMEOUT_S = 1.0
"""Longer than nginx serves a page that it was not told about: a writer that waited in vain may
answer, its page is gone there by then."""
IDLE_CONNECTIONS = 8
GENERATION_HEADER = "X-Raindrop-Edge"
FILL_HEADER = "X-Raindrop-Edge-Fill"
"""nginx sets it, and takes it from whoever else sends it."""
TAGS_PER_REQUEST = 40
"""They go in headers, which nginx takes up to 8 KB each."""
SECRET_HEADER = "X-Edge-Secret"  # noqa: S105  # its name


T = TypeVar("T")


class Page(NamedTuple):
    """New bytes of a hot page, the addresses that serve them and how long they hold."""

    paths: tuple[str, ...]
    body: bytes
    ttl_ms: int


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: str) -> None:
        super().__init__("localhost", timeout=TIMEOUT_S)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


class Edge:
    """One nginx's private address, with a few connections kept open."""

    def __init__(self, address: str) -> None:
        self.address = address
        self._idle: queue.LifoQueue[http.client.HTTPConnection] = queue.LifoQueue(IDLE_CONNECTIONS)

    def request(self, method: str, path: str, body: bytes, headers: dict[str, str]) -> bytes:
        """Send one request and return the answer's body.

        Raises:
            OSError: the nginx is away.
            http.client.HTTPException: it answered nonsense.
        """
        connection = self._take()
        try:
            try:
                answer = self._exchange(connection, method, path, body, headers)
            except (http.client.RemoteDisconnected, BrokenPipeError, ConnectionResetError):
                # nginx closed the idle connection (a reload, a restart): once more on a new one.
                connection.close()
                answer = self._exchange(connection, method, path, body, headers)
        except BaseException:
            connection.close()
            raise
        self._give_back(connection)
        return answer

    def _exchange(
        self,
        connection: http.client.HTTPConnection,
        method: str,
        path: str,
        body: bytes,
        headers: dict[str, str],
    ) -> bytes:
        connection.request(method, path, body=body, headers=headers)
        with connection.getresponse() as response:
            answer = response.read()
            if response.status >= 400:
                raise http.client.HTTPException(f"{path} answered {response.status}")
        return answer

    def _take(self) -> http.client.HTTPConnection:
        try:
            return self._idle.get_nowait()
        except queue.Empty:
            return self._connect()

    def _give_back(self, connection: http.client.HTTPConnection) -> None:
        try:
            self._idle.put_nowait(connection)
        except queue.Full:
            connection.close()

    def _connect(self) -> http.client.HTTPConnection:
        if self.address.startswith("unix:"):
            return _UnixConnection(self.address.removeprefix("unix:"))
        return http.client.HTTPConnection(self.address.removeprefix("http://"), timeout=TIMEOUT_S)


class Edges:
    """Every nginx that is told."""

    def __init__(self, settings: Settings) -> None:
        self.all = [Edge(address) for address in settings.edges]
        self._credentials = {SECRET_HEADER: settings.edge_secret}

    def drop(self, generations: Mapping[str, str], pages: Sequence[Page] = ()) -> None:
        """Drop the pages of some tags everywhere and hand out the new ones.

        Args:
            generations: the new generation of each tag; empty when Redis did not answer: then
                the pages are only dropped.
            pages: the new pages; they depend on these tags and no other.
        """
        for some in batched(generations.items(), TAGS_PER_REQUEST):
            for page in pages or (Page((), b"", 0),):
                headers = {
                    "X-Tag": " ".join(tag for tag, _ in some),
                    "X-Generation": " ".join(generation for _, generation in some).strip(),
                    "X-Paths": " ".join(page.paths),
                    "X-Ttl": str(page.ttl_ms),
                    **self._credentials,
                }
                for edge in self.all:
                    self._post(edge, page.body, headers)

    def count_outcomes(self) -> dict[str, int]:
        """How often the nginx servers together answered from memory, and how else."""
        counts: dict[str, int] = {}
        for edge in self.all:
            try:
                answer = edge.request("GET", "/counters", b"", self._credentials).decode()
            except (OSError, http.client.HTTPException):
                continue
            for outcome, count in (line.split() for line in answer.splitlines()):
                counts[outcome] = counts.get(outcome, 0) + int(count)
        return counts

    def _post(self, edge: Edge, body: bytes, headers: dict[str, str]) -> None:
        try:
            edge.request("POST", "/drop", body, headers)
        except (OSError, http.client.HTTPException) as error:
            log.warning("nginx at %s was not told of a change: %s", edge.address, error)


def asked_by_edge() -> bool:
    """Whether nginx asks for a page that it would keep: a GET without any credential."""
    return request.headers.get(FILL_HEADER) == "1"


def allow_edge(response: Response, tags: Sequence[str], generation: str, ttl_ms: int) -> Response:
    """Let nginx keep this answer for ``ttl_ms`` or until the generation of one of its tags is
    raised.

    Args:
        generation: those of the tags, as a cache entry has them; empty: it may not be kept.
    """
    if generation and ttl_ms > 0:
        pairs = zip(tags, generation.split("."), strict=True)
        known = " ".join(f"{tag} {number}" for tag, number in pairs)
        response.headers[GENERATION_HEADER] = f"{ttl_ms} {known}"
    return response


def forbid_edge(response: Response) -> Response:
    """Tell nginx that answers from this address are never kept, so that it need not hold others
    back while it asks for one."""
    response.headers[GENERATION_HEADER] = "pass"
    return response


def batched(items: Iterable[T], size: int) -> Iterator[list[T]]:
    """The items in lists of ``size``."""
    iterator = iter(items)
    while batch := list(islice(iterator, size)):
        yield batch
