"""Lists of documents with permissions of their own: what a page costs, whatever the share is that
its reader may see, and however many rows there are."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import sqlalchemy as sa

from tests.bench import wrk
from tests.databases.places import Place
from tests.support.site import Site
from tests.support.v1 import Project

CONNECTIONS, ROUND_S = 8, 3
SIZES = (10_000, 100_000)
CHUNK = 2_000
TIME = "2026-01-{:02} {:02}:{:02}:{:02}.000"


@dataclass(frozen=True)
class Lists:
    """By reader (or order) and number of rows: the runs."""

    runs: Mapping[tuple[str, int], wrk.Run]

    def growth(self, reader: str) -> float:
        """The p95 of the larger collection in those of the smaller one."""
        small, large = (self.runs[reader, size] for size in SIZES)
        return large.p95_ms / small.p95_ms


def measure(site: Site) -> Lists:
    """The newest 10 for readers who may see 90%, 1% and 10 of the rows, by number and by time of
    creation; the newest 10 for a key; and pages far behind the first."""
    place = Place(Project(site))
    readers: dict[str, Any] = {name: place.project.sign_up() for name in ("90%", "1%", "10")}
    ids = {name: who.get("/v1/account").json()["$id"] for name, who in readers.items()}
    key = {"X-Appwrite-Key": place.key.headers["X-Appwrite-Key"]}
    runs: dict[tuple[str, int], wrk.Run] = {}
    for size in SIZES:
        collection = place.collection(
            {"key": "title"}, {"key": "size", "kind": "integer"},
            permissions=[], has_document_security=True,
        )  # fmt: skip
        fill(site, collection, size, ids)
        for name, who in readers.items():
            cookie = "; ".join(f"{each.name}={each.value}" for each in who.cookies.jar)
            for order in ("$sequence", "$createdAt"):
                runs[f"{name} by {order}", size] = _run(
                    place, collection, order, {"Cookie": cookie}
                )
        runs["key", size] = _run(place, collection, "$sequence", key)
        behind = [{"method": "cursorAfter", "values": [f"n{size // 10}"]}]
        runs["key, deep", size] = _run(place, collection, "$sequence", key, behind)
    return Lists(runs)


def _run(
    place: Place, collection: str, order: str, headers: Mapping[str, str], more: Any = ()
) -> wrk.Run:
    queries = [
        {"method": "orderDesc", "attribute": order}, {"method": "limit", "values": [10]}, *more,
    ]  # fmt: skip
    query = urlencode({f"queries[{n}]": json.dumps(each) for n, each in enumerate(queries)})
    url = f"{place.project.site.url}{place.documents_of(collection)}?{query}"
    own = {"X-Appwrite-Project": place.project.id, **headers}
    return wrk.measure(url, CONNECTIONS, ROUND_S, headers=own)


def fill(site: Site, collection: str, size: int, ids: Mapping[str, str]) -> None:
    """Rows ``n1`` … written beside the server, spread evenly over the readers."""
    number = site.sql("SELECT id FROM collections WHERE public_id = :id", id=collection)[0]["id"]
    title, amount = (
        f"a_{row['id']}"
        for row in site.sql(
            "SELECT id FROM attributes WHERE collection_id = :id ORDER BY id", id=number
        )
    )
    for first in range(1, size + 1, CHUNK):
        rows, entries = [], []
        for each in range(first, min(first + CHUNK, size + 1)):
            time = TIME.format(each // 86_400 + 1, each // 3600 % 24, each // 60 % 60, each % 60)
            names = _readers(each, size)
            given = json.dumps([f'read("user:{ids[name]}")' for name in names])
            rows.append({"n": each, "id": f"n{each}", "time": time, "given": given})
            entries += [{"role": f"user:{ids[name]}", "time": time, "n": each} for name in names]
        fields = f"_id, _uid, _created, _updated, _permissions, {title}, {amount}"
        values = ":n, :id, :time, :time, :given, :id, :n"
        _insert(site, f"INSERT INTO c_{number} ({fields}) VALUES ({values})", rows)
        fields = "action, role, created, row_id"
        _insert(site, f"INSERT INTO c_{number}_p ({fields}) VALUES (0, :role, :time, :n)", entries)
    for table in (f"c_{number}", f"c_{number}_p"):
        site.sql(f"ANALYZE TABLE {table}")


def _insert(site: Site, statement: str, rows: list[dict[str, Any]]) -> None:
    with site.engine.begin() as connection:
        connection.execute(sa.text(statement), rows)


def _readers(number: int, size: int) -> list[str]:
    names = ["90%"] if number % 10 else []
    if number % 100 == 5:
        names.append("1%")
    return [*names, "10"] if number % (size // 10) == 7 else names


def show(lists: Lists) -> str:
    """The figures, a line each."""
    return "\n".join(
        f"{reader:22} {size:7}: {run.per_second:6.0f}/s  p50 {run.p50_ms:5.1f}"
        f"  p95 {run.p95_ms:5.1f} ms  failed {run.failed}"
        for (reader, size), run in lists.runs.items()
    )
