"""Attributes that cannot be made or deleted: what they say, and that nothing stays for ever."""

import pytest

from tests.databases.places import Place
from tests.support.site import Site
from tests.support.v1 import Project

pytestmark = pytest.mark.contract


@pytest.fixture
def place(running_site: Site) -> Place:
    return Place(Project(running_site))


def table_of(place: Place, collection: str) -> str:
    query = "SELECT id FROM collections WHERE public_id = :id"
    return f"c_{place.project.site.sql(query, id=collection)[0]['id']}"


def column_of(place: Place, key: str) -> str:
    query = "SELECT id FROM attributes WHERE project_id = :id AND `key` = :key"
    return f"a_{place.project.site.sql(query, id=place.project.number, key=key)[0]['id']}"


def test_one_that_does_not_fit_fails_alone_and_is_deleted(place: Place) -> None:
    site = place.project.site
    if site.settings.is_sqlite:
        pytest.skip("SQLite's rows have no width")
    things = place.collection({"key": "title"})
    # Wider than is recorded, so that it is the database that refuses.
    site.sql(f"ALTER TABLE {table_of(place, things)} ADD COLUMN beside VARCHAR(16000)")
    for number in range(3):
        place.attribute(things, kind="integer", key=f"n{number}")
    place.attribute(things, key="wide", size=500)
    place.attribute(things, kind="boolean", key="flag")
    shown = {each["key"]: each for each in place.wait(things)["attributes"]}
    assert {key for key, each in shown.items() if each["status"] == "available"} == {
        "title", "n0", "n1", "n2", "flag",
    }  # fmt: skip
    assert shown["wide"]["status"] == "failed"
    assert "too wide" in shown["wide"]["error"]
    made = place.create(place.key, things, {"title": "x", "n0": 1})
    assert made.status_code == 201, made.text
    assert "wide" not in made.json()
    assert place.key.delete(f"{place.at(things)}/attributes/wide").status_code == 204
    assert "wide" not in {each["key"] for each in place.wait(things)["attributes"]}


def test_one_that_cannot_be_deleted_is_stuck_until_it_can(place: Place) -> None:
    site = place.project.site
    things = place.collection({"key": "title"}, {"key": "other"})
    table, column = table_of(place, things), column_of(place, "title")
    if site.settings.is_sqlite:
        site.sql(f"CREATE INDEX beside_{table} ON {table} ({column})")
        undo = f"DROP INDEX beside_{table}"
    else:
        site.sql(f"ALTER TABLE {table} ADD CONSTRAINT beside CHECK ({column} <> _uid)")
        undo = f"ALTER TABLE {table} DROP CONSTRAINT beside"
    url = f"{place.at(things)}/attributes/title"
    assert place.key.delete(url).status_code == 204
    stuck = place.wait(things)["attributes"][0]
    assert stuck["status"] == "stuck"
    assert stuck["error"]
    assert column not in stuck["error"]
    made = place.create(place.key, things, {"other": "y"})
    assert made.status_code == 201, made.text
    assert "title" not in made.json()
    site.sql(undo)
    assert place.key.delete(url).status_code == 204
    assert [each["key"] for each in place.wait(things)["attributes"]] == ["other"]
