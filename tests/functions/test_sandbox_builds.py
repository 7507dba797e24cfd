"""The build step and the proxy that is its way out."""

import http.server
import os
import socket
import stat
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from raindrop.core.addresses import openings
from raindrop.functions.builds import BUILD_LIMITS, Built, build
from raindrop.functions.channel import LogLine
from raindrop.functions.confinement import Confinement
from raindrop.functions.limits import Limits
from raindrop.functions.pool import Pool
from raindrop.functions.proxy import Proxy
from raindrop.functions.sandbox import Code
from tests.functions.conftest import MIB, action, node, python, run


class Page(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(f"page {self.path} {self.headers.get('Proxy-Secret', '')}".encode())

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def page(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A server outside of the sandbox, which the operator opened."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Page)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    place = f"127.0.0.1:{server.server_address[1]}"
    monkeypatch.setenv("RAINDROP_OUTBOUND_ALLOW", place)
    openings.cache_clear()
    yield place
    openings.cache_clear()
    server.shutdown()
    server.server_close()


@pytest.fixture
def make_proxy(short_folder: Path) -> Iterator[Callable[[bool], Proxy]]:
    made: list[Proxy] = []

    def make(is_allowed: bool) -> Proxy:
        made.append(Proxy(short_folder / f"p{len(made)}.sock", lambda: is_allowed))
        return made[-1]

    yield make
    for proxy in made:
        proxy.close()


@pytest.fixture
def make(confinement: Confinement, folder: Path) -> Callable[..., Built]:
    def run_build(command: str, **more: object) -> Built:
        lines: list[LogLine] = []
        limits = Limits(**{**vars(BUILD_LIMITS), "run_s": 20, **more.pop("limits", {})})  # type: ignore
        built = build(confinement, command, folder, log=lines.append, limits=limits, **more)
        assert lines == built.log
        return built

    return run_build


def texts(built: Built) -> list[str]:
    return [line.text for line in built.log]


def test_a_build_changes_the_folder(make: Callable[..., Built], folder: Path) -> None:
    (folder / "old").write_text("1")
    built = make(
        "echo hello; echo $SECRET >&2; echo 2 > old; mkdir -p a; echo x > a/new; chmod 0 a/new;"
        " chmod 4777 old; ln -s new a/link; mkfifo a/pipe",
        environ={"SECRET": "s3"},
    )
    assert (built.end, built.exit_code) == ("ready", 0)
    assert sorted(texts(built)) == ["hello", "s3"]
    assert (folder / "old").read_text() == "2\n"
    modes = {path.name: stat.S_IMODE(path.lstat().st_mode) for path in folder.rglob("*")}
    modes.pop("link")
    assert modes == {"old": 0o755, "a": 0o755, "new": 0o644}
    assert {path.lstat().st_uid for path in folder.rglob("*")} == {os.geteuid()}


def test_a_build_that_fails(make: Callable[..., Built]) -> None:
    built = make("echo no >&2; exit 3")
    assert (built.end, built.exit_code, texts(built)) == ("failed", 3, ["no"])


def test_tools_are_there(make: Callable[..., Built]) -> None:
    built = make("python --version && pip --version && node --version && npm --version")
    assert built.end == "ready", texts(built)
    assert texts(built)[0].startswith("Python 3.")


def test_dependencies_of_the_folder_itself(
    make: Callable[..., Built], make_pool: Callable[..., Pool], folder: Path
) -> None:
    """pip and npm install what lies beside the code, and the action finds it."""
    (folder / "dep").mkdir()
    (folder / "dep" / "package.json").write_text('{"name": "dep", "version": "1.0.0"}')
    (folder / "dep" / "index.js").write_text("exports.value = 4;")
    (folder / "package.json").write_text('{"dependencies": {"dep": "file:dep"}}')
    (folder / "index.js").write_text(
        "const dep = require('dep'); exports.main = () => ({ v: dep.value });"
    )
    built = make("npm install --offline --install-links --no-audit --no-fund")
    assert built.end == "ready", texts(built)
    outcome = run(make_pool(), action("nodejs", Code("index.js", folder=folder)))
    assert outcome.result == {"v": 4}


def test_limits_of_a_build(make: Callable[..., Built], folder: Path) -> None:
    assert make("sleep 60", limits={"run_s": 0.5}).end == "timeout"
    endless = make("while true; do echo xxxxxxxxxxxxxxxxxxxxxx; done", limits={
        "log_bytes": 1000, "output_bytes": MIB})  # fmt: skip
    assert endless.end == "too_much_output"
    assert "truncated" in texts(endless)[-1]
    many = "i=0; while true; do i=$((i+1)); head -c 1000000 /dev/zero > f$i; done"
    assert make(many, folder_bytes=10 * MIB).end == "too_large"
    assert sum(path.stat().st_size for path in folder.iterdir()) < 4000 * MIB


def test_a_build_sees_nothing_else(make: Callable[..., Built], tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("the host's")
    built = make(
        f"cat {tmp_path}/secret; cat /etc/shadow; touch /usr/x /x;"
        "python -c 'import socket; socket.create_connection((\"127.0.0.1\", 6379), 1)'"
    )
    assert built.end == "failed"
    assert "the host's" not in " ".join(texts(built))


FETCH = """
import os, urllib.request
def main(args):
    os.environ.pop('no_proxy', None)  # or the page, which is on loopback, is asked for directly
    try:
        return {'body': urllib.request.urlopen(args['url'], timeout=10).read().decode()}
    except Exception as error:
        return {'refused': str(error), 'code': getattr(error, 'code', 0)}
"""


def test_an_action_calls_out_through_its_proxy(
    make_pool: Callable[..., Pool], make_proxy: Callable[[bool], Proxy], page: str
) -> None:
    pool, proxy = make_pool(), make_proxy(True)
    made = python(FETCH, proxy=proxy.path)
    assert run(pool, made, {"url": f"http://{page}/x?y=1"}).result == {"body": "page /x?y=1 "}
    for url in ("http://169.254.169.254/latest/meta-data", "http://127.0.0.1:1/", "http://[::1]/"):
        assert run(pool, made, {"url": url}).result["code"] == 403
    https = run(pool, made, {"url": "https://169.254.169.254/"}).result["refused"]
    assert "403" in https
    # Without a proxy, and with one whose project may not.
    assert "refused" in run(pool, python(FETCH), {"url": f"http://{page}/"}).result
    closed = python(FETCH, proxy=make_proxy(False).path)
    assert run(pool, closed, {"url": f"http://{page}/"}).result["code"] == 403


def test_connect_goes_through(make_proxy: Callable[[bool], Proxy], page: str) -> None:
    proxy = make_proxy(True)
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(5)
        client.connect(str(proxy.path))
        client.sendall(f"CONNECT {page} HTTP/1.1\r\nHost: {page}\r\n\r\n".encode())
        assert client.recv(100) == b"HTTP/1.1 200 Connection established\r\n\r\n"
        client.sendall(b"GET /through HTTP/1.0\r\n\r\n")
        data = b""
        while piece := client.recv(1000):
            data += piece
    assert b"page /through" in data


@pytest.mark.parametrize(
    "line",
    ["CONNECT 10.0.0.1:443", "CONNECT localhost:6379", "CONNECT 127.1:443", "CONNECT x", "GET /",
     "GET http://a@127.0.0.1/", "GET ftp://example.com/", "CONNECT [::ffff:127.0.0.1]:443",
     "CONNECT 0x7f000001:443", "CONNECT 2130706433:80"],
)  # fmt: skip
def test_destinations_that_the_proxy_refuses(
    make_proxy: Callable[[bool], Proxy], line: str
) -> None:
    proxy = make_proxy(True)
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(20)
        client.connect(str(proxy.path))
        client.sendall(f"{line} HTTP/1.1\r\n\r\n".encode())
        assert client.recv(20).startswith(b"HTTP/1.1 403")


def test_node_calls_out_through_its_proxy(
    make_pool: Callable[..., Pool], make_proxy: Callable[[bool], Proxy], page: str
) -> None:
    made = node(
        "const http = require('http');\n"
        "exports.main = (args) => new Promise((done) => {\n"
        "  const proxy = new URL(process.env.http_proxy);\n"
        "  http.get({ host: proxy.hostname, port: proxy.port, path: args.url }, (answer) => {\n"
        "    let body = ''; answer.on('data', (piece) => body += piece);\n"
        "    answer.on('end', () => done({ status: answer.statusCode, body })); }); });",
        proxy=make_proxy(True).path,
    )
    pool = make_pool()
    assert run(pool, made, {"url": f"http://{page}/n"}).result == {
        "status": 200,
        "body": "page /n ",
    }
    assert run(pool, made, {"url": "http://10.1.2.3/"}).result["status"] == 403
