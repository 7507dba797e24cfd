"""``python -m tests.bench.peers``: the peers' figures alone; ``--only`` picks some of them."""

import argparse
import os
import resource
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from tests.bench import wrk
from tests.bench.peers.load import PEERS, SECONDS, PeerFigures, measure


def main() -> None:
    """Measure, print, leave nothing behind."""
    given = _parse_arguments()
    if not shutil.which("wrk"):
        sys.exit("the peers' bench needs wrk: run `make bench-peers` first")
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    kinds = [kind for kind in PEERS if kind.__name__ in given.only]
    print(f"load average before: {os.getloadavg()[0]:.2f}")
    folder = Path(tempfile.mkdtemp(prefix="rb", dir="/tmp"))
    began = time.monotonic()
    try:
        for figures in measure(
            folder,
            tell=lambda text: print(f"{time.monotonic() - began:5.0f} s  {text}", file=sys.stderr),
            kinds=kinds,
            seconds=given.seconds,
        ):
            print("\n".join(_lines(figures)))
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _parse_arguments() -> argparse.Namespace:
    names = [kind.__name__ for kind in PEERS]
    parser = argparse.ArgumentParser(prog="python -m tests.bench.peers")
    parser.add_argument("--only", nargs="+", choices=names, default=names)
    parser.add_argument("--seconds", type=int, default=SECONDS, help="how long each load lasts")
    return parser.parse_args()


def _lines(figures: PeerFigures) -> Iterator[str]:
    yield f"\n{figures.label}"
    if figures.unavailable:
        yield f"  {figures.unavailable}"
        return
    for what, runs in (("list", figures.listing), ("create", figures.creating)):
        for connections, run in runs.items():
            yield f"  {what:6} c={connections:<4} {_text(run)}"
    yield f"  memory in MB: idle {figures.idle}, after {figures.after}"
    yield f"  rows said to be created that are not there: {figures.missing}"


def _text(run: wrk.Run) -> str:
    failures = ", ".join(f"{count:,} {kind}" for kind, count in run.failures.items() if count)
    return (
        f"{run.per_second:7,.0f}/s  p50 {run.p50_ms:,.1f}  p95 {run.p95_ms:,.1f}  "
        f"p99 {run.p99_ms:,.1f} ms  failed {run.failed:,}{failures and f' ({failures})'}"
    )


if __name__ == "__main__":
    main()
