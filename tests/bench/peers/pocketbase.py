"""PocketBase, over its own SQLite."""

import contextlib
import secrets
import sqlite3
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import httpx

from tests.bench.peers.install import POCKETBASE, require
from tests.bench.peers.peer import START_WAIT_S, Peer, Program
from tests.bench.peers.rows import Row
from tests.support.site import clean_environment, free_port

ADMIN = "bench@example.com"
COLLECTION = {
    "name": "items",
    "type": "base",
    # An empty rule is everybody's; without one, it is the administrator's.
    **dict.fromkeys(("listRule", "viewRule", "createRule"), ""),
    "schema": [
        {"name": "title", "type": "text"},
        {"name": "body", "type": "text"},
        {"name": "number", "type": "number"},
    ],
    "indexes": ["CREATE INDEX newest ON items (created)"],
}
INSERT = "INSERT INTO items (id, created, updated, title, body, number) VALUES (?, ?, ?, ?, ?, ?)"


class PocketBase(Peer):
    """As it comes, without the log of requests that it keeps in a second database."""

    label = "PocketBase, SQLite"

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self._data = folder / "data"
        self._program: Program | None = None

    def start(self) -> None:
        require(POCKETBASE, self.label)
        url = f"http://127.0.0.1:{free_port()}"
        pocketbase = [str(POCKETBASE), "--dir", str(self._data)]
        password = secrets.token_hex()
        # Its tables first: there is no table of administrators before. Signing in below finds out
        # if either failed, which its exit status does not tell.
        for command in (["migrate", "up"], ["admin", "create", ADMIN, password]):
            subprocess.run(
                [*pocketbase, *command], cwd=self.folder, check=True, capture_output=True
            )
        serve = [*pocketbase, "serve", "--http", url.removeprefix("http://")]
        self._program = Program(serve, self.folder / "log", clean_environment())
        self._program.wait_for(f"{url}/api/health", self.headers)
        _set_up(url, password)
        self.create_url = f"{url}/api/collections/items/records"
        self.list_url = f"{self.create_url}?sort=-created&perPage=10&skipTotal=1"

    def stop(self) -> None:
        if self._program:
            self._program.stop()

    def fill(self, rows: Sequence[Row]) -> None:
        with self._database() as database, database:
            database.executemany(INSERT, map(_as_record, rows))
            database.execute("ANALYZE")

    def count(self) -> int:
        with self._database() as database:
            return database.execute("SELECT count(*) FROM items").fetchone()[0]

    def numbers(self, answer: Any) -> list[int]:
        return [item["number"] for item in answer["items"]]

    def pids(self) -> dict[str, list[int]]:
        assert self._program
        return {"PocketBase": self._program.pids()}

    def _database(self) -> contextlib.closing[sqlite3.Connection]:
        """Its file beside it: SQLite's WAL lets two processes in."""
        return contextlib.closing(sqlite3.connect(self._data / "data.db", timeout=START_WAIT_S))


def _set_up(url: str, password: str) -> None:
    with httpx.Client(base_url=url, trust_env=False, timeout=START_WAIT_S) as client:
        credentials = {"identity": ADMIN, "password": password}
        answer = client.post("/api/admins/auth-with-password", json=credentials)
        client.headers["Authorization"] = answer.raise_for_status().json()["token"]
        client.patch("/api/settings", json={"logs": {"maxDays": 0}}).raise_for_status()
        client.post("/api/collections", json=COLLECTION).raise_for_status()


def _as_record(row: Row) -> tuple[object, ...]:
    created = row.created.isoformat(" ", "milliseconds") + "Z"
    return f"row{row.number:012}", created, created, row.title, row.body, row.number
