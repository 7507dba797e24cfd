"""kill -9 between any two steps of making or deleting tables and columns.

A worker of the test's own does the work beside the site's, which stand still, and dies at the
n-th statement; the site's go on with what it left. Repeated with a later statement each time,
until the work is done before its turn.
"""

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import sqlalchemy as sa

from raindrop.core.db import db, unit_of_work
from raindrop.databases import ddl, deletion
from tests.databases.places import Place, eventually
from tests.databases.test_collections import tables_of
from tests.databases.test_maintenance import run
from tests.support.app import app_of
from tests.support.site import Site
from tests.support.v1 import Project

pytestmark = pytest.mark.load

STATEMENTS_MAX = 60


def test_making_a_collection(running_site: Site) -> None:
    def begin(place: Place) -> str:
        body = {"collectionId": "things", "name": "Things"}
        made = place.key.post(f"{place.url}/collections", json=body)
        assert made.status_code == 201, made.text
        return "things"

    def check(place: Place) -> None:
        eventually(lambda: True if len(tables_of(running_site, place.project)) == 2 else None)

    die_at_every_step(running_site, lambda _: None, begin, converge, check)


def test_making_attributes(running_site: Site) -> None:
    def begin(place: Place) -> str:
        for key in ("one", "two"):
            place.attribute("things", key=key)
        return "things"

    def check(place: Place) -> None:
        shown = place.wait("things")
        assert [(a["key"], a["status"]) for a in shown["attributes"]] == [
            ("one", "available"),
            ("two", "available"),
        ]

    die_at_every_step(running_site, things, begin, converge, check)


def test_deleting_attributes(running_site: Site) -> None:
    def begin(place: Place) -> str:
        for key in ("one", "two"):
            assert place.key.delete(f"{place.at('things')}/attributes/{key}").status_code == 204
        return "things"

    def check(place: Place) -> None:
        assert place.wait("things")["attributes"] == []
        place.attribute("things", key="one")
        assert place.wait("things")["attributes"][0]["status"] == "available"

    die_at_every_step(
        running_site, lambda place: things(place, "one", "two"), begin, converge, check
    )


def test_making_an_index(running_site: Site) -> None:
    def begin(place: Place) -> str:
        make_index(place)
        return "things"

    def check(place: Place) -> None:
        assert place.wait("things")["indexes"][0]["status"] == "available"

    die_at_every_step(running_site, lambda place: things(place, "one"), begin, converge, check)


def test_deleting_an_index(running_site: Site) -> None:
    def prepare(place: Place) -> None:
        things(place, "one")
        make_index(place)
        place.wait("things")

    def begin(place: Place) -> str:
        assert place.key.delete(f"{place.at('things')}/indexes/by_one").status_code == 204
        return "things"

    def check(place: Place) -> None:
        assert place.wait("things")["indexes"] == []

    die_at_every_step(running_site, prepare, begin, converge, check)


def test_making_a_relationship(running_site: Site) -> None:
    def begin(place: Place) -> str:
        relate(place)
        return "things"

    def check(place: Place) -> None:
        assert [each["status"] for each in both_sides(place)] == ["available", "available"]
        kids = [{"name": "k"}]
        assert place.create(place.key, "things", {"name": "p", "kids": kids}).status_code == 201

    die_at_every_step(running_site, two_collections, begin, converge, check)


def test_deleting_a_relationship(running_site: Site) -> None:
    def prepare(place: Place) -> None:
        two_collections(place)
        relate(place)
        assert len(both_sides(place)) == 2

    def begin(place: Place) -> str:
        assert place.key.delete(f"{place.at('things')}/attributes/kids").status_code == 204
        return "things"

    def check(place: Place) -> None:
        assert both_sides(place) == []
        names = tables_of(running_site, place.project)
        assert not [name for name in names if "_j_" in name]
        relate(place)
        assert [each["status"] for each in both_sides(place)] == ["available", "available"]

    die_at_every_step(running_site, prepare, begin, converge, check)


def test_deleting_a_collection(running_site: Site) -> None:
    def begin(place: Place) -> str:
        assert place.key.delete(place.at("things")).status_code == 204
        return "things"

    die_at_every_step(
        running_site, lambda place: things(place, "one"), begin, deletion.drop_collection, is_empty
    )


def test_deleting_a_database(running_site: Site) -> None:
    def begin(place: Place) -> str:
        assert place.key.delete(place.url).status_code == 204
        return "things"

    def work(collection_id: int) -> None:
        query = sa.text("SELECT database_id FROM collections WHERE id = :id")
        with unit_of_work():
            number = db.session.scalar(query, {"id": collection_id})
        in_steps(deletion.drop_database(number))

    die_at_every_step(running_site, lambda place: things(place, "one"), begin, work, is_empty)


def converge(collection_id: int) -> None:
    in_steps(ddl.converge(collection_id))


def in_steps(steps: Iterator[int]) -> None:
    """As the runner of jobs does it: what lies between two yields is one transaction."""
    while True:
        with unit_of_work():
            if next(steps, None) is None:
                return


def things(place: Place, *keys: str) -> None:
    """Make the collection with attributes of text, and wait for them."""
    body = {"collectionId": "things", "name": "Things"}
    assert place.key.post(f"{place.url}/collections", json=body).status_code == 201
    for key in keys:
        place.attribute("things", key=key)
    place.wait("things")
    eventually(lambda: True if len(tables_of(place.project.site, place.project)) == 2 else None)


def two_collections(place: Place) -> None:
    """Make the collection and another, with a name each."""
    things(place, "name")
    body = {"collectionId": "others", "name": "Others"}
    assert place.key.post(f"{place.url}/collections", json=body).status_code == 201
    place.attribute("others", key="name")
    place.wait("others")


def relate(place: Place) -> None:
    """Begin to relate things to others, both ways."""
    body = {
        "relatedCollectionId": "others",
        "type": "oneToMany",
        "twoWay": True,
        "key": "kids",
        "twoWayKey": "folk",
    }
    made = place.key.post(f"{place.at('things')}/attributes/relationship", json=body)
    assert made.status_code == 202, made.text


def both_sides(place: Place) -> list[Any]:
    """The sides of the relationship as they are shown once both collections are settled."""
    sides = ("things", "others")
    shown = [each for name in sides for each in place.wait(name)["attributes"]]
    return [each for each in shown if each["key"] != "name"]


def make_index(place: Place) -> None:
    body = {"key": "by_one", "type": "key", "attributes": ["one"]}
    made = place.key.post(f"{place.at('things')}/indexes", json=body)
    assert made.status_code == 202, made.text


def is_empty(place: Place) -> None:
    eventually(lambda: None if tables_of(place.project.site, place.project) else True)
    query = "SELECT id FROM collections WHERE project_id = :id"
    eventually(lambda: None if place.project.site.sql(query, id=place.project.number) else True)


def die_at_every_step(
    site: Site,
    prepare: Callable[[Place], object],
    begin: Callable[[Place], str],
    work: Callable[[int], None],
    check: Callable[[Place], None],
) -> None:
    """Do something by a worker that dies at its first, second, … statement.

    Args:
        begin: asks for the work; the id of the collection that it is about.
        work: what a worker does, by the collection's number.
        check: that it has been done in the end.
    """
    deaths = 0
    for statement in range(STATEMENTS_MAX):
        place = Place(Project(site))
        prepare(place)
        with standing_still(site):
            begin(place)
            number = site.sql(
                "SELECT id FROM collections WHERE project_id = :id", id=place.project.number
            )[0]["id"]
            has_died = work_and_die(site, work, number, statement)
        check(place)
        assert place.project.id not in run(site, "check").stdout
        deaths += has_died
        if not has_died:
            break
    assert 2 <= deaths < STATEMENTS_MAX - 1


@contextmanager
def standing_still(site: Site) -> Iterator[None]:
    """The site's own workers neither work nor die."""
    pids = site.pids("worker-short")
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGCONT)


def work_and_die(site: Site, work: Callable[[int], None], number: int, statement: int) -> bool:
    """Work in a process of its own that is killed at a statement; whether it came to that."""
    child = os.fork()
    if child:
        _, status = os.waitpid(child, 0)
        assert status in (0, signal.SIGKILL), status
        return status != 0
    code = 1
    try:
        app = app_of(site)
        left = statement

        def count(*_: object) -> None:
            nonlocal left
            if left == 0:
                os.kill(os.getpid(), signal.SIGKILL)
            left -= 1

        def count_changes(_connection: object, _cursor: object, text: str, *_: object) -> None:
            if not text.lstrip().upper().startswith(("SELECT", "SHOW", "PRAGMA", "BEGIN")):
                count()

        with app.app_context():
            sa.event.listen(db.engine, "before_cursor_execute", count_changes)
            sa.event.listen(db.engine, "commit", count)
            if work is deletion.drop_collection:
                with unit_of_work():
                    work(number)
            else:
                work(number)
        code = 0
    finally:
        os._exit(code)
