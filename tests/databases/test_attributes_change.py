"""Changing attributes: rules, names, sizes, in both sets of words."""

from typing import Any

import pytest

from tests.databases.places import Place
from tests.support.site import Site
from tests.support.v1 import Project, error_of

pytestmark = pytest.mark.contract


@pytest.fixture(scope="module", params=["databases", "tablesdb"])
def place(running_site: Site, request: pytest.FixtureRequest) -> Place:
    return Place(Project(running_site), request.param)


def change(place: Place, collection: str, kind: str, key: str, **fields: Any) -> Any:
    url = f"{place.at(collection)}/{place.attributes}/{kind}/{key}"
    return place.key.patch(url, json={"required": False, "default": None} | fields)


def noun(place: Place) -> str:
    return place.attributes.removesuffix("s")


@pytest.mark.parametrize(
    ("kind", "options", "changes"),
    [
        ("string", {"size": 10}, {"default": "x"}),
        ("email", {}, {"default": "a@example.test"}),
        ("url", {}, {"default": "https://a.example/"}),
        ("ip", {}, {"default": "::1"}),
        ("enum", {"elements": ["red"]}, {"elements": ["blue", "red"], "default": "blue"}),
        ("integer", {"min": 1, "max": 9}, {"min": 2, "max": 8, "default": 3}),
        ("float", {"min": 0.5}, {"max": 8.5, "default": 0.75}),
        ("boolean", {}, {"default": False}),
        ("datetime", {}, {"default": "2020-01-02T03:04:05.000+00:00"}),
    ],
)
def test_rules_change_at_once(
    place: Place, kind: str, options: dict[str, Any], changes: dict[str, Any]
) -> None:
    things = place.collection({"kind": kind, "key": "one", **options}, {"key": "title"})
    changed = change(place, things, kind, "one", **changes)
    assert changed.status_code == 200, changed.text
    assert changed.json() == changed.json() | options | changes | {"status": "available"}
    made = place.create(place.key, things, {"title": "x"})
    assert made.json()["one"] == changes["default"]
    required = change(place, things, kind, "one", **(changes | {"required": True}))
    assert error_of(required) == (400, f"{noun(place)}_default_unsupported")
    fields = {"required": True, "default": None}
    assert change(place, things, kind, "one", **(changes | fields)).json()["required"] is True
    refused = place.create(place.key, things, {"title": "x"})
    assert error_of(refused)[1].endswith("_invalid_structure")
    other = "boolean" if kind != "boolean" else "integer"
    wrong = change(place, things, other, "one")
    assert error_of(wrong) == (400, f"{noun(place)}_type_invalid")


def test_bounds_that_are_not_given_stay(place: Place) -> None:
    things = place.collection({"kind": "integer", "key": "one", "min": 1, "max": 9})
    assert change(place, things, "integer", "one", max=5).json()["min"] == 1
    refused = change(place, things, "integer", "one", max=0)
    assert error_of(refused) == (400, f"{noun(place)}_value_invalid")
    refused = change(place, things, "integer", "one", default=6)
    assert error_of(refused) == (400, f"{noun(place)}_value_invalid")


def test_a_new_name_keeps_values_and_indexes(place: Place) -> None:
    things = place.collection({"key": "title"}, {"key": "other"})
    body = {"key": "by", "type": "unique", place.attributes: ["title"]}
    assert place.key.post(f"{place.at(things)}/indexes", json=body).status_code == 202
    place.wait(things)
    document = place.create(place.key, things, {"title": "x"}).json()
    url = place.documents_of(things, document["$id"])
    assert place.key.get(place.documents_of(things)).status_code == 200  # may be kept by the cache
    renamed = change(place, things, "string", "title", newKey="name")
    assert renamed.status_code == 200, renamed.text
    assert renamed.json()["key"] == "name"
    assert place.key.get(url).json()["name"] == "x"
    (listed,) = place.key.get(place.documents_of(things)).json()[place.documents]
    assert listed["name"] == "x"
    assert place.wait(things)["indexes"][0][place.attributes] == ["name"]
    twice = place.create(place.key, things, {"name": "x"})
    assert error_of(twice)[0] == 409
    taken = change(place, things, "string", "name", newKey="other")
    assert error_of(taken) == (409, f"{noun(place)}_already_exists")
    gone = change(place, things, "string", "title")
    assert error_of(gone) == (404, f"{noun(place)}_not_found")
    assert error_of(change(place, things, "string", "name", newKey="-"))[0] == 400


@pytest.mark.parametrize("sizes", [(3, 5), (3, 20_000), (20_000, 70_000), (70_000, 17_000_000)])
def test_a_text_grows(place: Place, sizes: tuple[int, int]) -> None:
    small, large = sizes
    things = place.collection({"key": "title", "size": small})
    kept = place.create(place.key, things, {"title": "x" * small}).json()
    longer = "x" * (small + 1)
    assert error_of(place.create(place.key, things, {"title": longer}))[0] == 400
    grown = change(place, things, "string", "title", size=large)
    assert grown.status_code == 200, grown.text
    assert grown.json()["size"] == large
    meanwhile = place.key.get(place.documents_of(things, kept["$id"])).json()
    assert meanwhile["title"] == kept["title"]
    (shown,) = place.wait(things)[place.attributes]
    assert (shown["size"], shown["status"], shown["error"]) == (large, "available", "")
    made = place.create(place.key, things, {"title": longer})
    assert made.status_code == 201, made.text
    if large <= 70_000:
        assert place.create(place.key, things, {"title": "x" * large}).status_code == 201
        too_long = place.create(place.key, things, {"title": "x" * (large + 1)})
        assert error_of(too_long)[0] == 400


@pytest.mark.parametrize("is_array", [False, True])
def test_a_text_shrinks_to_its_longest_value(place: Place, is_array: bool) -> None:
    things = place.collection({"key": "title", "size": 10, "array": is_array})
    value = "水滴石穿"
    document = {"title": [value, "x"] if is_array else value}
    assert place.create(place.key, things, document).status_code == 201
    refused = change(place, things, "string", "title", size=3)
    assert error_of(refused) == (400, f"{noun(place)}_invalid_resize")
    shrunk = change(place, things, "string", "title", size=4)
    assert shrunk.status_code == 200, shrunk.text
    assert (shrunk.json()["size"], shrunk.json()["status"]) == (4, "available")
    five = {"title": ["12345"] if is_array else "12345"}
    assert error_of(place.create(place.key, things, five))[0] == 400
    again = change(place, things, "string", "title", size=5)
    assert again.status_code == 200
    place.wait(things)
    assert place.create(place.key, things, five).status_code == 201


def test_growth_has_limits(place: Place) -> None:
    things = place.collection({"key": "title", "size": 10}, {"key": "wide", "size": 15_000})
    assert error_of(change(place, things, "string", "title", size=0))[0] == 400
    body = {"key": "by", "type": "key", place.attributes: ["title"]}
    assert place.key.post(f"{place.at(things)}/indexes", json=body).status_code == 202
    place.wait(things)
    refused = change(place, things, "string", "title", size=769)
    assert error_of(refused) == (400, f"{noun(place)}_invalid_resize")
    assert change(place, things, "string", "title", size=768).status_code == 200
    place.wait(things)
    assert place.key.delete(f"{place.at(things)}/indexes/by").status_code == 204
    place.wait(things)
    refused = change(place, things, "string", "wide", size=15_600)
    assert error_of(refused) == (400, f"{noun(place)}_limit_exceeded")
    (title, wide) = place.wait(things)[place.attributes]
    assert (title["size"], wide["size"]) == (768, 15_000)
