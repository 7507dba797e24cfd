"""Transactions whose time is over: refused at once, shown for an hour, then swept."""

import datetime

import pytest

from raindrop.core.formats import new_id
from raindrop.databases.tasks import SWEEP_BATCH
from raindrop.databases.transactions import KEPT
from tests.accounts.test_session_life import send_task
from tests.databases.places import Place, eventually
from tests.databases.test_transactions import at, begin, create, events_of, finish
from tests.support.site import Site
from tests.support.v1 import Project, error_of

pytestmark = pytest.mark.contract


@pytest.fixture(scope="module", params=["databases", "tablesdb"])
def place(running_site: Site, request: pytest.FixtureRequest) -> Place:
    return Place(Project(running_site), request.param)


@pytest.fixture(scope="module")
def things(place: Place) -> str:
    return place.collection({"key": "title", "required": True})


def expire(place: Place, transaction: str, ago: datetime.timedelta) -> None:
    """Let the time of a transaction have been over for so long."""
    then = datetime.datetime.now(datetime.UTC) - ago
    place.project.site.sql(
        "UPDATE transactions SET expires_at = :then WHERE public_id = :id",
        then=then.strftime("%Y-%m-%d %H:%M:%S"),
        id=transaction,
    )


def staged(place: Place, transaction: str) -> int:
    """How many operations there are of a transaction that is there."""
    query = (
        "SELECT COUNT(*) AS count_ FROM transaction_operations WHERE transaction_id ="
        " (SELECT id FROM transactions WHERE public_id = :id)"
    )
    return int(place.project.site.sql(query, id=transaction)[0]["count_"])


def sweep(place: Place) -> None:
    """Have a worker sweep as the scheduler does, and wait until it has begun."""
    last = begin(place, place.key)
    expire(place, last, KEPT * 2)
    send_task(place.project.site, "databases.sweep_transactions", "deletes")
    url = at(place, last)
    eventually(lambda: True if place.key.get(url).status_code == 404 else None, within_s=20)


def test_the_scheduler_sweeps_them() -> None:
    from raindrop.scheduler import app

    (entry,) = (
        each
        for each in app.conf.beat_schedule.values()
        if each["task"] == "databases.sweep_transactions"
    )
    assert entry["options"]["queue"] == "deletes"
    assert entry["schedule"] <= datetime.timedelta(minutes=1)


def test_what_is_over_is_refused_then_shown_then_swept(place: Place, things: str) -> None:
    user, site = place.project.sign_up(), place.project.site
    names = ("open", "fresh", "old", "committed", "rolled back")
    ids = {name: begin(place, user) for name in names}
    made = {
        name: create(place, user, things, transaction, name).json()["$id"]
        for name, transaction in ids.items()
    }
    assert finish(place, user, ids["committed"]).status_code == 200
    assert finish(place, user, ids["rolled back"], rollback=True).status_code == 200
    minute = datetime.timedelta(minutes=1)
    expire(place, ids["fresh"], KEPT - minute)
    for name in ("old", "committed", "rolled back"):
        expire(place, ids[name], KEPT + minute)
    for name in ("fresh", "old"):
        inside = {"transactionId": ids[name]}
        for refused in (
            create(place, user, things, ids[name], "more"),
            finish(place, user, ids[name]),
            finish(place, user, ids[name], rollback=True),
            user.get(place.documents_of(things), params=inside),
            user.get(place.documents_of(things, made[name]), params=inside),
        ):
            assert error_of(refused) == (410, "transaction_expired")
        assert staged(place, ids[name]) == 1
    number = site.sql("SELECT id FROM transactions WHERE public_id = :id", id=ids["old"])[0]["id"]
    sweep(place)
    query = "SELECT COUNT(*) AS count_ FROM transaction_operations WHERE transaction_id = :id"
    assert site.sql(query, id=number)[0]["count_"] == 0
    for name in ("old", "committed", "rolled back"):
        assert error_of(user.get(at(place, ids[name]))) == (404, "transaction_not_found")
        assert error_of(finish(place, user, ids[name])) == (404, "transaction_not_found")
        refused = create(place, user, things, ids[name], "more")
        assert error_of(refused) == (404, "transaction_not_found")
    listed = user.get(f"/v1/{place.service}/transactions").json()["transactions"]
    assert {each["$id"] for each in listed} == {ids["open"], ids["fresh"]}
    shown = user.get(at(place, ids["fresh"])).json()
    assert (shown["status"], shown["operations"]) == ("failed", 1)
    assert staged(place, ids["fresh"]) == 1
    assert finish(place, user, ids["open"]).status_code == 200
    is_there = {
        name: user.get(place.documents_of(things, document)).status_code == 200
        for name, document in made.items()
    }
    assert is_there == {name: name in ("open", "committed") for name in names}
    assert events_of(place, made["old"]) == []


def test_more_than_one_batch(place: Place) -> None:
    site, count = place.project.site, 2 * SWEEP_BATCH + 1
    with site.engine.begin() as connection:
        statement = (
            "INSERT INTO transactions (project_id, public_id, owner, status, operations,"
            " created_at, updated_at, expires_at) VALUES "
        )
        then = "'2020-01-01 00:00:00'"
        values = ", ".join(
            f"({place.project.number}, '{new_id()}', '', 'pending', 0, {then}, {then}, {then})"
            for _ in range(count)
        )
        connection.exec_driver_sql(statement + values)
    left = "SELECT COUNT(*) AS count_ FROM transactions WHERE project_id = :id"
    assert site.sql(left, id=place.project.number)[0]["count_"] >= count
    live = begin(place, place.key)
    sweep(place)
    query = f"{left} AND expires_at < '2021-01-01'"
    eventually(
        lambda: True if site.sql(query, id=place.project.number)[0]["count_"] == 0 else None, 20
    )
    assert place.key.get(at(place, live)).json()["status"] == "pending"
