"""Lists of documents by queries, each operator and each limit, in both sets of words."""

from typing import Any

import pytest

from tests.databases.places import Place
from tests.databases.queries import args, q
from tests.support.site import Site
from tests.support.v1 import Project, error_of

pytestmark = pytest.mark.contract

ATTRIBUTES: list[dict[str, Any]] = [
    {"key": "name"},
    {"key": "size", "kind": "integer"},
    {"key": "weight", "kind": "float"},
    {"key": "open", "kind": "boolean"},
    {"key": "due", "kind": "datetime"},
    {"key": "tags", "array": True},
    {"key": "counts", "kind": "integer", "array": True},
]
ROWS: dict[str, dict[str, Any]] = {
    "a": {"name": "Apple", "size": 1, "weight": 0.5, "open": True, "tags": ["red", "green"]},
    "b": {"name": "apple pie", "size": 2, "open": False, "due": "2024-05-01T00:00:00.000+00:00"},
    "c": {"name": "水滴石穿", "size": 2, "weight": -1.5, "tags": ["水", ", "]},
    "d": {"name": "100%_\\x", "size": None, "tags": [], "counts": [1, 2**53 + 1]},
    "e": {"name": None, "size": 9, "open": True, "due": "2025-01-01T00:00:00.000+00:00"},
}


@pytest.fixture(scope="module", params=["databases", "tablesdb"])
def place(running_site: Site, request: pytest.FixtureRequest) -> Place:
    return Place(Project(running_site), request.param)


@pytest.fixture(scope="module")
def fruit(place: Place) -> str:
    collection = place.collection(*ATTRIBUTES)
    for document, data in ROWS.items():
        made = place.create(place.key, collection, data, document)
        assert made.status_code == 201, made.text
    return collection


FOUND: list[tuple[dict[str, Any], str]] = [
    (q("equal", "name", "Apple"), "a"),
    (q("equal", "name", "apple", "水滴石穿"), "c"),
    (q("equal", "size", 2), "bc"),
    (q("equal", "size", 2.0), "bc"),
    (q("equal", "open", True), "ae"),
    (q("equal", "$id", "a", "e", "none"), "ae"),
    (q("notEqual", "size", 2), "ade"),
    (q("notEqual", "$id", "a"), "bcde"),
    (q("lessThan", "size", 2), "a"),
    (q("lessThanEqual", "size", 2), "abc"),
    (q("greaterThan", "weight", -2), "ac"),
    (q("greaterThanEqual", "size", 9), "e"),
    (q("between", "size", 2, 9), "bce"),
    (q("notBetween", "size", 2, 9), "ad"),
    (q("isNull", "name"), "e"),
    (q("isNotNull", "weight"), "ac"),
    (q("isNull", "tags"), ""),
    (q("startsWith", "name", "A"), "a"),
    (q("startsWith", "name", ""), "abcd"),
    (q("notStartsWith", "name", "A"), "bcde"),
    (q("endsWith", "name", "pie"), "b"),
    (q("endsWith", "name", ""), "abcd"),
    (q("notEndsWith", "name", "穿"), "abde"),
    (q("contains", "name", "pp"), "ab"),
    (q("contains", "name", "%_\\"), "d"),
    (q("contains", "name", "滴", "pie"), "bc"),
    (q("notContains", "name", "pp", "水"), "de"),
    (q("containsAll", "name", "apple", "pie"), "b"),
    (q("contains", "tags", "red"), "a"),
    (q("contains", "tags", "re"), ""),
    (q("contains", "tags", ", "), "c"),
    (q("contains", "tags", "RED", "水"), "c"),
    (q("notContains", "tags", "red"), "bcde"),
    (q("containsAny", "tags", "red", "水"), "ac"),
    (q("containsAll", "tags", "red", "green"), "a"),
    (q("contains", "counts", 2**53 + 1), "d"),
    (q("contains", "counts", 2**53), ""),
    (q("equal", "due", "2024-05-01T02:00:00+02:00"), "b"),
    (q("greaterThan", "due", "2024-06-01"), "e"),
    (q("greaterThan", "$createdAt", "2020-01-01T00:00:00.000+00:00"), "abcde"),
    (q("between", "$updatedAt", "2000-01-01", "2001-01-01"), ""),
    (q("lessThan", "$sequence", 2**60), "abcde"),
    (q("or", None, q("equal", "size", 1), q("and", None, q("isNull", "name"))), "ae"),
    (q("and", None, q("equal", "size", 2), q("startsWith", "name", "a")), "b"),
]


@pytest.mark.parametrize(("query", "wanted"), FOUND, ids=lambda value: str(value)[:60])
def test_each_operator(place: Place, fruit: str, query: dict[str, Any], wanted: str) -> None:
    listed = place.project.guest().get(place.documents_of(fruit), params=args(query))
    assert listed.status_code == 200, listed.text
    assert [each["$id"] for each in listed.json()[place.documents]] == list(wanted)
    assert listed.json()["total"] == len(wanted)


WRONG: list[dict[str, Any]] = [
    q("equal", "colour", "red"),
    q("equal", "a_1", "red"),
    q("equal", "_uid", "a"),
    q("equal", "$permissions", "a"),
    q("equal", "size", "2"),
    q("equal", "size", 2.5),
    q("equal", "size", 2**63),
    q("equal", "size", True),
    q("equal", "weight", 10**400),
    q("equal", "open", 1),
    q("equal", "name", None),
    q("equal", "name", "\0"),
    q("equal", "name", ["nested"]),
    q("equal", "name", {"$ne": ""}),
    q("equal", "due", "yesterday"),
    q("equal", "tags", "red"),
    q("equal", "name"),
    q("between", "size", 1),
    q("lessThan", "size", 1, 2),
    q("contains", "size", 1),
    q("startsWith", "size", "1"),
    q("startsWith", "tags", "1"),
    q("search", "name", "apple"),
    q("notSearch", "name", "apple"),
    q("orderAsc", "colour"),
    q("orderAsc", "tags"),
    q("regex", "name", "(a+)+$"),
    q("exists", None, "name"),
    q("elemMatch", "tags", q("equal", "x", 1)),
    q("join", "other", "a", "=", "b"),
    q("sum", "size"),
    q("vectorDot", "weight", [1, 2]),
    q("select", None, "colour"),
    q("select", None, "a_1"),
    q("select", None, 1),
    q("select", None),
    q("limit", None, 0),
    q("limit", None, 5001),
    q("limit", None, "1"),
    q("offset", None, -1),
    q("crosses", "name", [[1, 2], [3, 4]]),
    q("distanceLessThan", "size", [[1, 2], 3, True]),
    q("or", None),
    q("or", None, q("limit", None, 1)),
    q("or", None, q("or", None, q("or", None, q("or", None, q("isNull", "name"))))),
    {"method": "equal", "attribute": 3, "values": [1]},
    {"attribute": "name"},
]


@pytest.mark.parametrize("query", WRONG, ids=lambda value: str(value)[:60])
def test_what_is_no_query_is_refused(place: Place, fruit: str, query: dict[str, Any]) -> None:
    refused = place.project.guest().get(place.documents_of(fruit), params=args(query))
    assert error_of(refused) == (400, "general_query_invalid")


def test_queries_have_limits(place: Place, fruit: str) -> None:
    visitor, url = place.project.guest(), place.documents_of(fruit)

    def ask(*queries: dict[str, Any]) -> Any:
        return visitor.get(url, params=args(*queries))

    noun = "column" if place.service == "tablesdb" else "attribute"
    assert ask(q("equal", "size", *range(100))).status_code == 200
    too_many = (400, f"general_{noun}_query_limit_exceeded")
    assert error_of(ask(q("equal", "size", *range(101)))) == too_many
    assert ask(*[q("isNull", "size")] * 100).status_code == 200
    assert error_of(ask(*[q("isNull", "size")] * 101)) == (400, "general_query_invalid")
    room = 4096 - len(args(q("equal", "name", ""))["queries[0]"])
    assert ask(q("equal", "name", "x" * room)).status_code == 200
    assert error_of(ask(q("equal", "name", "x" * (room + 1)))) == (400, "general_query_invalid")
    deepest = q("or", None, q("and", None, q("or", None, q("isNull", "size"))))
    assert ask(deepest).status_code == 200


def test_pages_go_on_where_the_last_ended_whatever_the_order(place: Place, fruit: str) -> None:
    visitor, url = place.project.guest(), place.documents_of(fruit)
    for orders, wanted in (
        ([], "abcde"),
        ([q("orderDesc", "")], "edcba"),
        ([q("orderAsc", "size")], "dabce"),
        ([q("orderDesc", "size")], "ecbad"),
        ([q("orderAsc", "size"), q("orderDesc", "name")], "dacbe"),
        ([q("orderDesc", "due"), q("orderAsc", "weight")], "ebdca"),
        ([q("orderDesc", "$id")], "edcba"),
        ([q("orderDesc", "$createdAt")], "edcba"),
    ):
        seen: list[str] = []
        cursor: list[dict[str, Any]] = []
        while True:
            page = visitor.get(url, params=args(*orders, *cursor, q("limit", None, 2))).json()
            ids = [each["$id"] for each in page[place.documents]]
            if not ids:
                break
            seen += ids
            cursor = [q("cursorAfter", None, ids[-1])]
        assert "".join(seen) == wanted, orders
        last = [q("cursorBefore", None, wanted[-1]), q("limit", None, 2)]
        page = visitor.get(url, params=args(*orders, *last)).json()
        assert "".join(each["$id"] for each in page[place.documents]) == wanted[-3:-1]
    gone = visitor.get(url, params=args(q("cursorAfter", None, "none")))
    assert error_of(gone) == (400, "general_cursor_not_found")


def test_random_order_has_every_document(place: Place, fruit: str) -> None:
    visitor, url = place.project.guest(), place.documents_of(fruit)
    listed = visitor.get(url, params=args(q("orderRandom"))).json()[place.documents]
    assert {each["$id"] for each in listed} == set(ROWS)
    no = visitor.get(url, params=args(q("orderRandom"), q("cursorAfter", None, "a")))
    assert error_of(no) == (400, "general_query_invalid")


def test_a_selection_leaves_out_what_is_not_named(place: Place, fruit: str) -> None:
    visitor, url = place.project.guest(), place.documents_of(fruit)

    def first(*keys: str) -> dict[str, Any]:
        params = args(q("select", None, *keys), q("limit", None, 1))
        shown: dict[str, Any] = visitor.get(url, params=params).json()[place.documents][0]
        return shown

    def own(document: dict[str, Any]) -> set[str]:
        return {key for key in document if not key.startswith("$")}

    keys = {attribute["key"] for attribute in ATTRIBUTES}
    assert own(first("*")) == keys
    assert own(first("name", "size")) == {"name", "size"}
    assert own(first("$id")) == set()
    assert {"$id", "$sequence", "$createdAt", "$updatedAt", "$permissions"} <= set(first("name"))


def test_a_search_needs_its_index(place: Place, fruit: str) -> None:
    visitor, url = place.project.guest(), place.documents_of(fruit)
    body = {"key": "words", "type": "fulltext", "attributes": ["name"]}
    if place.service == "tablesdb":
        body["columns"] = body.pop("attributes")
    assert place.key.post(f"{place.at(fruit)}/indexes", json=body).status_code == 202
    place.wait(fruit)

    def found(query: dict[str, Any]) -> str:
        listed = visitor.get(url, params=args(query))
        assert listed.status_code == 200, listed.text
        assert listed.json()["total"] == len(listed.json()[place.documents])
        return "".join(each["$id"] for each in listed.json()[place.documents])

    assert found(q("search", "name", "apple")) == "ab"
    assert found(q("search", "name", "滴石")) == "c"
    assert found(q("notSearch", "name", "apple")) == "cde"
    assert found(q("search", "name", "")) == ""
    assert found(q("and", None, q("search", "name", "pie"), q("search", "name", "apple"))) == "b"
