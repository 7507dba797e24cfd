"""Loading the peers: the newest ten of 10,000 rows, and one new row."""

import json
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.bench import wrk
from tests.bench.peers.bare import BareFastApi
from tests.bench.peers.parse import ParseServer
from tests.bench.peers.peer import Peer
from tests.bench.peers.pocketbase import PocketBase
from tests.bench.peers.rows import make_rows, new_row
from tests.bench.rungs import CONNECTIONS
from tests.bench.servers import NotAvailable

PEERS: tuple[type[Peer], ...] = (ParseServer, PocketBase, BareFastApi)
SECONDS = 5
WARM_UP_S = 2
QUIET_S = 3


@dataclass
class PeerFigures:
    """One peer's figures by number of connections, or why there are none.

    Attributes:
        name: the class's.
        listing: the newest ten.
        creating: one new row a request.
        idle, after: MB of each of its parts, before the load and after all of it.
        missing: rows that it said it had created and that are not there.
        unavailable: why it was not measured.
    """

    name: str
    label: str
    listing: dict[int, wrk.Run] = field(default_factory=dict)
    creating: dict[int, wrk.Run] = field(default_factory=dict)
    idle: dict[str, float] = field(default_factory=dict)
    after: dict[str, float] = field(default_factory=dict)
    missing: int = 0
    unavailable: str = ""


def measure(
    folder: Path,
    connections: Sequence[int] = CONNECTIONS,
    tell: Callable[[str], None] = lambda _: None,
    kinds: Sequence[type[Peer]] = PEERS,
    seconds: int = SECONDS,
) -> list[PeerFigures]:
    """Every peer, one after the other, each alone.

    Args:
        folder: where theirs are made; keep its path short.
        tell: takes a line of progress.
        seconds: how long each load lasts.
    """
    return [_measure_one(kind, folder, connections, tell, seconds) for kind in kinds]


@contextmanager
def running(kind: type[Peer], folder: Path) -> Iterator[Peer]:
    """A peer with the 10,000 rows, which was seen to list them and to add one.

    Raises:
        NotAvailable: it is not installed here.
    """
    own = folder / kind.__name__.lower()
    own.mkdir()
    peer = kind(own)
    try:
        peer.start()
        peer.fill(make_rows())
        peer.check()
        yield peer
    finally:
        peer.stop()


def load_list(peer: Peer, connections: int, seconds: int = SECONDS) -> wrk.Run:
    """Its newest ten rows."""
    return wrk.measure(peer.list_url, connections, seconds, headers=peer.headers)


def load_create(peer: Peer, connections: int, seconds: int = SECONDS) -> wrk.Run:
    """New rows."""
    body = json.dumps(new_row())
    return wrk.measure(peer.create_url, connections, seconds, headers=peer.headers, body=body)


def _measure_one(
    kind: type[Peer],
    folder: Path,
    connections: Sequence[int],
    tell: Callable[[str], None],
    seconds: int,
) -> PeerFigures:
    figures = PeerFigures(kind.__name__, kind.label)
    tell(f"starting {kind.label}")
    try:
        with running(kind, folder) as peer:
            time.sleep(QUIET_S)
            figures.idle = peer.memory()
            _load(peer, figures, connections, tell, seconds)
            figures.after = peer.memory()
    except NotAvailable as error:
        figures.unavailable = str(error)
        tell(figures.unavailable)
    return figures


def _load(
    peer: Peer,
    figures: PeerFigures,
    connections: Sequence[int],
    tell: Callable[[str], None],
    seconds: int,
) -> None:
    load_list(peer, 10, WARM_UP_S)
    for count in connections:
        tell(f"{peer.label}: the newest ten, {count:,} connections")
        figures.listing[count] = load_list(peer, count, seconds)
    load_create(peer, 10, WARM_UP_S)
    before = peer.count()
    for count in connections:
        tell(f"{peer.label}: creating, {count:,} connections")
        figures.creating[count] = load_create(peer, count, seconds)
    answered = sum(run.requests - run.failures["status"] for run in figures.creating.values())
    figures.missing = max(0, answered - (peer.count() - before))
