"""One document: creating, reading, changing, deleting, in both sets of words."""

import json

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


def test_upsert_and_ids(place: Place, things: str) -> None:
    url = place.documents_of(things, "mine.1_a-B")
    made = place.key.put(url, json={"data": {"title": "a", "size": 1}})
    assert made.status_code == 201, made.text
    changed = place.key.put(url, json={"data": {"size": 2}})
    assert (changed.json()["title"], changed.json()["size"]) == ("a", 2)
    noun = place.documents.removesuffix("s")
    assert error_of(place.create(place.key, things, {"title": "b"}, "mine.1_a-B")) == (
        409,
        f"{noun}_already_exists",
    )
    long = "x" * 36
    assert place.create(place.key, things, {"title": "b"}, long).json()["$id"] == long
    for wrong in (long + "x", "-x", "a b"):
        assert place.create(place.key, things, {"title": "b"}, wrong).status_code == 400
        refused = place.key.put(place.documents_of(things, wrong), json={"data": {"title": "b"}})
        assert refused.status_code == 400
    assert error_of(place.key.put(place.documents_of(things, "none"), json={"data": {}})) == (
        400,
        f"{noun}_missing_payload",
    )


@pytest.fixture(scope="module")
def kinds(place: Place) -> str:
    return place.collection(
        {"key": "text", "size": 5},
        {"key": "texts", "size": 5, "array": True},
        {"key": "whole", "kind": "integer", "min": -(2**63), "max": 2**63 - 1},
        {"key": "real", "kind": "float"},
        {"key": "flag", "kind": "boolean"},
        {"key": "time", "kind": "datetime"},
        {"key": "email", "kind": "email"},
        {"key": "url", "kind": "url"},
        {"key": "ip", "kind": "ip"},
        {"key": "one", "kind": "enum", "elements": ["a", "b"]},
    )


@pytest.mark.parametrize(
    ("key", "values"),
    [
        ("text", ["", "a", "a ", "水滴水滴水", "🐸" * 5, 'q"\\%', None]),
        ("texts", [[], ["a", "a "], ["🐸" * 5]]),
        ("whole", [2**63 - 1, -(2**63), 0]),
        ("real", [0.1, -1e308, 5e-324, 12345678.9]),
        ("flag", [True, False]),
        ("time", ["2024-02-29T23:59:59.123+00:00", "1000-01-01T00:00:00.000+00:00"]),
        ("email", ["a@b.example"]),
        ("url", ["https://example.com/a?b=c"]),
        ("ip", ["127.0.0.1", "::1"]),
        ("one", ["a"]),
    ],
)
def test_values_come_back_as_they_went(
    place: Place, kinds: str, key: str, values: list[object]
) -> None:
    for value in values:
        made = place.create(place.key, kinds, {key: value})
        assert made.status_code == 201, made.text
        assert made.json()[key] == value
        assert place.key.get(place.documents_of(kinds, made.json()["$id"])).json()[key] == value


@pytest.mark.parametrize(
    ("key", "values"),
    [
        ("text", ["123456", "🐸" * 6, 1, True, ["a"], {"a": 1}, "a\0", "\ud800"]),
        ("texts", ["a", ["123456"], [1], [["a"]], [None], {}]),
        ("whole", [2**63, -(2**63) - 1, 1.5, "1", True]),
        ("real", ["1", True, 10**400]),
        ("flag", [0, "true"]),
        ("time", ["yesterday", 3, "2024-02-30T00:00:00Z", "0999-01-01T00:00:00Z"]),
        ("email", ["a", "a@b", "a@ b.c"]),
        ("url", ["example", "http://"]),
        ("ip", ["1.2.3", "1.2.3.256"]),
        ("one", ["c", "A", "a "]),
    ],
)
def test_values_that_do_not_fit(place: Place, kinds: str, key: str, values: list[object]) -> None:
    noun = place.documents.removesuffix("s")
    for value in values:
        body = json.dumps({place.document_field: "unique()", "data": {key: value}})
        refused = place.key.post(
            place.documents_of(kinds), content=body, headers={"Content-Type": "application/json"}
        )
        assert error_of(refused) == (400, f"{noun}_invalid_structure"), (value, refused.text)


def test_one_document_with_some_of_its_values(place: Place, things: str) -> None:
    made = place.create(place.key, things, {"title": "a", "size": 1}).json()
    url = place.documents_of(things, made["$id"])
    shown = place.key.get(
        url, params={"queries[0]": '{"method":"select","values":["title"]}'}
    ).json()
    assert "size" not in shown
    assert (shown["title"], shown["$id"]) == ("a", made["$id"])
