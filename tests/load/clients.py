"""Visitors of the site: one at a time, a crowd in threads, a thousand at the same moment."""

import http.client
import json
import resource
import selectors
import socket
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, NamedTuple

TIMEOUT_S = 30
BOARD = "/api/todo?start=0"
PAGE_SIZE = 10

PAST_NGINX = {"Authorization": "Basic x"}
"""A credential of any kind, with which nginx answers nothing from its own memory."""


class Answer(NamedTuple):
    """What came back."""

    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)


class Visitor:
    """One keep-alive connection; it is opened again after a failure."""

    def __init__(self, port: int, timeout_s: float = TIMEOUT_S, host: str = "127.0.0.1") -> None:
        self._connection = http.client.HTTPConnection(host, port, timeout=timeout_s)

    def ask(
        self, method: str, path: str, content: object = None, headers: dict[str, str] | None = None
    ) -> Answer:
        """Send one request, with a JSON body where ``content`` is given.

        Raises:
            OSError, http.client.HTTPException: no answer, or half of one.
        """
        body = None if content is None else json.dumps(content)
        headers = dict(headers or {}) | ({"Content-Type": "application/json"} if body else {})
        try:
            self._connection.request(method, path, body, headers)
            answer = self._connection.getresponse()
            return Answer(answer.status, _lower(answer.getheaders()), answer.read())
        except (OSError, http.client.HTTPException):
            self._connection.close()
            raise

    def add(self, content: str) -> Answer:
        """Put a to-do on the board."""
        return self.ask("POST", "/api/todo", {"content": content})

    def board(self, path: str = BOARD, headers: dict[str, str] | None = None) -> dict[str, Any]:
        """A page of the board, which must be answered."""
        answer = self.ask("GET", path, headers=headers)
        assert answer.status == 200, answer
        page: dict[str, Any] = answer.json()
        return page

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()


class Burst:
    """Many connections that are open before all of them ask at once."""

    def __init__(self, port: int, count: int) -> None:
        _allow_sockets(count + 200)
        self._sockets = [
            socket.create_connection(("127.0.0.1", port), TIMEOUT_S) for _ in range(count)
        ]

    def fire(self, path: str, headers: dict[str, str] | None = None) -> None:
        """Send the same GET on every connection."""
        lines = {"Host": "localhost", "Connection": "close", **(headers or {})}
        head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
        request = f"GET {path} HTTP/1.1\r\n{head}\r\n".encode()
        for connection in self._sockets:
            connection.sendall(request)

    def answers(self) -> list[Answer]:
        """Every answer, in the order of the connections."""
        received = {connection: bytearray() for connection in self._sockets}
        deadline = time.monotonic() + TIMEOUT_S
        with selectors.DefaultSelector() as selector:
            for connection in self._sockets:
                selector.register(connection, selectors.EVENT_READ)
            while selector.get_map():
                assert time.monotonic() < deadline, f"{len(selector.get_map())} wait for ever"
                for key, _ in selector.select(1):
                    _receive(key.fileobj, received, selector)
        for connection in self._sockets:
            connection.close()
        return [_parse(bytes(data)) for data in received.values()]


@dataclass
class Crowd:
    """Readers and one writer that go on whatever happens, and remember what did.

    Attributes:
        failures: when and why something was not answered well.
        accepted: id and content of each to-do that was answered 201.
        stale: pages, read after such an answer, without that to-do.
        last_good: when the last good read and write began.
        seconds: how long each good turn took.
    """

    port: int
    readers: int = 4
    host: str = "127.0.0.1"
    keeps_alive: bool = True
    pause_s: float = 0.005
    failures: list[tuple[float, str]] = field(default_factory=list)
    accepted: list[tuple[int, str]] = field(default_factory=list)
    last_good: dict[str, float] = field(default_factory=dict)
    stale: list[str] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    _over: threading.Event = field(default_factory=threading.Event)

    @contextmanager
    def running(self) -> Iterator["Crowd"]:
        """Let them run for the length of the block."""
        jobs: list[Callable[[Visitor, int], str]] = [self._read] * self.readers + [self._write]
        threads = [threading.Thread(target=self._go_on, args=(job,)) for job in jobs]
        for thread in threads:
            thread.start()
        try:
            yield self
        finally:
            self._over.set()
            for thread in threads:
                thread.join()

    def recovered_after(self, began: float, limit_s: float, calm_s: float = 1) -> float:
        """Wait until reads and writes begun after ``began`` succeed and nothing fails any more.

        Returns:
            The seconds from ``began`` until the last failure; 0 when there was none.
        """
        while True:
            now = time.monotonic()
            last_failure = max((at for at, _ in list(self.failures)), default=0.0)
            since = max(began, last_failure)
            is_good = all(self.last_good.get(kind, 0) > since for kind in ("read", "write"))
            if is_good and now - since > calm_s:
                return max(0.0, last_failure - began)
            assert now < began + limit_s + calm_s, f"not well again: {self.failures[-5:]}"
            time.sleep(0.02)

    def _go_on(self, job: Callable[[Visitor, int], str]) -> None:
        visitor, turn = Visitor(self.port, timeout_s=10, host=self.host), 0
        while not self._over.wait(self.pause_s):
            turn += 1
            began = time.monotonic()
            try:
                kind = job(visitor, turn)
                self.last_good[kind] = began
                self.seconds.append(time.monotonic() - began)
            except (OSError, http.client.HTTPException, AssertionError) as error:
                self.failures.append((time.monotonic(), repr(error)[:200]))
            if not self.keeps_alive:
                visitor.close()
        visitor.close()

    def _read(self, visitor: Visitor, _turn: int) -> str:
        assert "data" in visitor.board()
        return "read"

    def _write(self, visitor: Visitor, turn: int) -> str:
        content = f"crowd {turn}"
        answer = visitor.add(content)
        assert answer.status == 201, answer
        todo_id = answer.json()["id"]
        self.accepted.append((todo_id, content))
        shown = ids_of(visitor.board())
        if todo_id not in shown and not is_below(todo_id, shown):
            self.stale.append(f"{todo_id} is not in {shown}")
        return "write"


def ids_of(page: dict[str, Any]) -> list[int]:
    """The ids on a page of the board."""
    return [todo["id"] for todo in page["data"]]


def is_below(todo_id: int, shown: list[int]) -> bool:
    """Whether a full page shows only newer ones."""
    return len(shown) == PAGE_SIZE and min(shown) > todo_id


def poll(condition: Callable[[], Any], wait_s: float = 10, step_s: float = 0.01) -> Any:
    """What ``condition`` answers as soon as it is true."""
    deadline = time.monotonic() + wait_s
    while True:
        answer = condition()
        if answer:
            return answer
        assert time.monotonic() < deadline, f"not within {wait_s} s: {condition}"
        time.sleep(step_s)


def _lower(headers: Sequence[tuple[str, str]]) -> dict[str, str]:
    return {name.lower(): value for name, value in headers}


def _receive(
    connection: Any, received: dict[socket.socket, bytearray], selector: selectors.BaseSelector
) -> None:
    data = connection.recv(65536)
    received[connection] += data
    if not data:
        selector.unregister(connection)


def _parse(data: bytes) -> Answer:
    head, _, body = data.partition(b"\r\n\r\n")
    status, *lines = head.decode("latin-1").split("\r\n")
    headers = _lower([(line.split(": ", 1)[0], line.split(": ", 1)[1]) for line in lines])
    assert len(body) == int(headers["content-length"]), data
    return Answer(int(status.split()[1]), headers, body)


def _allow_sockets(count: int) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < count:
        resource.setrlimit(resource.RLIMIT_NOFILE, (count, hard))
