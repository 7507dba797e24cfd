"""Calls to other servers: where they may go, how long they may take, what goes along.

The other servers are real ones on loopback, opened by ``RAINDROP_OUTBOUND_ALLOW``; faked are only
the answers of name servers, and connections to addresses outside this machine.
"""

import contextlib
import gzip
import ipaddress
import json
import logging
import os
import socket
import ssl
import subprocess
import sys
import threading
import time
import tracemalloc
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from raindrop import __version__
from raindrop.config import HOME, ConfigError, describe_settings, load_settings
from raindrop.core import addresses, outbound
from raindrop.core.outbound import (
    Limits,
    OutboundFailed,
    OutboundRefused,
    OutboundTimeout,
    OutboundTooLarge,
    fetch,
    open_socket,
)
from tests.support.site import clean_environment, free_port

SECRET = "s3cr3t"
DRIP_S = 0.05
SHORT = Limits(connect_s=5, read_s=5, total_s=0.5)


class Request(NamedTuple):
    line: str
    headers: dict[str, str]
    body: bytes


Respond = Callable[[socket.socket, Request], None]


class Server:
    """Answers each connection once, with the bytes or by the function of the request's path."""

    def __init__(self, host: str = "127.0.0.1", tls: ssl.SSLContext | None = None) -> None:
        self.listener = socket.create_server((host, 0))
        self.host, self.port = self.listener.getsockname()[:2]
        self.address = f"{host}:{self.port}"
        self.url = f"{'https' if tls else 'http'}://{self.address}"
        self.paths: dict[str, bytes | Respond] = {"/": answer(b"hello")}
        self.requests: list[Request] = []
        self.connections = 0
        self._tls = tls
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with contextlib.suppress(OSError, ValueError, LookupError), connection:
            if self._tls:
                connection = self._tls.wrap_socket(connection, server_side=True)
            with connection, connection.makefile("rb") as file:
                request = read_request(file)
                self.requests.append(request)
                reply = self.paths[request.line.split()[1].partition("?")[0]]
                if callable(reply):
                    reply(connection, request)
                else:
                    connection.sendall(reply)


def read_request(file: Any) -> Request:
    line = file.readline().decode().strip()
    headers: dict[str, str] = {}
    while (row := file.readline().decode("latin-1").strip()) != "":
        name, _, value = row.partition(":")
        headers[name.lower()] = value.strip()
    return Request(line, headers, file.read(int(headers.get("content-length", 0))))


def answer(body: bytes = b"", status: str = "200 OK", *headers: str) -> bytes:
    head = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers, "", ""]
    return "\r\n".join(head).encode() + body


def redirect(location: str, status: int = 302) -> bytes:
    return answer(b"", f"{status} Moved", f"Location: {location}")


def drip(connection: socket.socket, first: bytes, then: bytes) -> None:
    connection.sendall(first)
    for _ in range(200):
        time.sleep(DRIP_S)
        connection.sendall(then)


@pytest.fixture
def allow(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., None]]:
    def open_for(*entries: str) -> None:
        monkeypatch.setenv("RAINDROP_OUTBOUND_ALLOW", ",".join(entries))
        addresses.openings.cache_clear()

    open_for()
    yield open_for
    monkeypatch.undo()
    addresses.openings.cache_clear()


@pytest.fixture
def serve(allow: Callable[..., None]) -> Iterator[Callable[..., Server]]:
    """Start servers; those and only those are open, by address and port."""
    servers: list[Server] = []

    def start(**options: Any) -> Server:
        servers.append(Server(**options))
        allow(*(server.address for server in servers))
        return servers[-1]

    yield start
    for server in servers:
        server.listener.close()


@pytest.fixture
def server(serve: Callable[..., Server]) -> Server:
    return serve()


class Names:
    """What the name servers say: each name's answers in turn, the last one again and again."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.answers: dict[str, list[list[str] | OSError]] = {}
        self.asked: list[str] = []
        self._real = socket.getaddrinfo
        monkeypatch.setattr(socket, "getaddrinfo", self._answer)

    def _answer(self, host: str, port: int, *args: Any, **kwargs: Any) -> list[Any]:
        with contextlib.suppress(ValueError):
            ipaddress.ip_address(host)
            return self._real(host, port, *args, **kwargs)
        self.asked.append(host)
        given = self.answers.get(host) or [socket.gaierror(socket.EAI_NONAME, "unknown")]
        found = given.pop(0) if len(given) > 1 else given[0]
        if isinstance(found, OSError):
            raise found
        return [row for ip in found for row in self._real(ip, port, *args, **kwargs)]


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> Names:
    return Names(monkeypatch)


@pytest.fixture
def connects(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, int]]:
    """Where connections would go; none is made."""
    made: list[tuple[str, int]] = []

    def connect(self: socket.socket, sockaddr: Any) -> None:
        made.append(sockaddr[:2])
        raise ConnectionRefusedError

    monkeypatch.setattr(socket.socket, "connect", connect)
    return made


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file with a key and its own certificate, for secure.test and 127.0.0.1."""
    file = tmp_path_factory.mktemp("tls") / "server.pem"
    names = "subjectAltName=DNS:secure.test,IP:127.0.0.1"
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"]
    command += ["-nodes", "-days", "2", "-subj", "/CN=test", "-addext", names]
    command += ["-keyout", str(file), "-out", f"{file}.crt"]
    subprocess.run(command, check=True, capture_output=True)
    file.write_text(file.read_text() + Path(f"{file}.crt").read_text())
    return file


@pytest.fixture
def tls(certificate: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context


@pytest.fixture
def trusted(certificate: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The certificate is in the system's store."""
    monkeypatch.setenv("SSL_CERT_FILE", f"{certificate}.crt")
    outbound.tls_context.cache_clear()
    yield
    outbound.tls_context.cache_clear()


# Where it may go

HERE = [
    "127.0.0.1", "127.1", "127.0.1", "2130706433", "0x7f000001", "0x7f.1", "0X7F.0.0.1",
    "017700000001", "0177.0.0.1", "127.0.0.01", "127.000.000.001", "127.0.0.1.", "127.1.", "0",
    "0.0.0.0", "localhost", "LOCALHOST", "LocalHost.", "ⓛⓞⓒⓐⓛⓗⓞⓢⓣ", "１２７.0.0.1", "①②⑦.⓪.⓪.①",
    "127。0。0。1", "127．0．0．1", "127｡0｡0｡1", "%31%32%37.0.0.1", "127.0.0.1%00",
    "1\u00ad27.0.0.1",
    "[::1]", "[::]", "[0:0:0:0:0:0:0:1]", "[::127.0.0.1]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]",
    "[::FFFF:127.0.0.1]", "[64:ff9b::127.0.0.1]", "[64:ff9b:1::127.0.0.1]", "[2002:7f00:1::]",
    "[2001:0:7f00:1::]", "[::1%25lo]", "[fe80::1%25lo]",
]  # fmt: skip
ELSEWHERE = [
    "10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1", "100.64.0.1", "100.127.255.255",
    "169.254.169.254", "169.254.170.2", "2852039166", "0xa9fea9fe", "168.63.129.16", "192.0.0.192",
    "100.100.100.200", "192.0.2.1", "198.51.100.1", "203.0.113.1", "198.18.0.1", "198.19.255.255",
    "192.88.99.1", "224.0.0.1", "239.255.255.255", "240.0.0.1", "255.255.255.255",
    "[fd00:ec2::254]", "[fc00::1]", "[fe80::1]", "[fec0::1]", "[ff02::1]", "[2001:db8::1]",
    "[3fff::1]", "[100::1]", "[5f00::1]", "[2001:2::1]", "[2001:10::1]", "[2002:a00:1::1]",
    "[64:ff9b::a9fe:a9fe]", "[64:ff9b::10.0.0.1]", "[::ffff:10.0.0.1]", "[::ffff:0:10.0.0.1]",
    "[::10.0.0.1]", "[2606:4700::5efe:10.0.0.1]", "[2606:4700::200:5efe:10.0.0.1]", "[4000::1]",
]  # fmt: skip
NO_HOST = [
    "", ".", "..", "a..b", "-a.test", "a-.test", "a b.test", "a\tb.test", "a\nb.test", "\\a.test",
    "a.test\\", "a.test\x00", "[::1", "::1", "[a.test]", "a.test:b", "a.test:-1", "a.test:65536",
    "a.test:99999999999", "a.test:٨٠", "user@a.test", f"user:{SECRET}@a.test", "@a.test", "a@b@c",
    "a.1", "a.0x", "1.2.3.4.5", "256.1.1.1", "a" * 64, f"{'a.' * 127}aa", "a℀b.test", "a_b!.test",
]  # fmt: skip
PUBLIC = [
    "8.8.8.8", "93.184.216.34", "172.15.0.1", "172.32.0.1", "100.63.255.255", "100.128.0.0",
    "192.0.1.1", "198.17.0.1", "198.20.0.1", "223.255.255.255", "2606:4700::1111", "2a00:1450::1",
    "64:ff9b::8.8.8.8", "2001:4860::8888",
]  # fmt: skip


@pytest.mark.parametrize("host", [*HERE, *ELSEWHERE, *NO_HOST])
@pytest.mark.parametrize("port", ["", ":443"])
def test_no_spelling_leads_inside(
    host: str, port: str, allow: Any, connects: list[tuple[str, int]]
) -> None:
    for scheme in ("http", "https"):
        with pytest.raises(OutboundRefused):
            fetch("GET", f"{scheme}://{host}{port}/")
    assert connects == []


@pytest.mark.parametrize("host", [*HERE, *ELSEWHERE, *NO_HOST])
def test_no_spelling_leads_inside_by_socket(
    host: str, allow: Any, connects: list[tuple[str, int]]
) -> None:
    with pytest.raises(OutboundRefused):
        open_socket(host, 25, 1)
    assert connects == []


@pytest.mark.parametrize("host", NO_HOST)
def test_what_is_no_host_is_not_looked_up(host: str, allow: Any, names: Names) -> None:
    for call in (lambda: fetch("GET", f"http://{host}/"), lambda: open_socket(host, 25, 1)):
        with pytest.raises(OutboundRefused):
            call()
    assert names.asked == []


@pytest.mark.parametrize(
    "host", [host for host in [*HERE, *ELSEWHERE, *NO_HOST] if host and not set("\n\0") & set(host)]
)
def test_no_redirect_leads_inside(host: str, server: Server) -> None:
    server.paths["/"] = redirect(f"http://{host}/")
    with pytest.raises(OutboundRefused):
        fetch("GET", server.url)
    assert server.connections == 1


def is_address(host: str) -> bool:
    with contextlib.suppress(ValueError):
        return bool(ipaddress.ip_address(host.strip("[]")))
    return False


@pytest.mark.parametrize("host", list(filter(is_address, [*HERE, *ELSEWHERE])))
def test_no_name_leads_inside(
    host: str, allow: Any, names: Names, connects: list[tuple[str, int]]
) -> None:
    bad = str(ipaddress.ip_address(host.strip("[]")))
    for answers in ([bad], ["8.8.8.8", bad], [bad, "8.8.8.8"], ["2606:4700::1111", bad]):
        names.answers["a.test"] = [answers]
        with pytest.raises(OutboundRefused):
            fetch("GET", "http://a.test/")
        with pytest.raises(OutboundRefused):
            open_socket("a.test", 25, 1)
    assert connects == []


@pytest.mark.parametrize("ip", PUBLIC)
def test_public_addresses_are_called(
    ip: str, allow: Any, names: Names, connects: list[tuple[str, int]]
) -> None:
    ip = str(ipaddress.ip_address(ip))
    names.answers["a.test"] = [[ip]]
    for url in ("http://a.test/", f"http://{f'[{ip}]' if ':' in ip else ip}/"):
        with pytest.raises(OutboundFailed):
            fetch("GET", url)
    with pytest.raises(OutboundFailed):
        open_socket("a.test", 25, 1)
    assert connects == [(ip, 80), (ip, 80), (ip, 25)]


def test_whatever_python_calls_special_is_refused() -> None:
    """A second opinion on the table, at both ends of every /12 and of IPv6's /16s."""
    ends = [(number << 20) + low for number in range(4096) for low in (0, 0xFFFFF)]
    for ip in map(ipaddress.IPv4Address, ends):
        assert not addresses._is_public(ip) or (ip.is_global and not ip.is_multicast), ip
    for number in range(65536):
        address = ipaddress.IPv6Address(number << 112 | 0x1234)
        assert not addresses._is_public(address) or address.is_global, address


@pytest.mark.parametrize(
    "url",
    ["ftp://a.test/", "file:///etc/passwd", "gopher://a.test/", "unix:/x", "//a.test/", "a.test",
     "http:a.test", "http:/a.test", "http:///a.test", "javascript:1", "data:,x", "", " http://a.test/",
     "http://a.test/ b", "http://a.test/\r\nHost: b", "http:\\\\a.test\\", "http://a.test/\ud800",
     "http://a.test/" + "a" * 8192],
)  # fmt: skip
def test_other_addresses_are_refused(
    url: str, allow: Any, names: Names, connects: list[tuple[str, int]]
) -> None:
    names.answers["a.test"] = [["8.8.8.8"]]
    with pytest.raises(OutboundRefused):
        fetch("GET", url)
    assert connects == []


@pytest.mark.parametrize(
    ("port", "is_open"),
    [(80, True), (443, True), (1024, True), (8080, True), (65535, True), (0, False), (22, False),
     (25, False), (79, False), (81, False), (444, False), (1023, False), (2049, False),
     (6000, False), (6667, False), (10080, False)],
)  # fmt: skip
def test_ports(
    port: int, is_open: bool, allow: Any, names: Names, connects: list[tuple[str, int]]
) -> None:
    names.answers["a.test"] = [["8.8.8.8"]]
    with pytest.raises(OutboundFailed if is_open else OutboundRefused):
        fetch("GET", f"http://a.test:{port}/")
    assert connects == ([("8.8.8.8", port)] if is_open else [])


@pytest.mark.parametrize("port", [-1, 0, 65536])
def test_ports_of_a_socket(port: int, allow: Any) -> None:
    with pytest.raises(OutboundRefused):
        open_socket("8.8.8.8", port, 1)


@pytest.mark.parametrize(
    ("url", "asked", "host"),
    [
        ("http://A.Test:{}/", "a.test", "a.test:{}"),
        ("http://a.test.:{}/", "a.test", "a.test:{}"),
        ("http://bücher.test:{}/", "xn--bcher-kva.test", "xn--bcher-kva.test:{}"),
        ("http://BÜCHER。test:{}/", "xn--bcher-kva.test", "xn--bcher-kva.test:{}"),
        ("http://my_service:{}/", "my_service", "my_service:{}"),
    ],
)
def test_names_are_normalised(
    url: str, asked: str, host: str, server: Server, names: Names
) -> None:
    names.answers[asked] = [["127.0.0.1"]]
    assert fetch("GET", url.format(server.port)).body == b"hello"
    assert names.asked == [asked]
    assert server.requests[0].headers["host"] == host.format(server.port)


def test_name_is_resolved_once(serve: Callable[..., Server], names: Names) -> None:
    """The second answer (rebinding) leads to another server, which would be open as well."""
    good, other = serve(), serve(host="127.0.0.2")
    names.answers["a.test"] = [["127.0.0.1"], ["127.0.0.2"]]
    assert fetch("GET", f"http://a.test:{good.port}/").status == 200
    assert names.asked == ["a.test"]
    assert (good.connections, other.connections) == (1, 0)


def test_name_is_judged_again_at_each_hop(server: Server, names: Names) -> None:
    server.paths["/again"] = redirect(f"http://a.test:{server.port}/")
    names.answers["a.test"] = [["127.0.0.1"], ["127.0.0.2"]]
    with pytest.raises(OutboundRefused):
        fetch("GET", f"http://a.test:{server.port}/again")
    assert names.asked == ["a.test", "a.test"]
    assert server.connections == 1


def test_next_address_is_tried(server: Server, allow: Any, names: Names) -> None:
    allow("127.0.0.0/8")
    names.answers["a.test"] = [["127.0.0.9", "127.0.0.1"]]
    assert fetch("GET", f"http://a.test:{server.port}/").status == 200


def test_unknown_and_private_names_look_alike(allow: Any, names: Names) -> None:
    names.answers["private.test"] = [["10.0.0.1"]]
    messages = set()
    for host in ("private.test", "unknown.test"):
        with pytest.raises(OutboundRefused) as caught:
            fetch("GET", f"http://{host}/")
        messages.add(caught.value.message)
    assert len(messages) == 1
    assert "10.0.0.1" not in messages.pop()


def test_failing_name_server_may_work_later(allow: Any, names: Names) -> None:
    names.answers["a.test"] = [socket.gaierror(socket.EAI_AGAIN, "later")]
    with pytest.raises(OutboundFailed):
        fetch("GET", "http://a.test/")


# RAINDROP_OUTBOUND_ALLOW


def test_nothing_is_open_by_default(server: Server, allow: Any) -> None:
    assert load_settings({}).outbound_allow == ()
    allow()
    with pytest.raises(OutboundRefused):
        fetch("GET", server.url)
    assert server.connections == 0


@pytest.mark.parametrize("entry", ["127.0.0.1:{}", "a.test:{}", "A.Test.:{}"])
def test_entry_with_a_port_opens_only_that_port(
    entry: str, server: Server, allow: Any, names: Names
) -> None:
    names.answers["a.test"] = [["127.0.0.1"]]
    url = f"http://a.test:{server.port}/"
    allow(entry.format(server.port))
    assert fetch("GET", url).status == 200
    open_socket("a.test", server.port, 5).close()
    for port in (server.port + 1, server.port - 1):
        allow(entry.format(port))
        with pytest.raises(OutboundRefused):
            fetch("GET", url)
        with pytest.raises(OutboundRefused):
            open_socket("a.test", server.port, 5)


def test_entry_opens_nothing_else(serve: Callable[..., Server], allow: Any, names: Names) -> None:
    first, second = serve(), serve(host="127.0.0.2")
    names.answers["a.test"] = names.answers["b.test"] = [["127.0.0.1"]]
    allow(f"a.test:{first.port}")
    for url in (first.url, second.url, f"http://b.test:{first.port}/"):
        with pytest.raises(OutboundRefused):
            fetch("GET", url)
    assert first.connections == second.connections == 0


@pytest.mark.parametrize(
    ("entry", "is_open"),
    [("127.0.0.0/8", True), ("127.0.0.1", True), ("127.0.0.2/32", False), ("10.0.0.0/8", False),
     ("::1", False)],
)  # fmt: skip
def test_network(entry: str, is_open: bool, server: Server, allow: Any) -> None:
    allow(entry)
    if is_open:
        assert fetch("GET", server.url).status == 200
    else:
        with pytest.raises(OutboundRefused):
            fetch("GET", server.url)


def test_opened_address_has_one_spelling(server: Server) -> None:
    for host in ("127.1", "2130706433", "[::ffff:127.0.0.1]", "[64:ff9b::127.0.0.1]"):
        with pytest.raises(OutboundRefused):
            fetch("GET", f"http://{host}:{server.port}/")
    assert server.connections == 0


def test_ipv6(allow: Any) -> None:
    listener = socket.create_server(("::1", 0), family=socket.AF_INET6)
    port = listener.getsockname()[1]
    allow(f"[::1]:{port}")
    for host in ("::1", "[0:0::1]"):
        open_socket(host, port, 5).close()
    with pytest.raises(OutboundRefused):
        open_socket("::1", port + 1, 5)
    listener.close()


@pytest.mark.parametrize(
    ("text", "parsed"),
    [
        (" Mail.Intern.:025 , 10.0.0.0/8,", ("mail.intern:25", "10.0.0.0/8")),
        ("10.0.0.5,[FD00:0::1]:443,fd00::/8", ("10.0.0.5/32", "[fd00::1]:443", "fd00::/8")),
        ("h:1,h:65535", ("h:1", "h:65535")),
    ],
)
def test_setting_is_parsed(text: str, parsed: tuple[str, ...]) -> None:
    assert load_settings({"RAINDROP_OUTBOUND_ALLOW": text}).outbound_allow == parsed
    rows = {row.name: row.value for row in describe_settings({"RAINDROP_OUTBOUND_ALLOW": text})}
    assert rows["RAINDROP_OUTBOUND_ALLOW"] == ",".join(parsed)


@pytest.mark.parametrize(
    "text",
    ["host", "host:", "host:0", "host:65536", "host:1:2", "10.0.0.1/8", "10.0.0.0/33", "127.1:80",
     "0x7f.1:80", "2130706433:80", "[::1]", "[127.0.0.1]:80", "http://h:80", "h:80/", "a b:1",
     "h:80 i:80", "10.0.0.0/8:80", "*:80", "256.1.1.1:80", "host:٨٠"],
)  # fmt: skip
def test_bad_setting_stops_the_start(text: str) -> None:
    with pytest.raises(ConfigError, match="RAINDROP_OUTBOUND_ALLOW"):
        load_settings({"RAINDROP_OUTBOUND_ALLOW": f"10.0.0.0/8,{text}"})


# What is sent and what comes back


def test_request_and_answer(server: Server) -> None:
    server.paths["/a%20%C3%BC/b"] = answer(b"made", "201 Created", "X-Thing: 1", "Set-Cookie: a=b")
    url = f"{server.url}/a%20ü/b?q=%2F&z=ü#part"
    got = fetch("POST", url, headers={"X-Key": SECRET}, body=b"data")
    assert (got.status, got.body, got.url) == (201, b"made", url)
    assert got.headers["x-thing"] == got.headers["X-Thing"] == "1"
    sent = server.requests[0]
    assert sent.line == "POST /a%20%C3%BC/b?q=%2F&z=%C3%BC HTTP/1.1"
    assert sent.headers == {
        "host": server.address,
        "content-length": "4",
        "user-agent": f"Raindrop/{__version__}",
        "accept-encoding": "gzip",
        "connection": "close",
        "x-key": SECRET,
    }
    assert sent.body == b"data"


def test_no_cookie_is_kept(server: Server) -> None:
    server.paths["/"] = answer(b"", "302 Found", "Set-Cookie: a=b; Path=/", "Location: /next")
    server.paths["/next"] = answer()
    fetch("GET", server.url)
    fetch("GET", server.url)
    assert len(server.requests) == 4
    assert not any("cookie" in request.headers for request in server.requests)


@pytest.mark.parametrize("status", [204, 301, 304, 400, 404, 500, 503])
def test_any_status_is_an_answer(status: int, server: Server) -> None:
    server.paths["/"] = answer(b"", f"{status} Whatever")
    assert fetch("GET", server.url).status == status


def test_head_has_no_body(server: Server) -> None:
    server.paths["/"] = b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n"
    assert fetch("HEAD", server.url).body == b""


@pytest.mark.parametrize(
    "reply",
    [
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
        b"HTTP/1.1 100 Continue\r\n\r\n" + answer(b"hello"),
        b"HTTP/1.0 200 OK\r\n\r\nhello",
        answer(gzip.compress(b"hello", mtime=0), "200 OK", "Content-Encoding: gzip"),
        answer(zlib.compress(b"hello"), "200 OK", "Content-Encoding: deflate"),
    ],
)
def test_framings_and_encodings(reply: bytes, server: Server) -> None:
    server.paths["/"] = reply
    assert fetch("GET", server.url).body == b"hello"


@pytest.mark.parametrize(
    "reply",
    [
        b"",
        b"nonsense\r\n\r\n",
        b"SSH-2.0-OpenSSH_9\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nshort",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1, 2\r\n\r\nab",
        answer(b"no gzip", "200 OK", "Content-Encoding: gzip"),
        answer(b"x", "200 OK", "Content-Encoding: gzip,gzip,gzip,gzip,gzip,gzip"),
    ],
)
def test_nonsense_is_a_failure(reply: bytes, server: Server) -> None:
    server.paths["/"] = reply
    with pytest.raises(OutboundFailed):
        fetch("GET", server.url)


def test_nobody_listens(allow: Any) -> None:
    port = free_port()
    allow(f"127.0.0.1:{port}")
    with pytest.raises(OutboundFailed):
        fetch("GET", f"http://127.0.0.1:{port}/")
    with pytest.raises(OutboundFailed):
        open_socket("127.0.0.1", port, 1)


@pytest.mark.parametrize("method", ["CONNECT", "TRACE", "get", "", "GET / HTTP/1.1\r\n\r\nGET"])
def test_other_methods_are_refused(method: str, server: Server) -> None:
    with pytest.raises(OutboundRefused):
        fetch(method, server.url)
    assert server.connections == 0


@pytest.mark.parametrize(
    ("name", "value"),
    [("Host", "x"), ("content-length", "1"), ("Transfer-Encoding", "chunked"), ("Connection", "x"),
     ("Proxy-Authorization", "x"), ("Expect", "100-continue"), ("Upgrade", "h2c"), ("", "x"),
     ("X Y", "x"), ("X:Y", "x"), ("X\r\nY", "x"), ("X", f"{SECRET}\r\nY: z"), ("X", f"{SECRET}\n"),
     ("X", f"{SECRET}\0"), ("X", f"{SECRET}中")],
)  # fmt: skip
def test_bad_headers_are_refused(name: str, value: str, server: Server) -> None:
    with pytest.raises(OutboundRefused) as caught:
        fetch("GET", server.url, headers={name: value})
    assert SECRET not in caught.value.message
    assert server.connections == 0


def test_environment_proxy_is_ignored(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    proxy = Server()
    for name in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY"):
        monkeypatch.setenv(name, proxy.url)
    assert fetch("GET", server.url).body == b"hello"
    assert proxy.connections == 0
    proxy.listener.close()


def test_socket_is_connected(server: Server) -> None:
    with open_socket("127.0.0.1", server.port, 3) as opened:
        assert opened.gettimeout() == 3
        opened.sendall(b"GET / HTTP/1.1\r\n\r\n")
        assert opened.recv(12) == b"HTTP/1.1 200"


# Redirects


def test_redirects_are_followed_to_the_fifth(server: Server) -> None:
    for hop in range(6):
        server.paths[f"/{hop}"] = redirect(str(hop + 1))
    server.paths["/5"] = answer(b"there")
    got = fetch("GET", f"{server.url}/0")
    assert (got.body, got.url) == (b"there", f"{server.url}/5")
    server.paths["/5"] = redirect("/6")
    with pytest.raises(OutboundFailed, match="redirect"):
        fetch("GET", f"{server.url}/0")
    assert server.connections == 6 + 6


def test_redirect_loop_ends(server: Server) -> None:
    server.paths["/"] = redirect("/")
    with pytest.raises(OutboundFailed, match="redirect"):
        fetch("GET", server.url)
    assert server.connections == 6


def test_redirect_is_the_answer_where_none_is_followed(server: Server) -> None:
    server.paths["/"] = redirect("http://127.0.0.1:1/")
    got = fetch("GET", server.url, limits=Limits(redirects=0))
    assert (got.status, got.headers["location"]) == (302, "http://127.0.0.1:1/")
    server.paths["/"] = answer(b"no address", "302 Found")
    assert fetch("GET", server.url).status == 302


@pytest.mark.parametrize(
    ("method", "status", "then"),
    [("GET", 301, "GET"), ("GET", 307, "GET"), ("HEAD", 302, "HEAD"), ("HEAD", 303, "HEAD"),
     ("POST", 301, "GET"), ("POST", 302, "GET"), ("POST", 303, "GET"), ("POST", 307, "POST"),
     ("POST", 308, "POST"), ("PUT", 301, "PUT"), ("PUT", 302, "PUT"), ("PUT", 303, "GET"),
     ("DELETE", 303, "GET"), ("DELETE", 308, "DELETE")],
)  # fmt: skip
def test_method_after_a_redirect(method: str, status: int, then: str, server: Server) -> None:
    server.paths["/"] = redirect("/next", status)
    server.paths["/next"] = answer()
    body = b"data" if method in ("POST", "PUT") else None
    fetch(method, server.url, headers={"Content-Type": "text/x", "X-Key": SECRET}, body=body)
    sent = server.requests[1]
    assert sent.line == f"{then} /next HTTP/1.1"
    assert sent.body == (b"data" if body and then == method else b"")
    assert ("content-type" in sent.headers) == (then == method)
    assert sent.headers["x-key"] == SECRET


def test_headers_stay_with_their_origin(serve: Callable[..., Server], names: Names) -> None:
    first, second = serve(), serve()
    names.answers["a.test"] = [["127.0.0.1"]]
    headers = {"Authorization": SECRET, "cookie": SECRET, "X-Webhook-Signature": SECRET}
    headers |= {"Accept": "text/plain", "User-Agent": "mine"}
    first.paths |= {
        "/port": redirect(f"{second.url}/"),
        "/name": redirect(f"http://a.test:{first.port}/back"),
        "/back": redirect(f"{first.url}/"),
    }
    for start, hops in (("/port", 2), ("/name", 3)):
        first.requests.clear()
        second.requests.clear()
        fetch("GET", first.url + start, headers=headers)
        sent = [*first.requests, *second.requests]
        assert len(sent) == hops
        assert list(sent[0].headers.values()).count(SECRET) == 3
        for request in sent[1:]:
            assert SECRET not in request.headers.values()
            assert request.headers["accept"] == "text/plain"
            assert request.headers["user-agent"] == "mine"


def test_from_https_to_http_is_refused(
    serve: Callable[..., Server], tls: ssl.SSLContext, trusted: None
) -> None:
    plain, secure = serve(), serve(tls=tls)
    secure.paths["/"] = redirect(f"{plain.url}/")
    with pytest.raises(OutboundRefused):
        fetch("GET", secure.url)
    assert (secure.connections, plain.connections) == (1, 0)
    plain.paths["/up"] = redirect(f"{secure.url}/ok")
    secure.paths["/ok"] = answer(b"up")
    assert fetch("GET", f"{plain.url}/up").body == b"up"


# TLS


def test_name_is_kept_for_tls(
    serve: Callable[..., Server], tls: ssl.SSLContext, trusted: None, names: Names
) -> None:
    shown: list[str | None] = []
    tls.sni_callback = lambda _socket, name, _context: shown.append(name)
    server = serve(tls=tls)
    names.answers["secure.test"] = names.answers["other.test"] = [["127.0.0.1"]]
    assert fetch("GET", f"https://Secure.TEST.:{server.port}/").body == b"hello"
    assert server.requests[0].headers["host"] == f"secure.test:{server.port}"
    assert fetch("GET", f"https://127.0.0.1:{server.port}/").body == b"hello"
    with pytest.raises(OutboundFailed, match="certificate"):
        fetch("GET", f"https://other.test:{server.port}/")
    assert shown == ["secure.test", None, "other.test"]
    assert len(server.requests) == 2


def test_unknown_certificate_is_not_trusted(
    serve: Callable[..., Server], tls: ssl.SSLContext
) -> None:
    outbound.tls_context.cache_clear()
    server = serve(tls=tls)
    with pytest.raises(OutboundFailed, match="certificate"):
        fetch("GET", server.url, headers={"Authorization": SECRET})
    assert server.requests == []


def test_plain_server_behind_https(server: Server, trusted: None) -> None:
    with pytest.raises(OutboundFailed):
        fetch("GET", server.url.replace("http:", "https:"))


# Limits


@pytest.mark.parametrize("size", [1000, 1001])
@pytest.mark.parametrize("kind", ["length", "chunked", "end", "gzip"])
def test_body_limit(kind: str, size: int, server: Server) -> None:
    body = os.urandom(10) * 100 + b"x" * (size - 1000)
    server.paths["/"] = {
        "length": answer(body),
        "chunked": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
        + b"".join(b"1\r\n%c\r\n" % byte for byte in body)
        + b"0\r\n\r\n",
        "end": b"HTTP/1.0 200 OK\r\n\r\n" + body,
        "gzip": answer(gzip.compress(body), "200 OK", "Content-Encoding: gzip"),
    }[kind]
    limits = Limits(body_bytes=1000)
    if size == 1000:
        assert fetch("GET", server.url, limits=limits).body == body
    else:
        with pytest.raises(OutboundTooLarge):
            fetch("GET", server.url, limits=limits)


def test_compressed_size_counts_too(server: Server) -> None:
    body = gzip.compress(b"", mtime=0) * 500 + gzip.compress(b"hello", mtime=0)
    server.paths["/"] = b"HTTP/1.0 200 OK\r\nContent-Encoding: gzip\r\n\r\n" + body
    assert fetch("GET", server.url).body == b"hello"
    with pytest.raises(OutboundTooLarge):
        fetch("GET", server.url, limits=Limits(body_bytes=len(body) - 1))


def test_announced_size_is_believed(server: Server) -> None:
    server.paths["/"] = lambda connection, _: drip(
        connection, b"HTTP/1.1 200 OK\r\nContent-Length: 99999999\r\n\r\n", b"x"
    )
    start = time.monotonic()
    with pytest.raises(OutboundTooLarge):
        fetch("GET", server.url)
    assert time.monotonic() - start < 1


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "gzip, gzip", "deflate, gzip"])
def test_bomb_is_seen_at_the_limit(encoding: str, server: Server) -> None:
    bomb = b"\0" * 300_000_000
    for name in encoding.split(", "):
        bomb = gzip.compress(bomb, 1) if name == "gzip" else zlib.compress(bomb, 1)
    assert len(bomb) < Limits().body_bytes
    server.paths["/"] = answer(bomb, "200 OK", f"Content-Encoding: {encoding}")
    tracemalloc.start()
    with pytest.raises(OutboundTooLarge):
        fetch("GET", server.url, limits=Limits(body_bytes=2_000_000))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 20_000_000


def endless(first: bytes, piece: bytes) -> Respond:
    def respond(connection: socket.socket, _: Request) -> None:
        connection.sendall(first)
        while True:
            connection.sendall(piece)

    return respond


@pytest.mark.parametrize(
    ("first", "piece"),
    [
        (b"HTTP/1.1 200 OK\r\n", b"X-A: " + b"a" * 1000 + b"\r\n"),
        (b"HTTP/1.1 200 OK\r\nX-A: ", b"a" * 1000),
        (b"HTTP/1.1 ", b"2" * 1000),
        (b"", b"HTTP/1.1 100 Continue\r\nX: y\r\n\r\n" * 100),
        (b"HTTP/1.1 200 OK\r\n\r\n", b"x" * 10_000),
        (
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
            b"1;" + b"e" * 999 + b"\r\nx\r\n",
        ),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n", b"X-A: b\r\n" * 100),
        (b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n", gzip.compress(b"", mtime=0) * 100),
    ],
    ids=["heads", "head", "status", "interim", "body", "extensions", "trailers", "members"],
)
def test_endless_answer_is_cut(first: bytes, piece: bytes, server: Server) -> None:
    server.paths["/"] = endless(first, piece)
    with pytest.raises(OutboundTooLarge):
        fetch("GET", server.url, limits=Limits(body_bytes=100_000))


@pytest.mark.parametrize(("size", "is_small"), [(20_000, True), (45_000, False)])
def test_head_limit(size: int, is_small: bool, server: Server) -> None:
    rows = [f"X-{number}: {'a' * 990}" for number in range(size // 1000)]
    server.paths["/"] = answer(b"hello", "200 OK", *rows)
    if is_small:
        assert fetch("GET", server.url).body == b"hello"
    else:
        with pytest.raises(OutboundTooLarge):
            fetch("GET", server.url)


SLOW: dict[str, tuple[bytes, bytes]] = {
    "status": (b"HTTP/1.1 ", b"2"),
    "head": (b"HTTP/1.1 200 OK\r\n", b"A: b\r\n"),
    "interim": (b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
    "body": (b"HTTP/1.1 200 OK\r\nContent-Length: 999\r\n\r\n", b"x"),
    "end": (b"HTTP/1.0 200 OK\r\n\r\n", b"x"),
    "chunk": (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n"),
    "size": (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;", b"x"),
    "gzip": (b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n", gzip.compress(b"", mtime=0)),
}


@pytest.fixture
def slow_server(server: Server) -> Server:
    for name, (first, then) in SLOW.items():
        server.paths[f"/{name}"] = lambda connection, _, first=first, then=then: drip(
            connection, first, then
        )
    server.paths["/silent"] = lambda *_: time.sleep(5)
    server.paths["/hop"] = lambda connection, _: (
        time.sleep(0.2),
        connection.sendall(redirect("/hop")),
    )
    return server


@pytest.fixture
def slow_tls(allow: Any, slow_server: Server) -> Iterator[str]:
    """A server whose TLS handshake never ends, a byte at a time."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        connection, _ = listener.accept()
        with contextlib.suppress(OSError), connection:
            drip(connection, b"\x16\x03\x03\x40\x00\x02", b"\0")

    threading.Thread(target=serve, daemon=True).start()
    address = f"127.0.0.1:{listener.getsockname()[1]}"
    allow(slow_server.address, address)
    yield f"https://{address}"
    listener.close()


def measure(url: str, limits: Limits = SHORT) -> float:
    start = time.monotonic()
    with pytest.raises(OutboundTimeout):
        fetch("GET", url, limits=limits)
    return time.monotonic() - start


@pytest.mark.parametrize("path", [*SLOW, "silent", "hop"])
def test_slow_answer_ends_in_time(path: str, slow_server: Server) -> None:
    assert 0.4 < measure(f"{slow_server.url}/{path}") < 1.5


def test_slow_handshake_ends_in_time(slow_tls: str) -> None:
    assert 0.4 < measure(slow_tls) < 1.5


def test_silence_ends_before_the_total_time(slow_server: Server) -> None:
    limits = Limits(read_s=0.3, total_s=4)
    assert 0.2 < measure(f"{slow_server.url}/silent", limits) < 1.5


def test_whoever_does_not_read_ends_in_time(allow: Any) -> None:
    listener = socket.create_server(("127.0.0.1", 0))
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    address = f"127.0.0.1:{listener.getsockname()[1]}"
    allow(address)
    start = time.monotonic()
    with pytest.raises(OutboundTimeout):
        fetch("POST", f"http://{address}/", body=b"x" * 20_000_000, limits=SHORT)
    assert time.monotonic() - start < 1.5
    listener.close()


def test_whoever_does_not_accept_ends_in_time(allow: Any) -> None:
    with (
        socket.create_server(("127.0.0.1", 0), backlog=0) as listener,
        contextlib.ExitStack() as held,
    ):
        for _ in range(4):  # the queue is full: the kernel drops what comes then
            waiting = held.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(listener.getsockname())
        port = listener.getsockname()[1]
        allow(f"127.0.0.1:{port}")
        assert 0.4 < measure(f"http://127.0.0.1:{port}/") < 1.5
        assert 0.2 < measure(f"http://127.0.0.1:{port}/", Limits(connect_s=0.3)) < 1.2
        with pytest.raises(OutboundTimeout):
            open_socket("127.0.0.1", port, 0.3)


def test_slow_name_server_ends_in_time(allow: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: time.sleep(1) or [])
    assert 0.4 < measure("http://a.test/") < 0.9
    start = time.monotonic()
    with pytest.raises(OutboundTimeout):
        open_socket("a.test", 25, 0.3)
    assert time.monotonic() - start < 0.8
    time.sleep(1)


def test_nothing_stays_behind(slow_server: Server) -> None:
    def descriptors() -> int:
        return len(list(Path("/proc/self/fd").iterdir()))

    slow_server.listener.settimeout(None)
    time.sleep(0.3)
    threads, files = threading.active_count(), descriptors()
    for path in ("/", "/silent", "/body"):
        with contextlib.suppress(OutboundTimeout):
            fetch("GET", slow_server.url + path, limits=Limits(total_s=0.2))
    left = [thread.name for thread in threading.enumerate() if "outbound" in thread.name]
    assert left == []
    until = time.monotonic() + 10
    while (threading.active_count(), descriptors()) > (threads, files):
        assert time.monotonic() < until
        time.sleep(0.1)


GEVENT = """
from gevent import monkey
monkey.patch_all()
import gevent, json, sys, time
from raindrop.core.outbound import Limits, OutboundTimeout, fetch

def measure(url):
    start = time.monotonic()
    try:
        fetch("GET", url, limits=Limits(total_s=0.5))
        result = "no timeout"
    except Exception as error:
        result = type(error).__name__
    return result, time.monotonic() - start

ticks = []
def tick():
    while True:
        ticks.append(time.monotonic())
        gevent.sleep(0.02)

ticker = gevent.spawn(tick)
good, *slow = sys.argv[1:]
assert fetch("GET", good).body == b"hello"
results = [job.get() for job in [gevent.spawn(measure, url) for url in slow]]
longest = max(b - a for a, b in zip(ticks, ticks[1:]))
print(json.dumps({"results": results, "ticks": len(ticks), "longest": longest}))
"""


def test_under_gevent(slow_server: Server, slow_tls: str) -> None:
    """All the slow servers at once, in one thread, and the others go on meanwhile."""
    urls = [f"{slow_server.url}/{path}" for path in (*SLOW, "silent", "hop")] + [slow_tls]
    allowed = os.environ["RAINDROP_OUTBOUND_ALLOW"]
    done = subprocess.run(
        [sys.executable, "-c", GEVENT, f"{slow_server.url}/", *urls],
        env=clean_environment()
        | {"RAINDROP_OUTBOUND_ALLOW": allowed, "PYTHONPATH": str(HOME / "server")},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    for url, (result, took_s) in zip(urls, report["results"], strict=True):
        assert result == "OutboundTimeout", url
        assert 0.4 < took_s < 2, url
    assert report["ticks"] > 10
    assert report["longest"] < 0.5


def test_many_threads_at_once(slow_server: Server) -> None:
    bodies: list[bytes] = []
    threads = [
        threading.Thread(target=lambda: bodies.append(fetch("GET", slow_server.url).body))
        for _ in range(20)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert bodies == [b"hello"] * 20


# Secrets


def test_secrets_are_in_no_message(
    slow_server: Server, allow: Any, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    slow_server.paths |= {
        "/nonsense": b"nonsense\r\n\r\n",
        "/bad": b"HTTP/1.1 200 OK\r\nno header\r\n\r\n",
        "/large": answer(b"x" * 2000),
        "/loop": redirect(f"/loop?{SECRET}"),
        "/away": redirect(f"http://10.0.0.1/{SECRET}"),
    }
    limits = Limits(total_s=0.4, body_bytes=1000)
    for path in ("/nonsense", "/bad", "/large", "/loop", "/away", "/silent", "/body", "/gone"):
        url = f"{slow_server.url}{path}?key={SECRET}"
        try:
            shown = repr(
                fetch("POST", url, headers={"X-Key": SECRET}, body=SECRET.encode(), limits=limits)
            )
        except (OutboundRefused, OutboundFailed) as error:
            shown = f"{error!r} {error} {error.message} {error.__cause__}"
            assert error.__suppress_context__ or error.__context__ is None
        assert SECRET not in shown
        assert "127.0.0.1" not in shown
    for url in (f"http://u:{SECRET}@a.test/", f"ftp://a.test/{SECRET}", f"http://a b/{SECRET}"):
        with pytest.raises(OutboundRefused) as caught:
            fetch("GET", url)
        assert SECRET not in str(caught.value)
    assert SECRET not in caplog.text
