"""A large import takes no more memory than a small one, tells how far it is, and has its limit."""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import psutil
import pytest

from raindrop.core.formats import IMPORT_LIMIT_BYTES
from tests.databases.places import Place
from tests.databases.test_transfers import run_import, send
from tests.support.site import Site
from tests.support.v1 import Project

pytestmark = pytest.mark.load

MB = 1024 * 1024
TITLE = 2000
GROWTH_MAX_BYTES = 20 * MB
"""Of any process, beyond what it had after a small import: about ten of its batches, and a part
of the file only."""
WITHIN_S = 80
STEPS_MIN = 10
"""Different amounts of progress that somebody sees who looks ten times a second."""


@pytest.fixture(scope="module")
def place(running_site: Site) -> Place:
    return Place(Project(running_site))


@pytest.fixture(scope="module")
def things(place: Place) -> str:
    things = place.collection(
        {"key": "title", "size": TITLE + 50}, {"key": "size", "kind": "integer"}
    )
    for file_format in ("jsonl", "csv"):
        run_import(place, things, f"few.{file_format}", written(file_format, 2 * MB)[0])
    return things


def written(file_format: str, size_bytes: int) -> tuple[bytes, int]:
    """A file of records of about 2 kB, of just so many bytes, the last of which are spaces; how
    many records."""
    header = b"title,size\r\n" if file_format == "csv" else b""
    made, size, count = [header], len(header), 0
    while True:
        title = f"{count:08} ".ljust(TITLE, "x")
        line = (
            f"{title},{count}\r\n" if header else json.dumps({"title": title, "size": count}) + "\n"
        )
        if size + len(line) > size_bytes:
            break
        made.append(line.encode())
        size, count = size + len(line), count + 1
    return b"".join(made) + b" " * (size_bytes - size), count


@contextmanager
def watched(*pids: int) -> Iterator[dict[int, int]]:
    """By how many bytes each of some processes grew at most, at the end of the block."""
    before = {pid: psutil.Process(pid).memory_info().rss for pid in pids}
    grown = dict.fromkeys(pids, 0)
    is_over = threading.Event()

    def watch() -> None:
        while not is_over.wait(0.1):
            for pid in pids:
                now = psutil.Process(pid).memory_info().rss
                grown[pid] = max(grown[pid], now - before[pid])

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield grown
    finally:
        is_over.set()
        thread.join()


@pytest.mark.parametrize(("file_format", "size_mb"), [("jsonl", 50), ("csv", 20)])
def test_memory_is_bounded_and_progress_is_told(
    place: Place, things: str, file_format: str, size_mb: int
) -> None:
    site, size_bytes = place.project.site, size_mb * MB
    data, count = written(file_format, size_bytes)
    seen: list[int] = []
    began = time.monotonic()
    with watched(*site.pids("worker-long"), *site.pids("web")) as grown, site.client() as client:
        answer = send(place, things, f"many.{file_format}", data)
        assert answer.status_code == 202, answer.text
        url = f"/api/jobs/{answer.json()['id']}"
        while (job := client.get(url).json())["status"] not in ("finished", "failed"):
            assert time.monotonic() < began + WITHIN_S, job
            seen.append(job["progress"]["done"])
            time.sleep(0.1)
    seconds = time.monotonic() - began
    mb = sorted((each >> 20 for each in grown.values()), reverse=True)
    print(f"{count} records, {count / seconds:.0f}/s; processes grew by {mb} MB")
    assert job["status"] == "finished", job
    assert job["result"]["imported"] == count
    assert job["progress"] == {"done": size_bytes, "total": size_bytes}
    assert seen == sorted(seen)
    assert len(set(seen)) >= STEPS_MIN
    assert max(grown.values()) < GROWTH_MAX_BYTES


def test_one_byte_over_the_limit(place: Place, things: str) -> None:
    site = place.project.site
    jobs = "SELECT COUNT(*) AS count_ FROM jobs"
    before = site.sql(jobs)[0]["count_"]
    with watched(*site.pids("web")) as grown:
        refused = send(place, things, "d.csv", b"x" * (IMPORT_LIMIT_BYTES + 1))
    error = refused.json()
    assert (refused.status_code, error["type"]) == (413, "general_payload_too_large")
    assert error["message"] == "The file is over the limit of 100 MB."
    assert site.sql(jobs)[0]["count_"] == before
    assert max(grown.values()) < GROWTH_MAX_BYTES
