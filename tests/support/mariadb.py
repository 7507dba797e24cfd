"""A private MariaDB server in a folder of its own."""

import getpass
import shutil
import subprocess
import time
from pathlib import Path

import pymysql

START_WAIT_S = 60


class MariaDb:
    """Durable as in production: every commit reaches the disk."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.socket = folder / "m.sock"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Install the system tables, start, wait until it answers."""
        self.folder.mkdir(parents=True)
        data, user = self.folder / "data", f"--user={getpass.getuser()}"
        install = [
            "mariadb-install-db", user, f"--datadir={data}", "--skip-test-db",
            "--auth-root-authentication-method=normal", "--no-defaults",
        ]  # fmt: skip
        subprocess.run(install, check=True, capture_output=True)
        self._process = subprocess.Popen(
            [
                shutil.which("mariadbd", path="/usr/sbin:/usr/bin") or "mariadbd",
                "--no-defaults", user, f"--datadir={data}", f"--socket={self.socket}",
                "--skip-networking", f"--pid-file={self.folder / 'm.pid'}",
                "--innodb-flush-log-at-trx-commit=1", "--max-connections=300",
                "--innodb-buffer-pool-size=256M",
            ],
            stdout=(self.folder / "log").open("wb"),
            stderr=subprocess.STDOUT,
        )  # fmt: skip
        deadline = time.monotonic() + START_WAIT_S
        while True:
            try:
                self.query("SELECT 1")
                return
            except pymysql.OperationalError:
                if time.monotonic() > deadline or self._process.poll() is not None:
                    raise RuntimeError((self.folder / "log").read_text()) from None
                time.sleep(0.1)

    @property
    def pid(self) -> int:
        """Its process's."""
        assert self._process
        return self._process.pid

    def stop(self) -> None:
        """End the server."""
        if self._process:
            self._process.terminate()
            self._process.wait(30)

    def create_database(self, name: str) -> str:
        """Make an empty database and return its address for ``RAINDROP_DATABASE_URL``."""
        self.query(f"DROP DATABASE IF EXISTS {name}")
        self.query(f"CREATE DATABASE {name}")
        return f"mysql://root@localhost/{name}?unix_socket={self.socket}"

    def query(self, statement: str, database: str | None = None) -> list[tuple]:
        """Run one statement on a connection of its own and return its rows."""
        connection = pymysql.connect(
            unix_socket=str(self.socket), user="root", database=database, autocommit=True
        )
        with connection, connection.cursor() as cursor:
            cursor.execute(statement)
            return list(cursor.fetchall())
