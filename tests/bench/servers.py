"""What the benchmark starts beside the product: the naive app's servers and a bare nginx."""

import getpass
import importlib.util
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from string import Template

import httpx

from raindrop.config import HOME, load_settings
from raindrop.stack import find_nginx
from tests.support.site import free_port

APP = "tests.bench.naive:app"
START_WAIT_S = 20
STOP_WAIT_S = 10
WORKER_CLASSES = {
    "sync": "sync",
    "gevent": "gevent",
    "meinheld": "raindrop.core.meinheld.MeinheldWorker",
}


class NotAvailable(Exception):
    """Something that the machine lacks; the message says what."""


def install_meinheld() -> None:
    """Build the opt-in worker class into this environment.

    Raises:
        NotAvailable: it cannot be built here.
    """
    if importlib.util.find_spec("meinheld"):
        return
    command = [
        sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check",
        "--no-deps", "-r", str(HOME / "requirements" / "meinheld.txt"),
    ]  # fmt: skip
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    if result.returncode:
        lines = result.stderr.strip().splitlines() or ["no reason given"]
        raise NotAvailable(f"pip could not install meinheld: {lines[-1]}")
    importlib.invalidate_caches()


class Naive:
    """The naive app behind a server of choice."""

    def __init__(self, folder: Path, database: str) -> None:
        self._folder = folder
        self._database = database

    @contextmanager
    def flask_server(self, table: str) -> Iterator[str]:
        """Behind the server that comes with Flask; its address."""
        port = free_port()
        command = [
            sys.executable, "-m", "flask", "--app", APP, "run",
            "--host", "127.0.0.1", "--port", str(port),
        ]  # fmt: skip
        with self._running(command, table):
            url = f"http://127.0.0.1:{port}/api/todo"
            _wait_for(url)
            yield url

    @contextmanager
    def gunicorn(self, worker: str, table: str) -> Iterator[str]:
        """Behind two gunicorn workers of a class; its address."""
        port = free_port()
        with self._gunicorn(worker, table, f"127.0.0.1:{port}"):
            url = f"http://127.0.0.1:{port}/api/todo"
            _wait_for(url)
            yield url

    @contextmanager
    def behind_nginx(self, nginx: "BareNginx", worker: str, table: str) -> Iterator[str]:
        """The same behind nginx."""
        with self._gunicorn(worker, table, f"unix:{nginx.upstream}"):
            _wait_for(nginx.proxy_url)
            yield nginx.proxy_url

    @contextmanager
    def _gunicorn(self, worker: str, table: str, bind: str) -> Iterator[None]:
        command = [
            sys.executable, "-m", "gunicorn", "--workers", "2", "--bind", bind,
            "--worker-class", WORKER_CLASSES[worker], "--no-control-socket",
            "--log-level", "critical", APP,
        ]  # fmt: skip
        with self._running(command, table):
            yield

    @contextmanager
    def _running(self, command: list[str], table: str) -> Iterator[None]:
        given = {"NAIVE_DATABASE": self._database, "NAIVE_TABLE": table}
        with (self._folder / "naive.log").open("ab") as log:
            process = subprocess.Popen(
                command,
                cwd=HOME,
                env=os.environ | given,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        try:
            yield
        finally:
            _end(process)


class BareNginx:
    """The same nginx as the product's, with the least that serves a file or passes a request on."""

    def __init__(self, folder: Path, page: bytes) -> None:
        folder.mkdir()
        self._folder = folder
        self._nginx = find_nginx(load_settings({}))
        self._process: subprocess.Popen[bytes] | None = None
        self.upstream = folder / "naive.sock"
        file_port, proxy_port = free_port(), free_port()
        self.file_url = f"http://127.0.0.1:{file_port}/page.json"
        self.proxy_url = f"http://127.0.0.1:{proxy_port}/api/todo"
        (folder / "page.json").write_bytes(page)
        template = Template(Path(__file__).with_name("nginx.conf").read_text())
        user = f"user {getpass.getuser()};" if os.geteuid() == 0 else ""
        conf = template.substitute(
            user=user, folder=folder, file_port=file_port, proxy_port=proxy_port
        )
        (folder / "nginx.conf").write_text(conf)

    def start(self) -> None:
        """Start and wait until the file is there."""
        conf = str(self._folder / "nginx.conf")
        self._process = subprocess.Popen([self._nginx.binary, "-e", "stderr", "-c", conf])
        _wait_for(self.file_url)

    def stop(self) -> None:
        """End it."""
        if self._process:
            self._process.terminate()
            self._process.wait(STOP_WAIT_S)


def _wait_for(url: str) -> None:
    deadline = time.monotonic() + START_WAIT_S
    while True:
        try:
            if httpx.get(url, trust_env=False).status_code == httpx.codes.OK:
                return
        except httpx.TransportError:
            pass
        if time.monotonic() > deadline:
            raise RuntimeError(f"{url} does not answer")
        time.sleep(0.1)


def _end(process: subprocess.Popen[bytes]) -> None:
    """End a server with its workers; one that hangs on open requests is killed."""
    process.terminate()
    try:
        process.wait(STOP_WAIT_S / 5)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
