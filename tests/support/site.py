"""The whole stack, started as a person starts it, on free ports and in a folder of its own."""

import http.client
import os
import socket
import subprocess
import sys
import time
import xmlrpc.client
from pathlib import Path
from typing import Any

import httpx
import psutil
import redis
import sqlalchemy as sa
from supervisor.xmlrpc import SupervisorTransport

from raindrop.config import HOME, load_settings

RAINDROP = Path(sys.executable).parent / "raindrop"
START_WAIT_S = 60
STOP_WAIT_S = 20


def free_port() -> int:
    """A port that nobody listens on just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def clean_environment() -> dict[str, str]:
    """This process's environment without any setting of Raindrop."""
    return {name: value for name, value in os.environ.items() if not name.startswith("RAINDROP_")}


class Site:
    """A running Raindrop."""

    def __init__(self, folder: Path, **settings: object) -> None:
        """
        Args:
            folder: becomes ``RAINDROP_VAR``; keep its path short, sockets live in it.
            settings: others, without the prefix: ``TODO_RATE_LIMIT="5/minute"``.
        """
        self.var = folder
        self.port = free_port()
        self.control_port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.control_url = f"http://127.0.0.1:{self.control_port}"
        given = {
            "VAR": folder,
            "PORT": self.port,
            "CONTROL_PORT": self.control_port,
            "TODO_RATE_LIMIT": "1000000/second",
            "TODO_JOB_RATE_LIMIT": "1000000/second",
            **settings,
        }
        self.environment = clean_environment() | {
            f"RAINDROP_{name}": str(value) for name, value in given.items()
        }
        self.settings = load_settings(self.environment)
        self.output = ""
        self.process: subprocess.Popen[str] | None = None
        self.engine = sa.create_engine(self.settings.sqlalchemy_url, poolclass=sa.NullPool)
        self.cache = redis.Redis.from_url(self.settings.cache_url)
        self.broker = redis.Redis.from_url(self.settings.broker_redis_url)

    def start(self, command: list[str] | None = None) -> float:
        """Start and wait for the last line of the greeting; the seconds that took."""
        began = time.monotonic()
        self.process = subprocess.Popen(
            command or [str(RAINDROP), "run"],
            cwd=HOME,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        assert self.process.stdout
        for line in self.process.stdout:
            self.output += line
            if "Ctrl-C" in line:
                return time.monotonic() - began
        raise RuntimeError(f"the site did not start:\n{self.output}")

    def stop(self) -> float:
        """End it as Ctrl-C in a terminal does, and check that nothing is left; the seconds."""
        if not self.process or self.process.poll() is not None:
            return 0
        family = psutil.Process(self.process.pid).children(recursive=True)
        began = time.monotonic()
        os.killpg(self.process.pid, 2)
        self.process.wait(STOP_WAIT_S)
        _, alive = psutil.wait_procs(family, timeout=STOP_WAIT_S)
        assert not alive, f"still running: {alive}"
        return time.monotonic() - began

    def client(self, **options: Any) -> httpx.Client:
        """A plain HTTP client of the site."""
        return httpx.Client(base_url=self.url, timeout=30, trust_env=False, **options)

    def operator(self) -> httpx.Client:
        """A client of the control port that knows the password."""
        password = (self.var / "secrets" / "control-password").read_text().strip()
        return httpx.Client(
            base_url=self.control_url, auth=("operator", password), timeout=30, trust_env=False
        )

    def supervisor(self) -> Any:
        """supervisor's own procedures."""
        transport = SupervisorTransport(serverurl=f"unix://{self.var}/run/supervisor.sock")
        return xmlrpc.client.ServerProxy("http://localhost", transport).supervisor

    def pids(self, program: str) -> list[int]:
        """The process that supervisor started for a program, then its children."""
        pid = int(self.supervisor().getProcessInfo(program)["pid"])
        children = psutil.Process(pid).children(recursive=True)
        return [pid, *(child.pid for child in children)]

    def sql(self, statement: str, **values: Any) -> list[Any]:
        """Run one statement beside the server and return its rows."""
        with self.engine.begin() as connection:
            result = connection.execute(sa.text(statement), values)
            return list(result.mappings()) if result.returns_rows else []

    def tables(self) -> list[str]:
        """The names of the database's tables."""
        with self.engine.connect() as connection:
            return sa.inspect(connection).get_table_names()

    def clear(self) -> None:
        """Empty the board behind the server's back, and every cache with it."""
        for statement in (
            "DELETE FROM todos",
            "UPDATE todo_counts SET total = 0",
            "DELETE FROM job_file_chunks",
            "DELETE FROM job_files",
            "DELETE FROM job_log_lines",
            "DELETE FROM jobs",
        ):
            self.sql(statement)
        self.cache.flushall()
        self.tell_edge("POST", "/drop", {"X-Tag": "todos"})

    def tell_edge(self, method: str, path: str, headers: dict[str, str], body: bytes = b"") -> str:
        """Ask nginx's private address; empty where nginx has no Lua."""
        if not self.has_edge:
            return ""
        connection = http.client.HTTPConnection("localhost")
        connection.sock = socket.socket(socket.AF_UNIX)
        connection.sock.connect(str(self.var / "front" / "edge.sock"))
        connection.request(method, path, body=body, headers=headers)
        answer = connection.getresponse().read().decode()
        connection.close()
        return answer

    @property
    def has_edge(self) -> bool:
        """Whether this nginx keeps hot pages."""
        return (self.var / "front" / "edge.sock").exists()

    def wait_for_job(self, job_id: str, wait_s: float = 60) -> dict[str, Any]:
        """The job once it has ended."""
        deadline = time.monotonic() + wait_s
        with self.client() as client:
            while True:
                job = client.get(f"/api/jobs/{job_id}").json()
                if job.get("status") in ("finished", "failed", "canceled"):
                    return job
                assert time.monotonic() < deadline, job
                time.sleep(0.05)
