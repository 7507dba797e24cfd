"""Documents: lists and creates beside the peers, bulk creates, depth of paging, relationships."""

import json
import statistics
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx

from tests.bench import databases_lists, wrk
from tests.bench.peers import load
from tests.bench.peers.rows import LISTED, make_rows, new_row
from tests.bench.rungs import CONNECTIONS
from tests.databases.places import Place
from tests.support.site import Site
from tests.support.v1 import Project

SECONDS = 5
CHUNK = 1000
DEPTHS = (10, 5_000, 9_900)
RELATED = 100
PROBES = 60
VISITORS, SESSION, UNCACHED, CREATING = (
    "lists of visitors",
    "lists with a session, cached",
    "lists with a session, uncached",
    "creates with a key",
)


@dataclass
class Documents:
    """The figures of this section.

    Attributes:
        runs: ours, by what was asked for and number of connections.
        peers: theirs; those that are not installed say so.
        bulk_per_second: rows created in calls of 1,000.
        depths: median milliseconds of a page behind so many rows.
        plain_ms, related_ms: 100 rows without and with the row that each is related to.
        lists: lists with permissions of rows.
    """

    runs: dict[str, dict[int, wrk.Run]] = field(default_factory=dict)
    peers: list[load.PeerFigures] = field(default_factory=list)
    bulk_per_second: float = 0.0
    depths: dict[int, float] = field(default_factory=dict)
    plain_ms: float = 0.0
    related_ms: float = 0.0
    lists: databases_lists.Lists | None = None


def measure(site: Site, folder: Path, tell: Callable[[str], None]) -> Documents:
    """All of it, one after the other; the peers last."""
    found, place = Documents(), Place(Project(site))
    tell("bulk creates")
    collection = _make_collection(place)
    found.bulk_per_second = _fill(place, collection)
    _load(found, place, collection, tell)
    tell("paging and relationships")
    found.depths = {depth: _page_behind(place, collection, depth) for depth in DEPTHS}
    found.plain_ms, found.related_ms = _with_relationship(place)
    tell("lists with permissions of rows")
    found.lists = databases_lists.measure(site)
    found.peers = load.measure(folder, tell=tell)
    return found


def _make_collection(place: Place) -> str:
    return place.collection(
        {"key": "title", "size": 64},
        {"key": "body", "size": 1000},
        {"key": "number", "kind": "integer"},
    )


def _fill(place: Place, collection: str) -> float:
    """The peers' 10,000 rows through the API; how many a second."""
    rows = [{"title": row.title, "body": row.body, "number": row.number} for row in make_rows()]
    began = time.monotonic()
    for start in range(0, len(rows), CHUNK):
        documents = [
            {"$id": f"n{start + at}", **row} for at, row in enumerate(rows[start:][:CHUNK])
        ]
        made = place.key.post(
            place.documents_of(collection), json={"documents": documents}, timeout=60
        )
        assert made.status_code == httpx.codes.CREATED, made.text
    return len(rows) / (time.monotonic() - began)


def _load(found: Documents, place: Place, collection: str, tell: Callable[[str], None]) -> None:
    site, address = place.project.site, place.documents_of(collection)
    newest = _queries({"method": "orderDesc", "attribute": "$sequence"}, _limit(LISTED))
    unique = '{"method":"notEqual","attribute":"number","values":[-NUMBER]}'
    named = {"X-Appwrite-Project": place.project.id}
    cookies = place.project.sign_up().cookies
    session = named | {"Cookie": "; ".join(f"{name}={value}" for name, value in cookies.items())}
    key = named | {"X-Appwrite-Key": str(place.key.headers["X-Appwrite-Key"])}
    body = json.dumps({"documentId": "unique()", "data": new_row()})
    listing = f"{site.url}{address}?{newest}"
    loads: Mapping[str, tuple[str, dict[str, Any]]] = {
        VISITORS: (listing, {"headers": named}),
        SESSION: (listing, {"headers": session}),
        UNCACHED: (
            f"{listing}&queries[9]={quote(unique)}&total=false",  # the peers count nothing
            {"headers": session, "is_unique": True},
        ),
        CREATING: (f"{site.url}{address}", {"headers": key, "body": body}),
    }
    for name, (url, options) in loads.items():
        wrk.measure(url, 10, 1, **options)
        runs = found.runs.setdefault(name, {})
        for connections in CONNECTIONS:
            tell(f"{name}, {connections:,} connections")
            time.sleep(load.QUIET_S)  # what the load before left unanswered is still worked off
            runs[connections] = wrk.measure(url, connections, SECONDS, **options)


def _limit(count: int) -> dict[str, Any]:
    return {"method": "limit", "values": [count]}


def _queries(*queries: dict[str, Any]) -> str:
    return "&".join(f"queries[{at}]={quote(json.dumps(query))}" for at, query in enumerate(queries))


def _median_ms(place: Place, url: str, queries: Sequence[dict[str, Any]], size: int) -> float:
    """Of requests one after the other, none of which the cache can answer."""
    times = []
    for probe in range(PROBES):
        unlike = {"method": "notEqual", "attribute": "number", "values": [-probe - 1]}
        began = time.perf_counter()
        answer = place.key.get(f"{url}?{_queries(*queries, unlike)}&total=false")
        times.append((time.perf_counter() - began) * 1000)
        assert len(answer.json()["documents"]) == size, answer.text
    return statistics.median(times)


def _page_behind(place: Place, collection: str, depth: int) -> float:
    cursor = {"method": "cursorAfter", "values": [f"n{depth}"]}
    url = place.documents_of(collection)
    return _median_ms(place, url, [cursor, _limit(LISTED)], LISTED)


def _with_relationship(place: Place) -> tuple[float, float]:
    authors, books = _make_collection(place), _make_collection(place)
    made = place.key.post(
        f"{place.at(books)}/attributes/relationship",
        json={"relatedCollectionId": authors, "type": "manyToOne", "key": "author"},
    )
    assert made.status_code == httpx.codes.ACCEPTED, made.text
    place.wait(books)
    for number in range(RELATED):
        place.create(place.key, authors, new_row(), document=f"a{number}")
        place.create(place.key, books, {**new_row(), "author": f"a{number}"})
    selects = (["*"], ["*", "author.*"])
    plain, related = (
        _median_ms(
            place,
            place.documents_of(books),
            [{"method": "select", "values": names}, _limit(RELATED)],
            RELATED,
        )
        for names in selects
    )
    return plain, related


def rows_of(found: Documents) -> Iterator[tuple[str, int, wrk.Run]]:
    """What was loaded, ours and theirs: a name, connections, the figures."""
    for name, runs in found.runs.items():
        for connections, run in runs.items():
            yield name, connections, run
    for peer in found.peers:
        for what, runs in (("lists", peer.listing), ("creates", peer.creating)):
            for connections, run in runs.items():
                yield f"{peer.label}: {what}", connections, run
