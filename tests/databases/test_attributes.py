"""Attributes: every kind, limits, changing, renaming, deleting, failing."""

import json
import threading
from typing import Any

import pytest

from tests.databases.places import Place
from tests.support.site import Site
from tests.support.v1 import Project, error_of

pytestmark = pytest.mark.contract


@pytest.fixture(scope="module", params=["databases", "tablesdb"])
def place(running_site: Site, request: pytest.FixtureRequest) -> Place:
    return Place(Project(running_site), request.param)


def noun(place: Place) -> str:
    return place.attributes.removesuffix("s")


def make(place: Place, things: str, kind: str, **fields: Any) -> Any:
    body = {"key": "value", "required": False} | fields
    return place.key.post(f"{place.at(things)}/{place.attributes}/{kind}", json=body)


KINDS = [
    ("string", {"size": 10}, ["水", "x" * 10], ["x" * 11, 5, "a\0b"]),
    ("string", {"size": 20_000}, ["x" * 20_000], ["x" * 20_001]),
    ("integer", {"min": -5, "max": 5}, [-5, 5, 0], [-6, 6, 1.5, "1", True]),
    ("integer", {}, [2**63 - 1, -(2**63)], [2**63, -(2**63) - 1]),
    ("float", {"min": 0.5}, [0.5, 3, 1e300], [0.4, "1", True]),
    ("boolean", {}, [True, False], [1, "true"]),
    ("datetime", {}, ["2026-02-03T04:05:06.789+00:00"], ["yesterday", 5, "0001-01-01"]),
    ("email", {}, ["a@example.com"], ["a", "a@b", 5]),
    ("url", {}, ["https://example.com/x?y#z"], ["example", "http://", 5]),
    ("ip", {}, ["127.0.0.1", "::1"], ["1.2.3", "x"]),
    ("enum", {"elements": ["red", "绿"]}, ["red", "绿"], ["blue", "RED"]),
]


@pytest.mark.parametrize(
    ("kind", "options", "good", "bad"), KINDS, ids=lambda value: str(value)[:20]
)
def test_a_kind_takes_what_fits(
    place: Place, kind: str, options: dict[str, Any], good: list[Any], bad: list[Any]
) -> None:
    things = place.collection()
    assert make(place, things, kind, **options).status_code == 202
    assert make(place, things, kind, key="many", array=True, **options).status_code == 202
    shown = place.wait(things)[place.attributes]
    assert [each["status"] for each in shown] == ["available", "available"]
    assert shown[1]["array"] is True
    for value in good:
        made = place.create(place.key, things, {"value": value, "many": [value, value]})
        assert made.status_code == 201, made.text
        url = place.documents_of(things, made.json()["$id"])
        read = place.key.get(url).json()
        assert read["value"] == value
        assert read["many"] == [value, value]
    refusal = (400, f"{place.documents.removesuffix('s')}_invalid_structure")
    for value in bad:
        assert error_of(place.create(place.key, things, {"value": value})) == refusal, value
        assert error_of(place.create(place.key, things, {"many": [value]})) == refusal, value
    assert error_of(place.create(place.key, things, {"many": good[0]})) == refusal
    nothing = place.create(place.key, things, {"value": None, "many": []})
    assert nothing.json()["value"] is None


@pytest.mark.parametrize("kind", ["point", "line", "polygon"])
def test_coordinates(place: Place, kind: str) -> None:
    values = {
        "point": [13.4, 52.5],
        "line": [[0.0, 0.0], [1.5, 1.0]],
        "polygon": [[[0.0, 0.0], [4.0, 0.0], [4.0, 4.0], [0.0, 0.0]]],
    }
    things = place.collection()
    made = make(place, things, kind)
    if place.project.site.settings.is_sqlite:
        assert error_of(made) == (400, f"{noun(place)}_format_unsupported")
        return
    assert made.status_code == 202, made.text
    place.wait(things)
    document = place.create(place.key, things, {"value": values[kind]})
    assert document.status_code == 201, document.text
    url = place.documents_of(things, document.json()["$id"])
    assert place.key.get(url).json()["value"] == values[kind]
    for wrong in ("x", [181, 0], [[0, 0]], [1], [[[0, 0], [1, 1], [0, 0]]]):
        assert place.create(place.key, things, {"value": wrong}).status_code == 400


def test_defaults(place: Place) -> None:
    things = place.collection(
        {"key": "title", "default": "无题"},
        {"key": "size", "kind": "integer", "default": 7},
        {"key": "when", "kind": "datetime", "default": "2026-01-02T03:04:05.006+00:00"},
    )
    made = place.create(place.key, things, {"size": 1}).json()
    assert (made["title"], made["size"]) == ("无题", 1)
    assert made["when"] == "2026-01-02T03:04:05.006+00:00"
    refusal = (400, f"{noun(place)}_default_unsupported")
    assert error_of(make(place, things, "string", size=5, required=True, default="x")) == refusal
    assert error_of(make(place, things, "integer", array=True, default=1)) == refusal
    wrong = (400, f"{noun(place)}_value_invalid")
    assert error_of(make(place, things, "string", size=2, default="xyz")) == wrong
    assert error_of(make(place, things, "integer", min=5, max=4)) == wrong
    assert error_of(make(place, things, "integer", min=5, default=4)) == wrong
    assert error_of(make(place, things, "enum", elements=["a"], default="b")) == wrong


def test_rows_have_a_width(place: Place) -> None:
    things = place.collection({"key": "wide", "size": 16_000})
    limit = (400, f"{noun(place)}_limit_exceeded")
    assert error_of(make(place, things, "string", key="more", size=16_000)) == limit
    # Longer ones are kept beside the row.
    assert make(place, things, "string", key="beside", size=16_384).status_code == 202
    left = (65_535 - 250 - 64_002 - 12 - 2) // 4
    assert error_of(make(place, things, "string", key="fits", size=left + 1)) == limit
    assert make(place, things, "string", key="fits", size=left).status_code == 202
    assert all(a["status"] == "available" for a in place.wait(things)[place.attributes])


def test_changing_and_renaming(place: Place) -> None:
    things = place.collection({"key": "title", "size": 5}, {"key": "size", "kind": "integer"})
    made = place.create(place.key, things, {"title": "abcde", "size": 3}).json()
    url = f"{place.at(things)}/{place.attributes}"

    def change(kind: str, key: str, **fields: Any) -> Any:
        body = {"required": False, "default": None} | fields
        return place.key.patch(f"{url}/{kind}/{key}", json=body)

    assert change("string", "title", newKey="name", size=30_000).status_code == 200
    place.wait(things)
    longer = place.create(place.key, things, {"name": "x" * 30_000})
    assert longer.status_code == 201
    assert error_of(change("string", "name", size=4)) == (400, f"{noun(place)}_invalid_resize")
    place.key.delete(place.documents_of(things, longer.json()["$id"]))
    assert change("string", "name", size=5).json()["size"] == 5
    read = place.key.get(place.documents_of(things, made["$id"])).json()
    assert read["name"] == "abcde"
    assert "title" not in read
    bounded = change("integer", "size", min=0, max=9, default=4)
    assert (bounded.json()["min"], bounded.json()["default"]) == (0, 4)
    assert place.create(place.key, things, {"name": "x"}).json()["size"] == 4
    assert error_of(change("boolean", "size")) == (400, f"{noun(place)}_type_invalid")
    assert error_of(change("integer", "nothing")) == (404, f"{noun(place)}_not_found")
    taken = change("integer", "size", newKey="name")
    assert error_of(taken) == (409, f"{noun(place)}_already_exists")
    assert change("integer", "size", required=True).json()["required"] is True
    refused = place.create(place.key, things, {"name": "x"})
    assert error_of(refused)[0] == 400


def test_deleting_frees_the_key(place: Place) -> None:
    things = place.collection({"key": "title"}, {"key": "size", "kind": "integer"})
    made = place.create(place.key, things, {"title": "x", "size": 3}).json()
    url = f"{place.at(things)}/{place.attributes}/size"
    assert place.key.delete(url).status_code == 204
    assert "size" not in place.key.get(place.documents_of(things, made["$id"])).json()
    assert [each["key"] for each in place.wait(things)[place.attributes]] == ["title"]
    assert error_of(place.key.get(url)) == (404, f"{noun(place)}_not_found")
    place.attribute(things, key="size", kind="string")
    place.wait(things)
    assert place.key.get(place.documents_of(things, made["$id"])).json()["size"] is None


def test_lists_and_queries(place: Place) -> None:
    things = place.collection({"key": "title"}, {"key": "size", "kind": "integer"})
    url = f"{place.at(things)}/{place.attributes}"
    query = json.dumps({"method": "equal", "attribute": "type", "values": ["integer"]})
    found = place.key.get(url, params={"queries[0]": query}).json()
    assert [each["key"] for each in found[place.attributes]] == ["size"]
    assert found["total"] == 1
    assert place.key.get(f"{url}/title").json()["size"] == 100


def test_of_two_with_one_key_one_wins(place: Place) -> None:
    things = place.collection()
    answers: list[int] = []

    def ask() -> None:
        client = place.project.key()
        body = {"key": "same", "required": False, "size": 5}
        url = f"{place.at(things)}/{place.attributes}/string"
        answers.append(client.post(url, json=body).status_code)

    threads = [threading.Thread(target=ask) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answers) == [202, 409, 409, 409, 409, 409]
    assert len(place.wait(things)[place.attributes]) == 1


def test_strange_keys(place: Place) -> None:
    things = place.collection()
    for key in ("", "$id", "_x", "a b", "x" * 37, "a`b", "a'b", "水", 5, None):
        assert make(place, things, "string", key=key, size=5).status_code == 400, key
    for key in ("select", "a.b-c_d", "x" * 36, "_"[1:] + "0"):
        assert make(place, things, "string", key=key, size=5).status_code == 202, key
    place.wait(things)
    made = place.create(place.key, things, {"select": "x", "a.b-c_d": "y"})
    assert made.json()["a.b-c_d"] == "y"
