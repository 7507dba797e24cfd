"""kill -9 of what runs an import: it ends with every line exactly once."""

import time
from collections.abc import Callable

import pytest

from raindrop.todos.tasks import IMPORT_BATCH
from tests.load.clients import Crowd, poll
from tests.load.imports import assert_imported_once, start_import, wait_until_running
from tests.load.processes import kill
from tests.support.site import Site

pytestmark = pytest.mark.load

TAKEN_OVER_WITHIN_S = 20
"""The lease (3 s here), the ten seconds after which a sent message counts as lost, a sweep."""


@pytest.mark.parametrize(
    "choose",
    [
        pytest.param(lambda pids: pids[1:], id="child"),
        pytest.param(lambda pids: pids, id="whole-worker"),
    ],
)
def test_import_survives(site: Site, choose: Callable[[list[int]], list[int]]) -> None:
    """Another attempt goes on after the last committed batch; the page is answered meanwhile."""
    with Crowd(site.port, readers=1).running() as crowd:
        job_id = start_import(site)
        wait_until_running(site, job_id)
        family = site.pids("worker-long")
        killed = time.monotonic()
        kill(*choose(family))
        done = lines_done(site, job_id)
        # More than a batch that was under way when the worker was killed.
        poll(lambda: lines_done(site, job_id) > done + IMPORT_BATCH, TAKEN_OVER_WITHIN_S)
        resumed_s = time.monotonic() - killed
        job = site.wait_for_job(job_id, 90)
        seconds = time.monotonic() - killed
    print(f"goes on after {resumed_s:.1f} s, ends after {seconds:.1f} s")
    assert_imported_once(site, job)
    assert job["attempts"] >= 2
    assert crowd.failures == []
    assert crowd.stale == []
    ids = {row["id"] for row in site.sql("SELECT id FROM todos WHERE content LIKE 'crowd %'")}
    assert {todo_id for todo_id, _ in crowd.accepted} == ids
    poll(lambda: is_whole(site, family))


def lines_done(site: Site, job_id: str) -> int:
    """How many lines the job says are imported."""
    done: int = site.sql("SELECT done FROM jobs WHERE public_id = :id", id=job_id)[0]["done"]
    return done


def is_whole(site: Site, family: list[int]) -> bool:
    """Whether the worker has its processes again."""
    return len(site.pids("worker-long")) == len(family)
