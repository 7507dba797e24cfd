"""A long import delays nothing short and no reader."""

import time
from statistics import quantiles

import pytest

from tests.load.clients import Crowd, poll
from tests.load.imports import LINES, assert_imported_once, start_import, wait_until_running
from tests.support.site import Site

pytestmark = pytest.mark.load

SWEPT_WITHIN_S = 5
ANSWERED_WITHIN_S = 0.5
"""Of 95 in a hundred turns; a turn of the writer is a write and a read."""


def test_long_import_is_in_nobodys_way(site: Site) -> None:
    """A lost job is found by the short pool while the import runs, and every request answered."""
    with Crowd(site.port).running() as crowd:
        began = time.monotonic()
        job_id = start_import(site)
        wait_until_running(site, job_id)
        lose_an_export(site)
        swept_after = time.monotonic()
        poll(lambda: is_export_sent(site), SWEPT_WITHIN_S)
        swept_after = time.monotonic() - swept_after
        job = site.sql("SELECT done, status FROM jobs WHERE public_id = :id", id=job_id)[0]
        assert job["status"] == "started"
        assert job["done"] < LINES
        ended = site.wait_for_job(job_id, 90)
        seconds = time.monotonic() - began
    slow_s = quantiles(crowd.seconds, n=20)[-1]
    print(
        f"{LINES / seconds:.0f} lines/s; swept after {swept_after:.1f} s; "
        f"{len(crowd.accepted)} writes, p95 {slow_s:.3f} s, max {max(crowd.seconds):.2f} s"
    )
    assert_imported_once(site, ended)
    assert crowd.failures == []
    assert crowd.stale == []
    assert slow_s < ANSWERED_WITHIN_S


def lose_an_export(site: Site) -> None:
    """A job whose row was committed and whose message was never sent."""
    site.sql(
        "INSERT INTO jobs (public_id, kind, queue, status, params, checkpoint, done, attempts, "
        "fruitless_attempts, is_cancel_requested, run_at, created_at) VALUES ('lost', "
        "'todos.export', 'exports', "
        """'queued', '{"format": "csv"}', '{}', 0, 0, 0, 0, UTC_TIMESTAMP(3), UTC_TIMESTAMP(3))"""
    )


def is_export_sent(site: Site) -> bool:
    """Whether the sweeper has sent the lost job."""
    rows = site.sql("SELECT sent_at FROM jobs WHERE public_id = 'lost'")
    return rows[0]["sent_at"] is not None
