"""kill -9 of what imports documents: every record ends in the collection exactly once, and the job
never says more, or less, than what is there."""

import csv
import io
import json
from collections.abc import Callable
from typing import Any

import pytest

from raindrop.databases.importing import BATCH
from tests.databases.places import Place
from tests.databases.test_transfers import send
from tests.load.clients import poll
from tests.load.processes import kill
from tests.support.site import Site
from tests.support.v1 import Project

pytestmark = pytest.mark.load

RECORDS = 12_000
EVERY = 1000
"""One record in so many cannot be imported."""
BAD = RECORDS // EVERY
KILLS = 2
TAKEN_OVER_WITHIN_S = 25


@pytest.mark.parametrize("file_format", ["csv", "jsonl"])
@pytest.mark.parametrize(
    "choose",
    [
        pytest.param(lambda pids: pids[1:], id="child"),
        pytest.param(lambda pids: pids, id="whole-worker"),
    ],
)
def test_every_record_is_there_once(
    running_site: Site, file_format: str, choose: Callable[[list[int]], list[int]]
) -> None:
    place = Place(Project(running_site))
    things = place.collection({"key": "title"}, {"key": "size", "kind": "integer"})
    number = running_site.sql("SELECT id FROM collections WHERE public_id = :id", id=things)[0]
    table = f"c_{number['id']}"
    began = send(place, things, f"many.{file_format}", written(file_format))
    assert began.status_code == 202, began.text
    job_id = began.json()["id"]
    family = running_site.pids("worker-long")
    imported = 0
    for _ in range(KILLS):
        before = imported + BATCH
        poll(
            lambda before=before: told(running_site, job_id, table)[0] > before,  # type: ignore[misc]
            TAKEN_OVER_WITHIN_S,
        )
        kill(*choose(running_site.pids("worker-long")))
        imported, there = told(running_site, job_id, table)
        assert imported == there
        assert 0 < imported < RECORDS - BAD
    job = running_site.wait_for_job(job_id, 60)
    assert job["status"] == "finished", job
    assert job["attempts"] >= 1 + KILLS
    result = job["result"]
    rejections = result.pop("rejections")
    good = RECORDS - BAD
    assert result == {"imported": good, "overwritten": 0, "skipped": 0, "rejected": BAD}
    first = 2 if file_format == "csv" else 1
    assert [each["line"] for each in rejections] == [first + EVERY * n for n in range(BAD)]
    assert job["progress"]["done"] == job["progress"]["total"]
    assert told(running_site, job_id, table) == (good, good)
    column = running_site.sql(
        "SELECT id FROM attributes WHERE collection_id = :id AND `key` = 'size'", id=number["id"]
    )[0]["id"]
    sizes = running_site.sql(f"SELECT a_{column} AS size, _id FROM {table} ORDER BY _id")
    assert [row["size"] for row in sizes] == [n for n in range(RECORDS) if n % EVERY]
    assert entries_of(running_site, table) == good
    events = running_site.sql(
        "SELECT COUNT(*) AS events_, COUNT(DISTINCT name) AS names_ FROM events"
        " WHERE name LIKE :name",
        name=f"databases.%.collections.{things}.documents.%.create",
    )[0]
    assert (events["events_"], events["names_"]) == (good, good)
    poll(lambda: len(running_site.pids("worker-long")) == len(family))


def written(file_format: str) -> bytes:
    """Records without ids, so that one that is imported twice is there twice."""
    records: list[dict[str, Any]] = [
        {"title": f"record {n}", "size": n if n % EVERY else "none"} for n in range(RECORDS)
    ]
    for record in records:
        record["$permissions"] = '["read(\\"any\\")"]' if file_format == "csv" else ['read("any")']
    if file_format == "jsonl":
        return "".join(json.dumps(record) + "\n" for record in records).encode()
    text = io.StringIO(newline="")
    table = csv.DictWriter(text, ["title", "size", "$permissions"])
    table.writeheader()
    table.writerows(records)
    return text.getvalue().encode()


def told(site: Site, job_id: str, table: str) -> tuple[int, int]:
    """How many documents are imported as the job has it, and how many there are: at one moment."""
    row = site.sql(
        f"SELECT checkpoint, (SELECT COUNT(*) FROM {table}) AS there FROM jobs"
        " WHERE public_id = :id",
        id=job_id,
    )[0]
    return int(json.loads(row["checkpoint"]).get("imported", 0)), int(row["there"])


def entries_of(site: Site, table: str) -> int:
    """How many of the rows are in the table of permissions."""
    query = f"SELECT COUNT(DISTINCT row_id) AS rows_, COUNT(*) AS all_ FROM {table}_p"
    row = site.sql(query)[0]
    assert row["rows_"] == row["all_"]
    return int(row["all_"])
