"""Writes through nginx, reads the board back at once, and counts reads that are out of date.

Run beside the load, as a process of its own: ``python -m tests.bench.checker PORT SECONDS``.
"""

import http.client
import json
import sys
import time
from concurrent.futures import ThreadPoolExecutor

WRITERS = 2
PAUSE_S = 0.02
"""Between two pairs: what checks must not be the load."""

PAGE_SIZE, LAST_START, READS = 10, 90, 5
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


def check(port: int, seconds: float) -> dict[str, int]:
    """Write and read for so long; how many pairs, and what came of them."""
    counts = dict.fromkeys(("pairs", "stale", "overtaken", "failed"), 0)
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            outcome = _pair(connection)
        except (OSError, http.client.HTTPException, ValueError, KeyError):
            connection.close()
            outcome = "failed"
        counts["pairs"] += 1
        if outcome:
            counts[outcome] += 1
        time.sleep(PAUSE_S)
    return counts


def _pair(connection: http.client.HTTPConnection) -> str:
    """Write, then read the page that should hold what was written.

    Others add meanwhile and nobody deletes, so it moves to later pages. A page is a run of the
    board: what it passes over is not on the board that this page was made of. ``overtaken``: it
    moved beyond the pages that are kept, so nothing is known.
    """
    connection.request("POST", "/api/todo", "content=a+check", FORM)
    written = json.load(connection.getresponse())["id"]
    start = 0
    for _ in range(READS):
        connection.request("GET", f"/api/todo?start={start}")
        shown = [todo["id"] for todo in json.load(connection.getresponse())["data"]]
        if written in shown:
            return ""
        if shown[-1] < written and (start == 0 or written < shown[0]):
            return "stale"
        start = max(0, (start + shown[0] - written) // PAGE_SIZE * PAGE_SIZE)
        if start > LAST_START:
            break
    return "overtaken"


def main() -> None:
    """Check with a few writers at once and print the sums."""
    port, seconds = int(sys.argv[1]), float(sys.argv[2])
    with ThreadPoolExecutor(WRITERS) as pool:
        counts = list(pool.map(lambda _: check(port, seconds), range(WRITERS)))
    print(json.dumps({name: sum(each[name] for each in counts) for name in counts[0]}))


if __name__ == "__main__":
    main()
