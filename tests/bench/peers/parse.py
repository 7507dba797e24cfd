"""Parse Server on a PostgreSQL of its own."""

import csv
import io
import json
import secrets
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

from tests.bench.peers.install import PARSE_SERVER, node_environment, require
from tests.bench.peers.peer import Peer, Program
from tests.bench.peers.postgres import PORT, Postgres
from tests.bench.peers.rows import Row
from tests.support.site import free_port

APP_ID = "bench"
DATABASE = "parse"
POOL = 20
PROCESSES = 2
EVERYBODY = {"*": True}
OPERATIONS = ("find", "count", "get", "create", "update", "delete")
CLASS = {
    "className": "Item",
    "fields": {
        "title": {"type": "String"},
        "body": {"type": "String"},
        "number": {"type": "Number"},
    },
    "classLevelPermissions": dict.fromkeys(OPERATIONS, EVERYBODY),
}
COPY = (
    'COPY "Item" ("objectId", "createdAt", "updatedAt", title, body, number)'
    " FROM STDIN (FORMAT csv)"
)


class ParseServer(Peer):
    """In production mode, in a cluster, without logs."""

    label = "Parse Server, PostgreSQL"
    headers: ClassVar = {"X-Parse-Application-Id": APP_ID}

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self._postgres = Postgres()
        self._program: Program | None = None
        self._port = free_port()

    def start(self) -> None:
        require(PARSE_SERVER, self.label)
        self._postgres.start()
        self._postgres.create_database(DATABASE)
        self.create_url = f"http://127.0.0.1:{self._port}/parse/classes/Item"
        self.list_url = f"{self.create_url}?order=-createdAt&limit=10"
        # Alone at first: the processes of a cluster get in each other's way making the class.
        self._run(schema={"definitions": [CLASS], "lockSchemas": True})
        assert self._program
        self._program.stop()
        self._postgres.query('CREATE INDEX ON "Item" ("createdAt")', DATABASE)
        self._run(cluster=PROCESSES)

    def stop(self) -> None:
        if self._program:
            self._program.stop()
        self._postgres.stop()

    def fill(self, rows: Sequence[Row]) -> None:
        text = io.StringIO()
        writer = csv.writer(text)
        for row in rows:
            created = row.created.isoformat() + "Z"
            writer.writerow(
                (f"row{row.number:07}", created, created, row.title, row.body, row.number)
            )
        self._postgres.query(COPY, DATABASE, text.getvalue())
        self._postgres.query('VACUUM ANALYZE "Item"', DATABASE)

    def count(self) -> int:
        return int(self._postgres.query('SELECT count(*) FROM "Item"', DATABASE))

    def numbers(self, answer: Any) -> list[int]:
        return [item["number"] for item in answer["results"]]

    def pids(self) -> dict[str, list[int]]:
        assert self._program
        return {"Parse Server": self._program.pids(), "PostgreSQL": self._postgres.pids()}

    def _run(self, **options: Any) -> None:
        """Start it with its options and these."""
        path = self.folder / "parse.json"
        path.write_text(json.dumps(self._options() | options))
        path.chmod(0o600)
        command = ["node", str(PARSE_SERVER / "bin" / "parse-server"), str(path)]
        environment = node_environment() | {"NODE_ENV": "production"}
        self._program = Program(command, self.folder / "parse.log", environment)
        self._program.wait_for(self.list_url, self.headers)

    def _options(self) -> dict[str, Any]:
        return {
            "appId": APP_ID,
            "masterKey": secrets.token_hex(),
            "host": "127.0.0.1",
            "port": self._port,
            "mountPath": "/parse",
            "serverURL": f"http://127.0.0.1:{self._port}/parse",
            "databaseURI": f"postgres://postgres@localhost:{PORT}/{DATABASE}?poolSize={POOL}",
            # An address cannot name a Unix socket; this goes to the driver as it is.
            "databaseOptions": {"host": str(self._postgres.folder)},
            "directAccess": True,
            "allowClientClassCreation": False,
            "logLevel": "error",
            "logsFolder": None,
            "silent": True,
            "verbose": False,
        }
