"""A private PostgreSQL server, as durable as its defaults make it."""

import getpass
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path

from tests.bench.peers.peer import START_WAIT_S, Program
from tests.bench.servers import NotAvailable
from tests.support.site import clean_environment

UNPRIVILEGED = "postgres"
"""Whom Debian's package makes for it; PostgreSQL refuses to run as root."""

PORT = 5432
"""Only part of its socket's name: it listens on no port."""


class Postgres:
    """Reached by its Unix socket only, in a folder that only its user enters."""

    def __init__(self) -> None:
        self.folder = Path()
        self.user = UNPRIVILEGED if os.geteuid() == 0 else getpass.getuser()
        self._program: Program | None = None

    def start(self) -> None:
        """Make a cluster in a folder of its own, start it, wait until it answers.

        Raises:
            NotAvailable: PostgreSQL is not installed.
        """
        binaries = find_binaries()
        # Not below the bench's folder, which its user may not enter.
        self.folder = Path(tempfile.mkdtemp(prefix="pg", dir="/tmp"))
        account = pwd.getpwnam(self.user)
        os.chown(self.folder, account.pw_uid, account.pw_gid)
        data, log = self.folder / "data", self.folder / "log"
        initdb: list[str | Path] = [
            binaries / "initdb", "--pgdata", data, "--auth", "trust", "--username", UNPRIVILEGED,
            "--encoding", "UTF8", "--no-locale",
        ]  # fmt: skip
        self._run(initdb)
        command = [
            str(binaries / "postgres"), "-D", str(data), "-k", str(self.folder), "-p", str(PORT),
            "-c", "listen_addresses=", "-c", "shared_buffers=256MB", "-c", "max_connections=100",
        ]  # fmt: skip
        user = self.user if os.geteuid() == 0 else None
        self._program = Program(command, log, clean_environment(), user=user, end_by=signal.SIGINT)
        self._wait(binaries / "pg_isready")

    def create_database(self, name: str) -> None:
        """Make an empty database."""
        self.query(f"CREATE DATABASE {name}", "postgres")

    def query(self, statement: str, database: str, given: str = "") -> str:
        """What one statement prints, ``given`` being its input; columns are parted by tabs."""
        command: list[str | Path] = [
            find_binaries() / "psql", "--no-psqlrc", "--quiet", "--tuples-only", "--no-align",
            "--field-separator", "\t", "--set", "ON_ERROR_STOP=1", "--host", self.folder,
            "--port", str(PORT), "--username", UNPRIVILEGED, "--command", statement, database,
        ]  # fmt: skip
        return self._run(command, given).strip()

    def pids(self) -> list[int]:
        """Its processes'."""
        assert self._program
        return self._program.pids()

    def stop(self) -> None:
        """End it and remove its folder."""
        if self._program:
            self._program.stop()
        if self.folder != Path():
            shutil.rmtree(self.folder, ignore_errors=True)

    def _wait(self, pg_isready: Path) -> None:
        assert self._program
        command = [str(pg_isready), "--quiet", "--host", str(self.folder), "--port", str(PORT)]
        deadline = time.monotonic() + START_WAIT_S
        while subprocess.run(command, check=False).returncode:
            if self._program.process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError((self.folder / "log").read_text())
            time.sleep(0.1)

    def _run(self, command: list[str | Path], given: str = "") -> str:
        is_root = os.geteuid() == 0
        result = subprocess.run(
            command,
            cwd=self.folder,
            input=given,
            capture_output=True,
            text=True,
            check=False,
            user=self.user if is_root else None,
            group=self.user if is_root else None,
            extra_groups=[] if is_root else None,
        )
        if result.returncode:
            raise RuntimeError(f"{command[0]}: {result.stderr}")
        return result.stdout


def find_binaries() -> Path:
    """Where the newest installed version's programs are.

    Raises:
        NotAvailable: there is none.
    """
    found = Path("/usr/lib/postgresql").glob("*/bin/postgres")
    newest = max(found, key=lambda path: int(path.parts[-3]), default=None)
    if newest is None:
        raise NotAvailable("PostgreSQL is not installed: run `make bench-peers` first")
    return newest.parent
