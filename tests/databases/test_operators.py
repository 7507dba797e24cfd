"""Operators in the place of values, and counting up and down."""

import json
from typing import Any

import pytest

from tests.databases.places import Place
from tests.support.site import Site
from tests.support.v1 import Project, error_of

pytestmark = pytest.mark.contract

START = {
    "whole": 10,
    "real": 2.5,
    "text": "drop",
    "flag": True,
    "day": "2024-02-28T12:00:00.000+00:00",
    "list": ["a", "b", "a"],
    "numbers": [1, 5, 3],
}


@pytest.fixture(scope="module")
def place(running_site: Site) -> Place:
    return Place(Project(running_site))


@pytest.fixture(scope="module")
def things(place: Place) -> str:
    return place.collection(
        {"key": "whole", "kind": "integer", "max": 1000},
        {"key": "real", "kind": "float"},
        {"key": "text", "size": 20},
        {"key": "flag", "kind": "boolean"},
        {"key": "day", "kind": "datetime"},
        {"key": "list", "array": True},
        {"key": "numbers", "kind": "integer", "array": True},
    )


def op(method: str, *values: Any) -> str:
    return json.dumps({"method": method, "values": list(values)}, separators=(",", ":"))


@pytest.fixture(scope="module")
def url(place: Place, things: str) -> str:
    made = place.create(place.key, things, START, "it")
    assert made.status_code == 201, made.text
    return place.documents_of(things, "it")


@pytest.mark.parametrize(
    ("key", "operator", "result"),
    [
        ("whole", op("increment", 5), 15),
        ("whole", op("increment", 5, 12), 12),
        ("whole", op("decrement", 20, -3), -3),
        ("whole", op("multiply", 3), 30),
        ("whole", op("divide", 4), 3),
        ("whole", op("modulo", 4), 2),
        ("whole", op("power", 2, 50), 50),
        ("real", op("divide", 2), 1.25),
        ("real", op("power", 2), 6.25),
        ("text", op("stringConcat", "!"), "drop!"),
        ("text", op("stringReplace", "d", "c"), "crop"),
        ("flag", op("toggle"), False),
        ("day", op("dateAddDays", 2), "2024-03-01T12:00:00.000+00:00"),
        ("day", op("dateSubDays", 28), "2024-01-31T12:00:00.000+00:00"),
        ("list", op("arrayAppend", "c", "d"), ["a", "b", "a", "c", "d"]),
        ("list", op("arrayPrepend", "c"), ["c", "a", "b", "a"]),
        ("list", op("arrayInsert", 1, "c"), ["a", "c", "b", "a"]),
        ("list", op("arrayRemove", "a"), ["b"]),
        ("list", op("arrayUnique"), ["a", "b"]),
        ("list", op("arrayIntersect", "b", "z"), ["b"]),
        ("list", op("arrayDiff", "a"), ["b"]),
        ("list", op("arrayFilter", "equal", "a"), ["a", "a"]),
        ("numbers", op("arrayFilter", "greaterThan", 2), [5, 3]),
        ("numbers", op("arrayFilter", "isNotNull", None), [1, 5, 3]),
    ],
)
def test_what_operators_make(place: Place, url: str, key: str, operator: str, result: Any) -> None:
    assert place.key.patch(url, json={"data": START}).status_code == 200
    for send in (place.key.patch, place.key.put):
        assert place.key.patch(url, json={"data": START}).status_code == 200
        changed = send(url, json={"data": {key: operator}})
        assert changed.json()[key] == result, changed.text
        assert place.key.get(url).json()[key] == result


@pytest.mark.parametrize(
    ("key", "operator"),
    [
        ("text", op("increment", 1)),
        ("list", op("stringConcat", "x")),
        ("whole", op("toggle")),
        ("whole", op("increment", "1")),
        ("whole", op("increment", 991)),
        ("whole", op("power", 10**9)),
        ("whole", op("divide", 0)),
        ("whole", op("modulo", 0)),
        ("real", op("power", 1e300)),
        ("text", op("stringConcat", "x" * 17)),
        ("list", op("arrayInsert", 9, "x")),
        ("list", op("arrayAppend", 3)),
        ("list", op("arrayFilter", "greaterThan", 3)),
        ("list", op("arrayFilter", "odd", 3)),
        ("day", op("dateAddDays", 10**9)),
    ],
)
def test_what_operators_refuse(place: Place, url: str, key: str, operator: str) -> None:
    assert place.key.patch(url, json={"data": START}).status_code == 200
    refused = place.key.patch(url, json={"data": {key: operator}})
    assert error_of(refused) == (400, "document_invalid_structure")
    assert place.key.get(url).json()[key] == START[key]


def test_a_new_document_begins_with_nothing(place: Place, things: str) -> None:
    data = {
        "whole": op("increment", 4), "list": op("arrayAppend", "x"), "day": op("dateSetNow"),
    }  # fmt: skip
    made = place.key.put(place.documents_of(things, "fresh"), json={"data": data})
    assert made.status_code == 201, made.text
    assert (made.json()["whole"], made.json()["list"]) == (4, ["x"])


def test_on_creation_it_is_a_text(place: Place, things: str) -> None:
    made = place.create(place.key, things, {"text": '{"method":"x"}'})
    assert made.json()["text"] == '{"method":"x"}'


def test_counting(place: Place, things: str) -> None:
    place.create(place.key, things, {"whole": 5, "text": "x"}, "count")
    url = place.documents_of(things, "count")

    def count(way: str, key: str = "whole", **body: Any) -> Any:
        return place.key.patch(f"{url}/{key}/{way}", json=body)

    assert count("increment").json()["whole"] == 6
    assert count("increment", value=4, max=10).json()["whole"] == 10
    assert error_of(count("increment", max=10)) == (400, "attribute_limit_exceeded")
    assert error_of(count("increment", value=991)) == (400, "attribute_limit_exceeded")
    assert count("decrement", value=10, min=0).json()["whole"] == 0
    assert error_of(count("decrement", min=0)) == (400, "attribute_limit_exceeded")
    assert count("increment", "real", value=0.5).json()["real"] == 0.5
    assert count("increment", "real", value=10**59).json()["real"] == 1e59
    assert count("decrement", "real", value=10**59).json()["real"] == 0
    assert error_of(count("increment", "real", value=10**400)) == (400, "general_argument_invalid")
    assert error_of(count("increment", value=10**59)) == (400, "attribute_limit_exceeded")
    assert error_of(count("increment", value=0.5)) == (400, "general_argument_invalid")
    assert error_of(count("increment", value=0)) == (400, "general_argument_invalid")
    assert error_of(count("increment", value="1")) == (400, "general_argument_invalid")
    assert error_of(count("increment", "text")) == (400, "attribute_type_invalid")
    assert error_of(count("increment", "numbers")) == (400, "attribute_type_invalid")
    assert error_of(count("increment", "nothing")) == (404, "attribute_not_found")
    gone = place.key.patch(place.documents_of(things, "gone") + "/whole/increment", json={})
    assert error_of(gone) == (404, "document_not_found")
    assert place.key.get(url).json()["whole"] == 0
