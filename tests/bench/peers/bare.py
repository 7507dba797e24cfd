"""The bare FastAPI route behind two uvicorn workers, over a MariaDB of its own."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from tests.bench.peers.install import HERE, PYTHON, require
from tests.bench.peers.peer import Peer, Program
from tests.bench.peers.rows import Row
from tests.support.mariadb import MariaDb
from tests.support.site import clean_environment, free_port

TABLE = (
    "CREATE TABLE items (id INTEGER PRIMARY KEY AUTO_INCREMENT, title VARCHAR(255) NOT NULL,"
    " body TEXT NOT NULL, number INTEGER NOT NULL, created DATETIME(3) NOT NULL,"
    " INDEX newest (created))"
)
INSERT = (
    "INSERT INTO items (title, body, number, created) VALUES (:title, :body, :number, :created)"
)


class BareFastApi(Peer):
    """Not a product: the least that a person writes."""

    label = "bare FastAPI + SQLAlchemy, MariaDB"

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self._server = MariaDb(folder / "mariadb")
        self._program: Program | None = None
        self._address = ""

    def start(self) -> None:
        require(PYTHON, self.label)
        self._server.start()
        self._address = self._server.create_database("bare")
        self._server.query(TABLE, "bare")
        port = free_port()
        self.list_url = self.create_url = f"http://127.0.0.1:{port}/items"
        command = [
            str(PYTHON), "-m", "uvicorn", "bare_fastapi:app", "--app-dir", str(HERE),
            "--port", str(port), "--workers", "2", "--loop", "uvloop", "--http", "httptools",
            "--no-access-log", "--log-level", "error",
        ]  # fmt: skip
        address = self._address.replace("mysql://", "mysql+asyncmy://")
        environment = clean_environment() | {"BARE_DATABASE": address}
        self._program = Program(command, self.folder / "uvicorn.log", environment)
        self._program.wait_for(self.list_url, self.headers)

    def stop(self) -> None:
        if self._program:
            self._program.stop()
        self._server.stop()

    def fill(self, rows: Sequence[Row]) -> None:
        address = self._address.replace("mysql://", "mysql+pymysql://")
        engine = sa.create_engine(address, poolclass=sa.NullPool)
        with engine.begin() as connection:
            connection.execute(sa.text(INSERT), [row._asdict() for row in rows])
        self._server.query("ANALYZE TABLE items", "bare")

    def count(self) -> int:
        return self._server.query("SELECT count(*) FROM items", "bare")[0][0]

    def numbers(self, answer: Any) -> list[int]:
        return [item["number"] for item in answer["items"]]

    def pids(self) -> dict[str, list[int]]:
        assert self._program
        return {"uvicorn": self._program.pids(), "MariaDB": [self._server.pid]}
