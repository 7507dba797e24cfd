"""What was asked of documents, and what came out."""

from collections.abc import Iterator

from tests.bench import databases_lists
from tests.bench.databases import CREATING, DEPTHS, SESSION, UNCACHED, VISITORS, Documents
from tests.bench.peers.load import PeerFigures
from tests.bench.rungs import CONNECTIONS

BARE, PARSE = "BareFastApi", "ParseServer"

Row = tuple[str, str, str, bool]


def targets(found: Documents | None) -> Iterator[Row]:
    """What, what was asked, what was measured, whether it is met."""
    if found is None:
        return
    peers = {peer.name: peer for peer in found.peers if not peer.unavailable}
    for connections in CONNECTIONS:
        yield from _beside(found, peers, connections)
    for name, runs in found.runs.items():
        failed = sum(run.failed for run in runs.values())
        yield f"{name}: failed requests", "0", f"{failed:,}", not failed
    bulk = found.bulk_per_second
    yield "bulk creates, rows a second", "≥ 5,000", f"{bulk:,.0f}", bulk >= 5000
    growth = found.depths[DEPTHS[-1]] / found.depths[DEPTHS[0]]
    yield "a page at the end beside one at the beginning", "flat", f"{growth:.2f} ×", growth < 1.3
    times = found.related_ms / found.plain_ms
    yield "100 rows with a relationship", "≤ 2 ×", f"{times:.2f} ×", times <= 2


def remarks(found: Documents) -> Iterator[str]:
    """What the table of loads does not show."""
    absent = [peer.unavailable for peer in found.peers if peer.unavailable]
    if absent:
        yield f"Not measured (`make bench-peers` installs them): {'; '.join(absent)}."
    depths = ", ".join(f"{depth:,}: {ms:.1f} ms" for depth, ms in found.depths.items())
    yield f"A page behind so many rows, one request after the other: {depths}."
    yield f"100 rows: {found.plain_ms:.1f} ms; with a relationship: {found.related_ms:.1f} ms."
    if found.lists is not None:
        yield databases_lists.show(found.lists)


def _beside(found: Documents, peers: dict[str, PeerFigures], connections: int) -> Iterator[Row]:
    ours = {name: runs[connections].per_second for name, runs in found.runs.items()}
    listing = {name: peer.listing[connections].per_second for name, peer in peers.items()}
    creating = {name: peer.creating[connections].per_second for name, peer in peers.items()}
    at = f"c={connections:,}"
    if listing:
        best = max(listing.values())
        for name, asked in ((VISITORS, 10.0), (SESSION, 1.0)):
            times = ours[name] / best
            yield (
                f"{name} beside the best peer, {at}",
                f"≥ {asked:g} ×",
                f"{times:.1f} ×",
                (times >= asked),
            )
    for name, theirs in ((UNCACHED, listing), (CREATING, creating)):
        for peer, asked in ((PARSE, 1.0), (BARE, 0.6)):
            if peer in theirs:
                times = ours[name] / theirs[peer]
                what = f"{name} beside {peers[peer].label}, {at}"
                yield what, f"≥ {asked:g} ×", f"{times:.2f} ×", times >= asked
