"""One document: creating, reading, changing, deleting, in both sets of words."""

import pytest

from tests.databases.places import Place
from tests.support.site import Site
from tests.support.v1 import Project, error_of

pytestmark = pytest.mark.contract


@pytest.fixture(scope="module", params=["databases", "tablesdb"])
def place(running_site: Site, request: pytest.FixtureRequest) -> Place:
    return Place(Project(running_site), request.param)


@pytest.fixture(scope="module")
def things(place: Place) -> str:
    return place.collection({"key": "title", "required": True}, {"key": "size", "kind": "integer"})


def test_a_document_lives_and_is_deleted(place: Place, things: str) -> None:
    visitor = place.project.guest()
    made = place.create(visitor, things, {"title": "水滴", "size": 3})
    assert made.status_code == 201, made.text
    document = made.json()
    assert document["title"] == "水滴"
    assert document["size"] == 3
    assert document["$permissions"] == []
    url = place.documents_of(things, document["$id"])
    assert visitor.get(url).json() == document
    listed = visitor.get(place.documents_of(things)).json()
    assert document in listed[place.documents]
    changed = visitor.patch(url, json={"data": {"size": 4}})
    assert changed.status_code == 200
    assert changed.json()["title"] == "水滴"
    assert visitor.get(url).json()["size"] == 4
    assert visitor.delete(url).status_code == 204
    assert visitor.get(url).status_code == 404


def test_what_does_not_fit_is_refused(place: Place, things: str) -> None:
    noun = place.documents.removesuffix("s")
    for data in ({"size": 3}, {"title": 3}, {"title": "x", "colour": "red"}):
        refused = place.create(place.key, things, data)
        assert error_of(refused) == (400, f"{noun}_invalid_structure")
    assert error_of(place.create(place.key, things, {})) == (400, f"{noun}_missing_data")
