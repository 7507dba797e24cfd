"""The end of a connection to somebody else's server, whatever that server does."""

import contextlib
import http.client
import logging
import socket
import ssl
import threading
import time
from types import TracebackType
from typing import Self

import urllib3

from raindrop.core.errors import AppError, OutboundFailed, OutboundTimeout

log = logging.getLogger(__name__)

_LIBRARY_ERRORS = (OSError, http.client.HTTPException, urllib3.exceptions.HTTPError, ValueError)


class Cutoff:
    """Ends a connection at its deadline, and turns the libraries' errors into ours.

    A time limit of a socket holds for one operation: a server that sends a byte now and then, in
    the head, in a chunk's size or (under gevent) in the TLS handshake, would never meet it. So a
    timer shuts the connection down, which wakes whoever waits for it, thread or greenlet. It does
    so through a duplicate, because the TLS layer takes the descriptor away from its socket.
    """

    def __init__(self, opened: socket.socket, deadline: float) -> None:
        self._duplicate = opened.dup()
        self._timer = threading.Timer(max(deadline - time.monotonic(), 0), self._fire)
        self._timer.daemon = True
        self._lock = threading.Lock()
        self._has_fired = False

    def __enter__(self) -> Self:
        self._timer.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        self._timer.cancel()
        with self._lock:
            # Closed under the lock: the number may be another connection's a moment later.
            self._duplicate.close()
        # Without an error too: a body that ends with the connection looks whole when it is cut.
        is_ours = isinstance(error, AppError)
        if self._has_fired and not is_ours:
            raise OutboundTimeout from None
        if isinstance(error, TimeoutError | urllib3.exceptions.TimeoutError):
            raise OutboundTimeout from None
        if isinstance(error, ssl.SSLCertVerificationError):
            raise OutboundFailed("The other server's certificate is not trusted.") from None
        if isinstance(error, _LIBRARY_ERRORS):
            log.info("outbound: failed with %s", type(error).__name__)
            raise OutboundFailed from None

    def _fire(self) -> None:
        with self._lock, contextlib.suppress(OSError):
            self._has_fired = True
            self._duplicate.shutdown(socket.SHUT_RDWR)
