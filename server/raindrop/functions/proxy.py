"""The one way out of a sandbox: a small HTTP proxy on a unix socket, over ``core/outbound.py``.

``CONNECT host:port`` for TLS, and plain requests with a whole URL. Every destination is judged by
the guard that all outgoing calls pass, at the moment that it is called; the sandbox resolves no
name itself. A project has a proxy of its own, so that the caller decides for it.
"""

import contextlib
import logging
import re
import select
import socket
import threading
import time
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

from raindrop.core.errors import AppError, OutboundRefused, OutboundTimeout
from raindrop.core.outbound import open_socket

log = logging.getLogger(__name__)

CONNECTIONS = 64
HEAD_BYTES = 16_384
CONNECT_S = 10
HEAD_S = 10
IDLE_S = 60
_READ_BYTES = 1 << 16
_AUTHORITY = re.compile(r"(\[[0-9a-fA-F:.]+\]|[^\s:/@\[\]]+):(\d{1,5})")
_HOP_HEADERS = re.compile(rb"(?im)^(?:proxy-[^:\r\n]*|connection|keep-alive):[^\r\n]*\r\n")


class Proxy:
    """Listens from its making to ``close``, in threads that under gevent are greenlets."""

    def __init__(self, path: Path, is_allowed: Callable[[], bool]) -> None:
        """
        Args:
            path: of the socket; a short one, for 107 bytes are the most. Any user may connect, as
                sandboxes are users of their own: the folder above must be private.
            is_allowed: whether the project may call out, asked for each connection.
        """
        self.path = path
        self._is_allowed = is_allowed
        self._slots = threading.BoundedSemaphore(CONNECTIONS)
        self._listener = socket.socket(socket.AF_UNIX)
        path.unlink(missing_ok=True)
        self._listener.bind(str(path))
        path.chmod(0o666)
        self._listener.listen(CONNECTIONS)
        threading.Thread(target=self._serve, daemon=True).start()

    def close(self) -> None:
        """Take no more connections; those that are open end by their own limits."""
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.path.unlink(missing_ok=True)

    def _serve(self) -> None:
        while True:
            try:
                inner, _ = self._listener.accept()
            except OSError:
                return
            if self._slots.acquire(blocking=False):
                threading.Thread(target=self._attend, args=(inner,), daemon=True).start()
            else:
                with inner, contextlib.suppress(OSError):
                    inner.settimeout(1)
                    inner.sendall(_answer(503, "Too many connections"))

    def _attend(self, inner: socket.socket) -> None:
        try:
            with inner, contextlib.suppress(OSError):
                inner.settimeout(HEAD_S)
                self._forward(inner)
        finally:
            self._slots.release()

    def _forward(self, inner: socket.socket) -> None:
        head, rest = _read_head(inner)
        try:
            if not self._is_allowed():
                raise OutboundRefused("This function may not call out.")
            host, port, request = _parse(head)
            outer = open_socket(host, port, CONNECT_S, is_web=True)
        except AppError as error:
            status = {OutboundRefused: 403, OutboundTimeout: 504}.get(type(error), 502)
            inner.sendall(_answer(status, error.message))
            return
        with outer:
            if request is None:
                inner.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
                request = b""
            outer.sendall(request + rest)
            _carry(inner, outer)


def _read_head(inner: socket.socket) -> tuple[bytes, bytes]:
    data, deadline = b"", time.monotonic() + HEAD_S
    while b"\r\n\r\n" not in data:
        piece = inner.recv(_READ_BYTES)
        data += piece
        if not piece or len(data) > HEAD_BYTES or time.monotonic() > deadline:
            raise OSError("no request")
    head, _, rest = data.partition(b"\r\n\r\n")
    return head + b"\r\n\r\n", rest


def _parse(head: bytes) -> tuple[str, int, bytes | None]:
    """Host, port, and what goes to the host: nothing of its own for ``CONNECT``."""
    line, _, headers = head.partition(b"\r\n")
    try:
        method, target, version = line.decode("ascii").split(" ")
        if method == "CONNECT":
            found = _AUTHORITY.fullmatch(target)
            if not found:
                raise ValueError
            return found[1].strip("[]"), int(found[2]), None
        parts = urlsplit(target)
        if parts.scheme != "http" or not parts.hostname or "@" in parts.netloc:
            raise ValueError
        port = parts.port or 80
    except ValueError:
        raise OutboundRefused("The proxy takes CONNECT and http:// requests only.") from None
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    # One request a connection: the next may be for another host.
    kept = _HOP_HEADERS.sub(b"", headers)
    start = f"{method} {path} {version}\r\nConnection: close\r\n".encode()
    return parts.hostname, port, start + kept


def _carry(inner: socket.socket, outer: socket.socket) -> None:
    """Bytes in both directions, until both have ended or nothing comes for a while."""
    poll = select.poll()
    ends = {inner.fileno(): (inner, outer), outer.fileno(): (outer, inner)}
    for number, (source, _) in ends.items():
        source.settimeout(IDLE_S)
        poll.register(number, select.POLLIN)
    while ends:
        ready = poll.poll(IDLE_S * 1000)
        if not ready:
            return
        for number, _ in ready:
            source, target = ends[number]
            piece = source.recv(_READ_BYTES)
            if piece:
                target.sendall(piece)
                continue
            poll.unregister(number)
            del ends[number]
            target.shutdown(socket.SHUT_WR)


def _answer(status: int, text: str) -> bytes:
    body = text.encode() + b"\n"
    head = f"HTTP/1.1 {status} Refused\r\nContent-Type: text/plain; charset=utf-8\r\n"
    return f"{head}Content-Length: {len(body)}\r\nConnection: close\r\n\r\n".encode() + body
