"""The one way this server calls another: HTTP(S) by ``fetch``, anything else by ``open_socket``.

Addresses come from people, so that each could lead into the operator's own network (server-side
request forgery). A host name is resolved once, every address that it has is judged, and the
connection goes to a judged address; the name stays in Host, SNI and the certificate's check.
``RAINDROP_OUTBOUND_ALLOW`` opens what an operator wants open.
"""

import functools
import http.client
import io
import logging
import re
import socket
import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from http import HTTPStatus
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote, urljoin, urlsplit

import certifi
import urllib3
from urllib3.connection import HTTPConnection, HTTPSConnection

from raindrop import __version__
from raindrop.core.addresses import (
    BRACKETED,
    Address,
    find_addresses,
    normalise_host,
    time_left,
)
from raindrop.core.cutoff import Cutoff
from raindrop.core.errors import (
    OutboundFailed,
    OutboundRefused,
    OutboundTimeout,
    OutboundTooLarge,
)

log = logging.getLogger(__name__)
# Its warnings quote whole URLs, and a URL may hold a secret.
logging.getLogger("urllib3").setLevel(logging.ERROR)

USER_AGENT = f"Raindrop/{__version__}"
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
URL_CHARACTERS = 8192
READ_BYTES = 1 << 16

_DEFAULT_PORTS = {"http": 80, "https": 443}
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_UNSAFE_IN_URL = re.compile(r"[\x00-\x20\x7f\\]")
_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_HEADER_VALUE = re.compile(r"[\t\x20-\x7e\x80-\xff]*")
_OWN_HEADERS = re.compile(
    r"host|content-length|transfer-encoding|connection|keep-alive|te|trailer|upgrade|expect"
    r"|accept-encoding|proxy-.*",
    re.IGNORECASE,
)
_HARMLESS_HEADERS = frozenset({"accept", "accept-language", "content-type", "user-agent"})

# Ports that a protocol other than HTTP owns, of those above 1023
# (https://fetch.spec.whatwg.org/#port-blocking); below that only 80 and 443 are open.
_FOREIGN_PORTS = frozenset(
    {1719, 1720, 1723, 2049, 3659, 4045, 4190, 5060, 5061, 6000, 6566}
    | {*range(6665, 6670), 6679, 6697, 10080}
)


@dataclass(frozen=True)
class Limits:
    """How long and how much.

    Attributes:
        connect_s: seconds for each address of the host, the TLS handshake apart.
        read_s: seconds without a byte in either direction; also for sending the whole body.
        total_s: seconds from the call to the whole answer, names and redirects included.
        body_bytes: of the answer's body, before and after decompression.
        header_bytes: of the answer's head, interim answers included; up to 8 KiB more are read.
        redirects: that are followed; one more fails. With 0 the redirect itself is the answer.
    """

    connect_s: float = 5
    read_s: float = 10
    total_s: float = 20
    body_bytes: int = 5 * 1024 * 1024
    header_bytes: int = 32 * 1024
    redirects: int = 5


DEFAULT_LIMITS = Limits()


@dataclass(frozen=True)
class Answer:
    """The last answer: any status, ``headers`` by name in any case, ``body`` decompressed, and the
    ``url`` that gave it. Its ``repr`` has the status alone, for the rest may hold secrets."""

    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)
    url: str = field(repr=False)


class _Target(NamedTuple):
    scheme: str
    host: str
    port: int
    path: str


@dataclass(frozen=True)
class _Request:
    method: str
    url: str
    target: _Target
    headers: Mapping[str, str]
    body: bytes | None


def fetch(
    method: str,
    url: str,
    *,
    headers: Mapping[str, str] | None = None,
    body: bytes | None = None,
    limits: Limits = DEFAULT_LIMITS,
) -> Answer:
    """Send one request and return its answer, after redirects.

    Proxies of the environment are ignored, no cookie is kept, no connection is used twice.
    Certificates are checked against the system's store (``SSL_CERT_FILE`` names another), where
    that is empty against certifi's. On a redirect to another origin only harmless headers go
    along; a body goes along where the status (307, 308) says so: with a secret in the body, set
    ``redirects=0``.

    Raises:
        OutboundRefused: the address, a redirect's, the method or a header is not allowed.
        OutboundTimeout: a time limit passed.
        OutboundTooLarge: head or body is over its limit.
        OutboundFailed: no connection, no trusted certificate, nonsense, too many redirects.
    """
    deadline = time.monotonic() + limits.total_s
    request = _Request(method, url, _parse(url), _check_headers(method, headers or {}), body)
    for _ in range(limits.redirects + 1):
        answer = _exchange(request, limits, deadline)
        location = answer.headers.get("location") if answer.status in _REDIRECTS else None
        if not location or not limits.redirects:
            return answer
        request = _follow(request, answer.status, location)
    raise OutboundFailed("The other server redirects too often.")


def open_socket(host: str, port: int, timeout_s: float, *, is_web: bool = False) -> socket.socket:
    """A TCP connection to a host that passed the same guard, for SMTP and proxies.

    The caller decides which ports make sense, starts TLS with ``host`` as the name, closes the
    socket, and watches the total time: ``timeout_s`` seconds hold for connecting in all, then for
    each operation of the socket. With ``is_web`` the ports are those that ``fetch`` calls.

    Raises:
        OutboundRefused: the host does not exist or may not be called.
        OutboundTimeout: the name server or the host did not answer in time.
        OutboundFailed: no connection.
    """
    if not 1 <= port <= 65535:
        raise OutboundRefused("A port is a number from 1 to 65535.")
    deadline = time.monotonic() + timeout_s
    name = normalise_host(host[1:-1] if BRACKETED.fullmatch(host) else host)
    is_usual = not is_web or _is_web_port(port)
    addresses = find_addresses(name, port, deadline, is_port_usual=is_usual)
    opened = _connect(addresses, deadline, timeout_s)
    opened.settimeout(timeout_s)
    return opened


# What is asked for


def _parse(url: str) -> _Target:
    if len(url) > URL_CHARACTERS or _UNSAFE_IN_URL.search(url):
        raise OutboundRefused("The address is too long, or has spaces or backslashes in it.")
    try:
        parts = urlsplit(url)
        port = parts.port
        path = quote(parts.path or "/", safe="/%:@!$&'()*+,;=~")
        query = quote(parts.query, safe="/%:@!$&'()*+,;=~?[]|")
    except ValueError:
        raise OutboundRefused("This is not an address.") from None
    if parts.scheme not in _DEFAULT_PORTS:
        raise OutboundRefused("An address must start with http:// or https://.")
    if "@" in parts.netloc:
        raise OutboundRefused("An address must not have a user name or password in it.")
    port = _DEFAULT_PORTS[parts.scheme] if port is None else port
    host = normalise_host(parts.hostname or "")
    return _Target(parts.scheme, host, port, f"{path}?{query}" if query else path)


def _check_headers(method: str, headers: Mapping[str, str]) -> dict[str, str]:
    if method not in METHODS:
        raise OutboundRefused("This method is not sent.")
    for name, value in headers.items():
        if not _HEADER_NAME.fullmatch(name) or not _HEADER_VALUE.fullmatch(value):
            raise OutboundRefused("A header has characters that are not allowed in it.")
        if _OWN_HEADERS.fullmatch(name):
            raise OutboundRefused(f'The header "{name}" is for the server itself to set.')
    return dict(headers)


def _follow(request: _Request, status: int, location: str) -> _Request:
    """The next request, by RFC 9110, section 15.4."""
    try:
        # http.client reads heads as Latin-1; servers mean UTF-8.
        url = urljoin(request.url, location.encode("latin-1").decode())
    except ValueError:
        raise OutboundRefused(
            "The other server redirects to something that is no address."
        ) from None
    target = _parse(url)
    if request.target.scheme == "https" and target.scheme == "http":
        raise OutboundRefused("The other server redirects from https to http.")
    headers = dict(request.headers)
    if target[:3] != request.target[:3]:
        # Not only Authorization and Cookie: keys and signatures go by many names.
        headers = {name: headers[name] for name in headers if name.lower() in _HARMLESS_HEADERS}
    becomes_get = (status == HTTPStatus.SEE_OTHER and request.method != "HEAD") or (
        status in (HTTPStatus.MOVED_PERMANENTLY, HTTPStatus.FOUND) and request.method == "POST"
    )
    if not becomes_get:
        return replace(request, url=url, target=target, headers=headers)
    headers = {name: headers[name] for name in headers if not name.lower().startswith("content-")}
    return _Request("GET", url, target, headers, None)


def _is_web_port(port: int) -> bool:
    return port in (80, 443) or (port > 1023 and port not in _FOREIGN_PORTS)


# How it is called


def _connect(addresses: list[Address], deadline: float, connect_s: float) -> socket.socket:
    is_slow = False
    for address in addresses:
        try:
            opened = socket.socket(address.family, socket.SOCK_STREAM)
        except OSError:
            continue  # a kernel without IPv6
        try:
            opened.settimeout(min(connect_s, time_left(deadline)))
            opened.connect(address.sockaddr)
            opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        except OSError as error:
            opened.close()
            is_slow = isinstance(error, TimeoutError)
        except BaseException:
            opened.close()
            raise
        else:
            return opened
    raise OutboundTimeout if is_slow else OutboundFailed


def _exchange(request: _Request, limits: Limits, deadline: float) -> Answer:
    target = request.target
    is_usual = _is_web_port(target.port)
    addresses = find_addresses(target.host, target.port, deadline, is_port_usual=is_usual)
    opened = _connect(addresses, deadline, limits.connect_s)
    with Cutoff(opened, deadline):
        connection = _start(target, opened, limits)
        try:
            return _talk(connection, request, limits)
        finally:
            connection.close()


def _start(target: _Target, opened: socket.socket, limits: Limits) -> HTTPConnection:
    """urllib3's connection on a socket that is open already: it never resolves nor connects."""
    kind = HTTPSConnection if target.scheme == "https" else HTTPConnection
    connection = kind(target.host, target.port, timeout=limits.read_s)
    connection.auto_open = 0
    connection.response_class = functools.partial(_Response, limits=limits)  # type: ignore[assignment]
    try:
        if target.scheme == "https":
            opened = tls_context("http/1.1").wrap_socket(opened, server_hostname=target.host)
    except BaseException:
        opened.close()
        raise
    connection.sock = opened
    return connection


def _talk(connection: HTTPConnection, request: _Request, limits: Limits) -> Answer:
    headers = {"User-Agent": USER_AGENT, "Accept-Encoding": "gzip", "Connection": "close"}
    names = {name.lower() for name in request.headers}
    headers = {name: headers[name] for name in headers if name.lower() not in names}
    connection.request(
        request.method,
        request.target.path,
        request.body,
        headers | dict(request.headers),
        preload_content=False,
    )
    response = connection.getresponse()
    try:
        is_followed = response.status in _REDIRECTS and limits.redirects
        body = b"" if is_followed else _read_body(response, limits.body_bytes)
        return Answer(response.status, response.headers, body, request.url)
    finally:
        response.close()


def _read_body(response: urllib3.HTTPResponse, limit: int) -> bytes:
    if (response.length_remaining or 0) > limit:
        raise OutboundTooLarge
    body = bytearray()
    # A read gives no more than it is asked for, decompressed: a bomb is seen at the limit.
    while piece := response.read(min(READ_BYTES, limit + 1)):
        body += piece
        if len(body) > limit or response.tell() > limit:
            raise OutboundTooLarge
    return bytes(body)


@functools.cache
def tls_context(*protocols: str) -> ssl.SSLContext:
    """How other servers' certificates are checked; made at the first use, because gevent must have
    patched ``ssl`` by then.

    Args:
        protocols: what to ask for by ALPN.
    """
    paths = ssl.get_default_verify_paths()
    has_store = paths.cafile or (paths.capath and any(Path(paths.capath).iterdir()))
    context = ssl.create_default_context(cafile=None if has_store else certifi.where())
    if protocols:
        context.set_alpn_protocols(list(protocols))
    return context


class _Metered(io.RawIOBase):
    """What a socket sends, until there is more of it than ``left_bytes``."""

    def __init__(self, raw: io.RawIOBase, left_bytes: int) -> None:
        self._raw = raw
        self.left_bytes = left_bytes

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        count = self._raw.readinto(buffer)
        self.left_bytes -= count or 0
        if self.left_bytes < 0:
            raise OutboundTooLarge
        return count

    def close(self) -> None:
        self._raw.close()
        super().close()


class _Response(http.client.HTTPResponse):
    """http.client bounds a line (64 KiB) and their number (100), not the head, and neither interim
    answers nor what is around chunks."""

    def __init__(self, sock: socket.socket, *args: Any, limits: Limits, **kwargs: Any) -> None:
        super().__init__(sock, *args, **kwargs)
        self._limits = limits
        self._meter = _Metered(self.fp.detach(), limits.header_bytes)
        self.fp = io.BufferedReader(self._meter)

    def begin(self) -> None:
        super().begin()
        # Chunks of one byte are six on the wire.
        self._meter.left_bytes = 8 * self._limits.body_bytes + self._limits.header_bytes
