"""Databases and collections: making, listing, changing, switching off, deleting."""

import json

import pytest

from tests.databases.places import Place, eventually
from tests.support.site import Site
from tests.support.v1 import Project, error_of

pytestmark = pytest.mark.contract


@pytest.fixture(params=["databases", "tablesdb"])
def place(running_site: Site, request: pytest.FixtureRequest) -> Place:
    return Place(Project(running_site), request.param)


def tables_of(site: Site, project: Project) -> list[str]:
    """The names of all tables of a project's collections."""
    mine = site.sql("SELECT id FROM collections WHERE project_id = :id", id=project.number)
    names = site.tables()
    return [n for n in names for row in mine if n.split("_")[:2] == ["c", str(row["id"])]]


def test_a_database_is_made_renamed_and_switched_off(place: Place) -> None:
    made = place.key.get(place.url).json()
    assert made["name"] == "Test"
    assert made["enabled"] is True
    assert made["type"] == ("tablesdb" if place.service == "tablesdb" else "legacy")
    again = place.key.post(f"/v1/{place.service}", json={"databaseId": place.id, "name": "Another"})
    assert error_of(again) == (409, "database_already_exists")
    changed = place.key.put(place.url, json={"name": "数据", "enabled": False})
    assert changed.json()["name"] == "数据"
    things = place.collection({"key": "title"})
    refused = place.project.guest().get(place.documents_of(things))
    assert error_of(refused) == (404, "database_not_found")
    assert place.key.get(place.documents_of(things)).status_code == 200


def test_lists_find_by_query_and_search(place: Place) -> None:
    first = place.collection()
    place.collection()
    url = f"{place.url}/{place.collections}"
    assert place.key.get(url).json()["total"] == 2
    query = json.dumps({"method": "equal", "attribute": "$id", "values": [first]})
    found = place.key.get(url, params={"queries[0]": query}).json()
    assert [each["$id"] for each in found[place.collections]] == [first]
    assert place.key.get(url, params={"search": first}).json()["total"] == 1
    strange = json.dumps({"method": "equal", "attribute": "colour", "values": ["x"]})
    assert error_of(place.key.get(url, params={"queries[0]": strange})) == (
        400,
        "general_query_invalid",
    )


def test_what_is_anothers_is_not_there(place: Place) -> None:
    things = place.collection({"key": "title"})
    noun = place.collections.removesuffix("s")
    stranger = Place(Project(place.project.site), place.service).key
    for url in (place.url, place.at(things), place.documents_of(things)):
        assert error_of(stranger.get(url)) == (404, "database_not_found")
    assert error_of(place.key.get(place.at("nothing"))) == (404, f"{noun}_not_found")
    assert stranger.delete(place.url).status_code == 404
    assert place.key.get(place.url).status_code == 200


def test_permissions_are_checked_and_kept(place: Place) -> None:
    things = place.collection({"key": "title"}, permissions=[])
    field = place.security_field
    for wrong in (['read("nobody")'], ['execute("any")'], ["read"]):
        refused = place.key.put(place.at(things), json={"name": "x", "permissions": wrong})
        assert error_of(refused) == (400, "general_argument_invalid")
    changed = place.key.put(
        place.at(things), json={"name": "x", "permissions": ['write("users")'], field: True}
    )
    assert changed.json()["$permissions"] == [
        'create("users")', 'update("users")', 'delete("users")',
    ]  # fmt: skip
    assert changed.json()[field] is True
    assert place.create(place.project.guest(), things, {"title": "x"}).status_code == 401


def test_a_deleted_collection_leaves_nothing(place: Place) -> None:
    things = place.collection({"key": "title"})
    site, project = place.project.site, place.project
    assert place.create(place.key, things, {"title": "x"}).status_code == 201
    assert len(tables_of(site, project)) == 2
    assert place.key.delete(place.at(things)).status_code == 204
    noun = place.collections.removesuffix("s")
    assert error_of(place.key.get(place.documents_of(things))) == (404, f"{noun}_not_found")
    # The id is free at once.
    body = {place.collection_field: things, "name": "Anew"}
    anew = place.key.post(f"{place.url}/{place.collections}", json=body)
    assert anew.status_code == 201
    assert anew.json()[place.attributes] == []
    eventually(lambda: True if len(rows(site, project)) == 1 else None)
    eventually(lambda: True if len(tables_of(site, project)) == 2 else None)


def test_a_deleted_database_leaves_nothing(place: Place) -> None:
    place.collection({"key": "title"})
    place.collection({"key": "title"})
    site, project = place.project.site, place.project
    before = set(tables_of(site, project))
    assert len(before) == 4
    assert place.key.delete(place.url).status_code == 204
    assert error_of(place.key.get(place.url)) == (404, "database_not_found")
    assert place.key.get(f"/v1/{place.service}").json()["total"] == 0
    eventually(lambda: None if rows(site, project) else True)
    assert not before & set(site.tables())


def rows(site: Site, project: Project) -> list[dict[str, object]]:
    """What is known of a project's collections."""
    return site.sql("SELECT id FROM collections WHERE project_id = :id", id=project.number)
