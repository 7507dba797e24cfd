"""kill -9 of every process of the site, one at a time, under light load."""

import time
from collections.abc import Iterator

import psutil
import pytest

from tests.load.clients import Crowd, Visitor, poll
from tests.load.processes import kill
from tests.support.site import Site

pytestmark = pytest.mark.load

WELL_WITHIN_S = 5
SWEPT_WITHIN_S = 6


@pytest.fixture
def crowd(site: Site) -> Iterator[Crowd]:
    """Four readers and a writer, whose accepted writes are read at once and exist at the end."""
    with Crowd(site.port).running() as crowd:
        poll(lambda: len(crowd.accepted) > 5)
        yield crowd
    rows = site.sql("SELECT id, content FROM todos")
    kept = {(row["id"], row["content"]) for row in rows}
    assert set(crowd.accepted) <= kept
    assert crowd.stale == []
    poll(lambda: Visitor(site.port).board()["total"] == len(rows), wait_s=2)


@pytest.mark.parametrize(
    ("program", "place"),
    [
        pytest.param("web", 1, id="web-worker"),
        pytest.param("web", 0, id="web-master"),
        pytest.param("worker-short", 0, id="worker-short"),
        pytest.param("cache", 0, id="cache"),
        pytest.param("broker", 0, id="broker"),
        pytest.param("scheduler", 0, id="scheduler"),
        pytest.param("nginx", 1, id="nginx-worker"),
        pytest.param("nginx", 0, id="nginx-master"),
    ],
)
def test_site_is_well_again(site: Site, crowd: Crowd, program: str, place: int) -> None:
    """Reads and writes succeed again within 5 s, the whole family is back, jobs are swept.

    ``place`` 0 is the process that supervisor started, 1 its first child.
    """
    family = site.pids(program)
    began = time.monotonic()
    kill(family[place])
    # Orphans of a killed master serve on for a second, so a calm crowd alone proves nothing yet.
    poll(lambda: is_back(site, program, family, family[place]), WELL_WITHIN_S)
    seconds = crowd.recovered_after(began, WELL_WITHIN_S)
    print(f"{program}: well after {seconds:.2f} s, {len(crowd.failures)} failures")
    assert seconds < WELL_WITHIN_S
    assert_lost_job_is_swept(site)


def is_back(site: Site, program: str, family: list[int], killed: int) -> bool:
    """Whether the program has as many processes as before, without the killed one."""
    try:
        pids = site.pids(program)
    except psutil.NoSuchProcess:
        return False
    return len(pids) == len(family) and killed not in pids


def assert_lost_job_is_swept(site: Site) -> None:
    """A job whose message was never sent is found, sent and run: scheduler, broker and both
    pools of workers are at work."""
    with site.client() as client:
        job = client.post("/api/todo/export", json={"format": "csv"}).json()
        site.sql(
            "UPDATE jobs SET sent_at = NULL WHERE public_id = :id AND status = 'queued'",
            id=job["id"],
        )
    began = time.monotonic()
    assert site.wait_for_job(job["id"])["status"] == "finished"
    assert time.monotonic() - began < SWEPT_WITHIN_S + WELL_WITHIN_S
