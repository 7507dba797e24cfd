"""Jobs: claim, lease, redelivery, cancel, retry, the sweeper, retention."""

import os
import signal
import time
from typing import Any

import httpx
import pytest
from flask import Flask

from raindrop.core.db import unit_of_work
from raindrop.jobs.runner import MAX_ATTEMPTS
from raindrop.jobs.service import create_job
from tests.support.app import app_of
from tests.support.checks import assert_error
from tests.support.site import Site

UNKNOWN = "A" * 22
LONG_AGO = "2020-01-01 00:00:00.000000"
FAR = "2100-01-01 00:00:00.000000"


@pytest.fixture
def app(site: Site) -> Flask:
    """An app of this process over the same database and queue."""
    return app_of(site)


def start_export(client: httpx.Client) -> str:
    return client.post("/api/todo/export", json={"format": "csv"}).json()["id"]


def queue_job(app: Flask) -> tuple[int, str]:
    """Create a job that exports the board, as a service would."""
    with app.app_context(), unit_of_work():
        job = create_job("todos.export", queue="exports", params={"format": "csv"})
        return job.id, job.public_id


def in_state(site: Site, public_id: str, **columns: object) -> None:
    """Put a job into a state that only an accident leads to."""
    changes = ", ".join(f"{column} = :{column}" for column in columns)
    site.sql(f"UPDATE jobs SET {changes} WHERE public_id = :public_id", public_id=public_id,
             **columns)  # fmt: skip


def row(site: Site, public_id: str) -> dict[str, Any]:
    return dict(site.sql("SELECT * FROM jobs WHERE public_id = :id", id=public_id)[0])


@pytest.mark.parametrize(
    "method_and_path", ["GET {id}", "POST {id}/cancel", "POST {id}/retry", "GET {id}/file"]
)
@pytest.mark.parametrize("job_id", [UNKNOWN, "1", "x" * 32])
def test_unknown_job(client: httpx.Client, method_and_path: str, job_id: str) -> None:
    method, path = method_and_path.format(id=job_id).split()
    assert_error(client.request(method, f"/api/jobs/{path}"), 404, "job_not_found")


@pytest.mark.parametrize("job_id", ["x" * 33, "a.b", "%20", "'"])
def test_malformed_id(client: httpx.Client, job_id: str) -> None:
    assert_error(client.get(f"/api/jobs/{job_id}"), 400, "general_argument_invalid")


def test_ids_are_random_and_long(client: httpx.Client) -> None:
    ids = {start_export(client) for _ in range(5)}
    assert len(ids) == 5
    assert all(len(job_id) == 22 for job_id in ids)


def test_there_is_no_list_for_everybody(client: httpx.Client) -> None:
    assert_error(client.get("/api/jobs"), 404, "general_route_not_found")


def test_ended_job_can_neither_be_canceled_nor_repeated(site: Site, client: httpx.Client) -> None:
    job_id = start_export(client)
    site.wait_for_job(job_id)
    assert_error(client.post(f"/api/jobs/{job_id}/cancel"), 409, "job_state_conflict")
    assert_error(client.post(f"/api/jobs/{job_id}/retry"), 409, "job_state_conflict")


def schedule_job(site: Site, client: httpx.Client, run_at: str) -> str:
    """A job that has been put off to a time."""
    job_id = start_export(client)
    site.wait_for_job(job_id)
    site.sql("DELETE FROM job_file_chunks")
    site.sql("DELETE FROM job_files")
    in_state(site, job_id, status="scheduled", run_at=run_at, finished_at=None, checkpoint="{}",
             sent_at=None)  # fmt: skip
    return job_id


def test_scheduled_job_waits_for_its_time(site: Site, client: httpx.Client) -> None:
    job_id = schedule_job(site, client, FAR)
    time.sleep(3)
    assert client.get(f"/api/jobs/{job_id}").json()["status"] == "scheduled"
    in_state(site, job_id, run_at=LONG_AGO)
    assert site.wait_for_job(job_id)["status"] == "finished"


def test_waiting_job_is_canceled_at_once_and_retried(site: Site, client: httpx.Client) -> None:
    job_id = schedule_job(site, client, FAR)
    canceled = client.post(f"/api/jobs/{job_id}/cancel")
    assert canceled.status_code == 200
    assert canceled.json()["status"] == "canceled"
    assert canceled.json()["finished_at"]
    retried = client.post(f"/api/jobs/{job_id}/retry")
    assert retried.json()["status"] in ("queued", "started", "finished")
    assert site.wait_for_job(job_id)["status"] == "finished"


def test_running_job_is_canceled_at_its_next_step(site: Site, client: httpx.Client) -> None:
    rows = "".join(f"number {number}\n" for number in range(60_000)).encode()
    job_id = client.post("/api/todo/import", files={"file": ("x.csv", rows)}).json()["id"]
    deadline = time.monotonic() + 20
    while client.get(f"/api/jobs/{job_id}").json()["progress"]["done"] == 0:
        assert time.monotonic() < deadline
    client.post(f"/api/jobs/{job_id}/cancel")
    job = site.wait_for_job(job_id)
    assert job["status"] == "canceled"
    imported = client.get("/api/todo").json()["total"]
    assert 0 < imported < 60_000
    client.post(f"/api/jobs/{job_id}/retry")
    assert site.wait_for_job(job_id, wait_s=150)["status"] == "finished"
    counts = site.sql("SELECT count(*) AS n, count(DISTINCT content) AS d FROM todos")[0]
    assert (counts["n"], counts["d"]) == (60_000, 60_000)


def test_second_delivery_finds_nothing_to_claim(
    site: Site, app: Flask, client: httpx.Client
) -> None:
    from raindrop.jobs.runner import run_job

    job_id, public_id = queue_job(app)
    site.wait_for_job(public_id)
    before = row(site, public_id)
    with app.app_context():
        run_job(job_id)
    assert row(site, public_id) == before


def test_delivery_under_a_live_lease_is_dropped(site: Site, app: Flask) -> None:
    from raindrop.core.db import utc_now
    from raindrop.jobs.runner import run_job

    job_id, public_id = queue_job(app)
    site.wait_for_job(public_id)
    alive = utc_now().replace(year=2100, tzinfo=None)
    in_state(site, public_id, status="started", lease_token="other", lease_expires_at=str(alive))
    with app.app_context():
        run_job(job_id)
    assert row(site, public_id)["lease_token"] == "other"
    assert row(site, public_id)["attempts"] == 1


def test_job_of_a_dead_worker_is_taken_over(site: Site, app: Flask, client: httpx.Client) -> None:
    _, job_id = queue_job(app)
    site.wait_for_job(job_id)
    past = LONG_AGO
    in_state(site, job_id, status="started", lease_token="dead", lease_expires_at=past,
             sent_at=past, checkpoint="{}", finished_at=None)  # fmt: skip
    site.sql("DELETE FROM job_files")
    job = site.wait_for_job(job_id)
    assert job["status"] == "finished"
    assert job["attempts"] == 2


def test_lost_message_is_sent_again(site: Site, app: Flask) -> None:
    _, job_id = queue_job(app)
    site.wait_for_job(job_id)
    in_state(site, job_id, status="queued", sent_at=None, checkpoint="{}", finished_at=None)
    site.sql("DELETE FROM job_files")
    assert site.wait_for_job(job_id)["status"] == "finished"


def test_lost_message_behind_others_is_sent_again_too(site: Site, app: Flask) -> None:
    """The queue is never empty here: its worker stands still."""
    worker = site.pids("worker-long")
    _, first = queue_job(app)
    site.wait_for_job(first)
    for pid in worker:
        os.kill(pid, signal.SIGSTOP)
    try:
        in_state(site, first, status="queued", sent_at=LONG_AGO, run_at=LONG_AGO,
                 finished_at=None)  # fmt: skip
        queue_job(app)
        deadline = time.monotonic() + 15
        while str(row(site, first)["sent_at"]).startswith("2020"):
            assert time.monotonic() < deadline
            time.sleep(0.1)
    finally:
        for pid in worker:
            os.kill(pid, signal.SIGCONT)


def test_job_that_kills_its_workers_is_given_up(site: Site, app: Flask) -> None:
    _, job_id = queue_job(app)
    site.wait_for_job(job_id)
    past = LONG_AGO
    in_state(site, job_id, status="started", fruitless_attempts=MAX_ATTEMPTS, lease_token="dead",
             lease_expires_at=past, sent_at=past, finished_at=None)  # fmt: skip
    job = site.wait_for_job(job_id)
    assert job["status"] == "failed"
    assert "died" in job["error"]["message"]


def test_failed_job_says_why(site: Site, app: Flask, client: httpx.Client) -> None:
    with app.app_context(), unit_of_work():
        job_id = create_job("todos.import", queue="imports", params={"format": "csv"}).public_id
    job = site.wait_for_job(job_id)
    assert job["status"] == "failed"
    assert job["error"] == {"type": "job_failed", "message": "The file of this job is gone."}
    assert job["log"][-1]["level"] == "error"


def test_unexpected_failure_tells_nothing_of_the_inside(site: Site, app: Flask) -> None:
    with app.app_context(), unit_of_work():
        job_id = create_job("todos.export", queue="exports", params={}).public_id
    job = site.wait_for_job(job_id)
    assert job["status"] == "failed"
    assert job["error"]["type"] == "general_unknown"
    assert "KeyError" not in str(job)


def test_ended_jobs_go_after_their_retention(site: Site, app: Flask) -> None:
    from raindrop.jobs.tasks import delete_old

    _, old = queue_job(app)
    _, new = queue_job(app)
    for job_id in (old, new):
        site.wait_for_job(job_id)
    in_state(site, old, finished_at=LONG_AGO)
    with app.app_context():
        delete_old()
    assert [job["public_id"] for job in site.sql("SELECT public_id FROM jobs")] == [new]
    assert len(site.sql("SELECT id FROM job_files")) == 1


def test_without_the_queue_requests_do_not_wait_for_it(site: Site, client: httpx.Client) -> None:
    """What is accepted meanwhile begins when the queue is back."""
    supervisor = site.supervisor()
    supervisor.stopProcess("broker")
    try:
        began = time.monotonic()
        for number in range(5):
            added = client.post("/api/todo", data={"content": f"to-do {number}"})
            assert added.status_code == 201
        job_id = start_export(client)
        assert time.monotonic() - began < 3
    finally:
        supervisor.startProcess("broker")
    assert site.wait_for_job(job_id)["status"] == "finished"
