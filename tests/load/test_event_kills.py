"""Every event has its effect, once, whoever is killed between its commit and its delivery."""

import http.client
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.load.clients import Visitor, poll
from tests.load.processes import kill
from tests.support.site import Site
from tests.support.v1 import Project, new_email

pytestmark = pytest.mark.load

WRITERS = 3
ROUNDS = 3
SETTLED_WITHIN_S = 60
"""A delivery whose task was lost is sent again after 15 s; the killed worker must start first."""
SWEPT_WITHIN_S = 6


@contextmanager
def writing(site: Site, project: Project) -> Iterator[list[str]]:
    """Writers that make users all the time; the ids of those that were answered 201."""
    key = project.key().headers["X-Appwrite-Key"]
    headers = {"X-Appwrite-Project": project.id, "X-Appwrite-Key": key}
    made: list[str] = []
    is_over = threading.Event()

    def write() -> None:
        visitor = Visitor(site.port)
        while not is_over.is_set():
            body = {"userId": "unique()", "email": new_email()}
            try:
                answer = visitor.ask("POST", "/v1/users", body, headers)
            except (OSError, http.client.HTTPException):
                time.sleep(0.05)
                continue
            if answer.status == 201:
                made.append(answer.json()["$id"])
            else:
                assert answer.status in (502, 503), answer
                time.sleep(0.05)

    writers = [threading.Thread(target=write) for _ in range(WRITERS)]
    for writer in writers:
        writer.start()
    yield made
    is_over.set()
    for writer in writers:
        writer.join()


def test_every_event_has_one_line_whoever_is_killed(site: Site) -> None:
    """Web workers, the worker of short tasks and the broker's content go while users are made."""
    project = Project(site)
    with writing(site, project) as made:
        for _ in range(ROUNDS):
            grow(made)
            kill(site.pids("web")[1])
            grow(made)
            kill(site.pids("worker-short")[-1])
            grow(made)
            site.broker.flushall()
            grow(made)
            kill(*site.pids("worker-short"))
            kill(*site.pids("web"))
    began = time.monotonic()
    poll(lambda: is_settled(site), SETTLED_WITHIN_S, step_s=0.2)
    print(f"{len(made)} users, settled after {time.monotonic() - began:.1f} s")

    events = site.sql(
        "SELECT e.id, e.name, count(a.id) AS kept FROM events e LEFT JOIN audits a"
        " ON a.event_id = e.id WHERE e.project_id = :id GROUP BY e.id, e.name",
        id=project.number,
    )
    assert {row["kept"] for row in events} == {1}
    users = site.sql("SELECT public_id FROM users WHERE project_id = :id", id=project.number)
    created = sorted(f"users.{row['public_id']}.create" for row in users)
    assert sorted(row["name"] for row in events) == created
    assert {f"users.{user}.create" for user in made} <= set(created)


def grow(made: list[str]) -> None:
    """Wait until some more were made."""
    wanted = len(made) + 10
    poll(lambda: len(made) >= wanted, wait_s=30)


def is_settled(site: Site) -> bool:
    """Whether nothing waits."""
    waiting = site.sql(
        "SELECT (SELECT count(*) FROM events WHERE state = 0) AS new,"
        " (SELECT count(*) FROM event_deliveries) AS undelivered"
    )[0]
    return waiting["new"] == 0 and waiting["undelivered"] == 0


def test_an_event_that_nobody_was_told_of(site: Site) -> None:
    """A writer that died right after its commit: the event is dispatched all the same, and what
    readers cached before is dropped."""
    project = Project(site)
    ann = project.sign_up(name="Ann")
    user = ann.get("/v1/account").json()["$id"]
    poll(lambda: is_settled(site))
    site.sql("UPDATE users SET name = 'Zoe' WHERE public_id = :id", id=user)
    assert ann.get("/v1/account").json()["name"] == "Ann"  # from the cache
    site.sql(
        "INSERT INTO events (project_id, name, resource, payload, origin, dropped_tags, state,"
        " created_at) VALUES (:project, :name, :resource, '{}', :origin, :tags, 0,"
        " UTC_TIMESTAMP(3))",
        project=project.number,
        name=f"users.{user}.update.name",
        resource=f"user/{user}",
        origin=json.dumps({"mode": "system"}),
        tags=json.dumps([f"user:{project.id}:{user}"]),
    )
    began = time.monotonic()
    poll(lambda: ann.get("/v1/account").json()["name"] == "Zoe", SWEPT_WITHIN_S, step_s=0.1)
    kept = "SELECT id FROM audits WHERE event = :name"
    poll(lambda: site.sql(kept, name=f"users.{user}.update.name"), SWEPT_WITHIN_S)
    print(f"after {time.monotonic() - began:.1f} s")
