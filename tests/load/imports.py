"""Large imports."""

import time
from typing import Any

from tests.support.site import Site

LINES = 60_000
WIDTH = 64
"""Of a line in bytes: 60,000 of them are just under the limit of a file."""


def start_import(site: Site) -> str:
    """Upload a file of as many different lines as it may hold; the job's id."""
    lines = (f"imported line {number:06} {'.' * WIDTH}"[: WIDTH - 1] for number in range(LINES))
    data = ("\n".join(lines) + "\n").encode()
    with site.client() as client:
        answer = client.post("/api/todo/import", files={"file": ("many.csv", data, "text/csv")})
    assert answer.status_code == 202, answer.text
    job_id: str = answer.json()["id"]
    return job_id


def wait_until_running(site: Site, job_id: str, done: int = 2000, wait_s: float = 20) -> None:
    """Wait until a part of it is imported, and not all."""
    deadline = time.monotonic() + wait_s
    while True:
        job = site.sql("SELECT done, status FROM jobs WHERE public_id = :id", id=job_id)[0]
        if job["status"] == "started" and job["done"] >= done:
            assert job["done"] < LINES
            return
        assert time.monotonic() < deadline, job
        time.sleep(0.02)


def assert_imported_once(site: Site, job: dict[str, Any]) -> None:
    """Every line is on the board exactly once, and the job says so."""
    assert job["status"] == "finished", job
    assert job["result"] == {"imported": LINES, "rejected": 0, "rejections": []}
    assert job["progress"] == {"done": LINES, "total": LINES}
    counted = site.sql(
        "SELECT COUNT(*) AS lines_, COUNT(DISTINCT content) AS distinct_ FROM todos "
        "WHERE content LIKE 'imported line %'"
    )[0]
    assert (counted["lines_"], counted["distinct_"]) == (LINES, LINES)
