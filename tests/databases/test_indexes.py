"""Indexes: making, failing, deleting, what cannot be."""

from typing import Any

import pytest

from tests.databases.places import Place
from tests.support.site import Site
from tests.support.v1 import Project, error_of

pytestmark = pytest.mark.contract


@pytest.fixture(scope="module", params=["databases", "tablesdb"])
def place(running_site: Site, request: pytest.FixtureRequest) -> Place:
    return Place(Project(running_site), request.param)


def make(place: Place, things: str, kind: str, *attributes: str, key: str = "", **more: Any) -> Any:
    body = {"key": key or f"by_{kind}", "type": kind, place.attributes: list(attributes)} | more
    return place.key.post(f"{place.at(things)}/indexes", json=body)


def error_type(place: Place, kind: str) -> str:
    return f"column_{kind}" if place.service == "tablesdb" else kind


@pytest.fixture
def things(place: Place) -> str:
    return place.collection(
        {"key": "title", "size": 700},
        {"key": "text", "size": 20_000},
        {"key": "size", "kind": "integer"},
        {"key": "tags", "array": True},
        {"key": "long", "size": 5_000},
    )


def test_indexes_are_made_and_deleted(place: Place, things: str) -> None:
    assert make(place, things, "key", "size", "title", orders=["DESC", "asc"]).status_code == 202
    assert make(place, things, "unique", "title").status_code == 202
    assert make(place, things, "key", "text", "long", key="prefixed").status_code == 202
    assert make(place, things, "key", "$createdAt", "size", key="system").status_code == 202
    assert make(place, things, "fulltext", "title", "text").status_code == 202
    shown = place.wait(things)["indexes"]
    assert {each["key"]: each["status"] for each in shown} == dict.fromkeys(
        ("by_key", "by_unique", "prefixed", "system", "by_fulltext"), "available"
    )
    assert shown[0]["orders"] == ["DESC", "ASC"]
    made = place.create(place.key, things, {"title": "水滴", "text": "a b c"})
    assert made.status_code == 201, made.text
    again = place.create(place.key, things, {"title": "水滴"})
    assert error_of(again) == (409, f"{place.documents.removesuffix('s')}_already_exists")
    assert place.create(place.key, things, {"title": "水滴 "}).status_code == 201
    listed = place.key.get(f"{place.at(things)}/indexes").json()
    assert listed["total"] == 5
    used = place.key.delete(f"{place.at(things)}/{place.attributes}/size")
    assert error_of(used) == (409, error_type(place, "index_dependency"))
    for each in shown:
        assert place.key.delete(f"{place.at(things)}/indexes/{each['key']}").status_code == 204
    assert place.wait(things)["indexes"] == []
    gone = place.key.get(f"{place.at(things)}/indexes/by_key")
    assert error_of(gone) == (404, error_type(place, "index_not_found"))
    assert place.create(place.key, things, {"title": "水滴"}).status_code == 201


def test_what_cannot_be_is_refused(place: Place, things: str) -> None:
    invalid = (400, error_type(place, "index_invalid"))
    assert error_of(make(place, things, "key", "tags")) == invalid
    assert error_of(make(place, things, "unique", "text")) == invalid
    assert error_of(make(place, things, "unique", "long")) == invalid
    assert error_of(make(place, things, "fulltext", "size")) == invalid
    assert error_of(make(place, things, "spatial", "title")) == invalid
    assert error_of(make(place, things, "key", "title", "title")) == invalid
    assert error_of(make(place, things, "key", "title", orders=["UP"])) == invalid
    assert error_of(make(place, things, "key", "size", lengths=[5])) == invalid
    assert error_of(make(place, things, "key", "title", lengths=[701])) == invalid
    assert error_of(make(place, things, "fulltext", "$id")) == invalid
    unknown = (400, f"{place.attributes.removesuffix('s')}_unknown")
    assert error_of(make(place, things, "key", "colour")) == unknown
    for body in ({}, {"key": "x", "type": "magic", place.attributes: ["title"]}):
        assert place.key.post(f"{place.at(things)}/indexes", json=body).status_code == 400
    assert place.wait(things)["indexes"] == []


def test_a_unique_index_of_equal_values_fails_and_can_be_deleted(place: Place, things: str) -> None:
    for _ in range(2):
        assert place.create(place.key, things, {"title": "same"}).status_code == 201
    assert make(place, things, "unique", "title").status_code == 202
    (index,) = place.wait(things)["indexes"]
    assert index["status"] == "failed"
    assert index["error"]
    taken = make(place, things, "unique", "size")
    assert error_of(taken) == (409, error_type(place, "index_already_exists"))
    assert place.key.delete(f"{place.at(things)}/indexes/by_unique").status_code == 204
    assert place.wait(things)["indexes"] == []


def test_the_number_is_limited(place: Place) -> None:
    things = place.collection({"key": "size", "kind": "integer"})
    for number in range(56):
        assert make(place, things, "key", "size", key=f"i{number}").status_code == 202
    refused = make(place, things, "key", "size", key="more")
    assert error_of(refused) == (400, error_type(place, "index_limit_exceeded"))
    shown = place.wait(things)["indexes"]
    assert {each["status"] for each in shown} == {"available"}


def test_a_spatial_index(place: Place) -> None:
    if place.project.site.settings.is_sqlite:
        pytest.skip("SQLite keeps no coordinates")
    things = place.collection(
        {"key": "spot", "kind": "point", "required": True}, {"key": "area", "kind": "polygon"}
    )
    assert place.create(place.key, things, {"spot": [1, 2]}).status_code == 201
    assert make(place, things, "spatial", "spot").status_code == 202
    optional = make(place, things, "spatial", "area", key="optional")
    assert error_of(optional) == (400, error_type(place, "index_invalid"))
    assert place.wait(things)["indexes"][0]["status"] == "available"
    assert place.create(place.key, things, {"spot": [3, 4]}).status_code == 201
