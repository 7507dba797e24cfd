"""Many documents in one call: all or none, for keys and administrators."""

import json
from typing import Any

import pytest

from raindrop.databases.bulk import BULK_MAX
from tests.databases.places import Place
from tests.support.site import Site
from tests.support.v1 import Project, error_of

pytestmark = pytest.mark.contract


@pytest.fixture(scope="module", params=["databases", "tablesdb"])
def place(running_site: Site, request: pytest.FixtureRequest) -> Place:
    return Place(Project(running_site), request.param)


@pytest.fixture
def things(place: Place) -> str:
    return place.collection(
        {"key": "title", "required": True},
        {"key": "size", "kind": "integer", "default": 7},
        {"key": "tags", "array": True},
    )


def many(place: Place, method: str, things: str, client: Any = None, **body: Any) -> Any:
    client = client or place.key
    return client.request(method, place.documents_of(things), json=body)


def listed(place: Place, things: str) -> list[dict[str, Any]]:
    found = place.key.get(place.documents_of(things), params={"queries[0]": query("limit", 5000)})
    documents: list[dict[str, Any]] = found.json()[place.documents]
    return documents


def query(method: str, *values: Any, attribute: str = "") -> str:
    written = {"method": method, "values": list(values)}
    return json.dumps(written | ({"attribute": attribute} if attribute else {}))


def test_create_at_the_limit_and_over_it(place: Place, things: str) -> None:
    rows = [{"$id": f"n{number}", "title": f"t{number}"} for number in range(BULK_MAX + 1)]
    refused = many(place, "POST", things, **{place.documents: rows})
    assert error_of(refused) == (400, "general_argument_invalid")
    assert listed(place, things) == []
    made = many(place, "POST", things, **{place.documents: rows[:-1]})
    assert made.status_code == 201, made.text
    answer = made.json()
    assert answer["total"] == BULK_MAX
    assert [each["$id"] for each in answer[place.documents]] == [row["$id"] for row in rows[:-1]]
    assert answer[place.documents][0]["size"] == 7
    assert answer[place.documents] == listed(place, things)


def test_all_or_none(place: Place, things: str) -> None:
    rows: list[dict[str, Any]] = [{"title": "a"}, {"title": "b", "size": "three"}]
    refused = many(place, "POST", things, **{place.documents: rows})
    noun = place.documents.removesuffix("s")
    assert error_of(refused) == (400, f"{noun}_invalid_structure")
    rows = [{"$id": "same", "title": "a"}, {"$id": "same", "title": "b"}]
    for method in ("POST", "PUT"):
        refused = many(place, method, things, **{place.documents: rows})
        assert error_of(refused) == (409, f"{noun}_already_exists")
    assert error_of(many(place, "POST", things, **{place.documents: []}))[0] == 400
    assert listed(place, things) == []


def test_ids_and_permissions_are_checked(place: Place, things: str) -> None:
    for row in ({"$id": "-x"}, {"$id": 3}, {"$permissions": "x"}, {"$permissions": ["fly"]}):
        refused = many(place, "POST", things, **{place.documents: [{"title": "a"} | row]})
        assert error_of(refused) == (400, "general_argument_invalid"), row
    row = {"title": "a", "$permissions": ['read("any")'], "$createdAt": "2001-02-03T04:05:06.789Z"}
    (made,) = many(place, "POST", things, **{place.documents: [row]}).json()[place.documents]
    assert made["$permissions"] == ['read("any")']
    assert made["$createdAt"] == "2001-02-03T04:05:06.789+00:00"


def test_upsert_creates_and_changes(place: Place, things: str) -> None:
    many(place, "POST", things, **{place.documents: [{"$id": "one", "title": "a", "size": 1}]})
    rows = [{"$id": "two", "title": "b"}, {"$id": "one", "title": "c"}]
    put = many(place, "PUT", things, **{place.documents: rows})
    assert put.status_code == 201, put.text
    shown = [(d["$id"], d["title"], d["size"]) for d in put.json()[place.documents]]
    assert shown == [("two", "b", 7), ("one", "c", 1)]
    by_id = {d["$id"]: d for d in listed(place, things)}
    assert by_id == {d["$id"]: d for d in put.json()[place.documents]}


def test_update_and_delete_by_queries(place: Place, things: str) -> None:
    rows = [{"$id": f"n{number}", "title": "t", "size": number} for number in range(10)]
    many(place, "POST", things, **{place.documents: rows})
    few = [query("greaterThan", 6, attribute="size")]
    changed = many(place, "PATCH", things, data={"title": "big"}, queries=few)
    assert changed.status_code == 200, changed.text
    assert changed.json()["total"] == 3
    assert [d["title"] for d in listed(place, things)] == ["t"] * 7 + ["big"] * 3
    counted = many(
        place, "PATCH", things, data={"size": query("increment", 10)}, queries=few
    ).json()
    assert [d["size"] for d in counted[place.documents]] == [17, 18, 19]
    gone = many(place, "DELETE", things, queries=few)
    assert gone.status_code == 200, gone.text
    assert [d["size"] for d in gone.json()[place.documents]] == [17, 18, 19]
    assert len(listed(place, things)) == 7
    assert many(place, "DELETE", things, queries=[query("limit", 5)]).json()["total"] == 5
    assert many(place, "DELETE", things).json()["total"] == 2
    assert many(place, "PATCH", things, data={"title": "x"}).json()["total"] == 0
    assert error_of(many(place, "PATCH", things))[0] == 400


def test_only_keys_and_administrators(place: Place, things: str) -> None:
    body = {place.documents: [{"title": "a"}], "data": {"title": "b"}}
    for client in (place.project.guest(), place.project.sign_up()):
        for method in ("POST", "PUT", "PATCH", "DELETE"):
            given = {place.documents: body[place.documents]} if method == "POST" else body
            refused = many(place, method, things, client, **given)
            assert error_of(refused) == (401, "general_unauthorized_scope"), method
    reader = place.project.key("documents.read", "rows.read")
    refused = many(place, "PUT", things, reader, **body)
    assert error_of(refused) == (401, "general_unauthorized_scope")
    assert listed(place, things) == []


def test_one_and_many_do_not_mix(place: Place, things: str) -> None:
    body = {place.documents: [{"title": "a"}], "data": {"title": "a"}}
    assert error_of(many(place, "POST", things, **body)) == (400, "general_argument_invalid")


def test_an_event_for_each(place: Place, things: str) -> None:
    rows = [{"$id": f"e{number}", "title": "t"} for number in range(3)]
    many(place, "POST", things, **{place.documents: rows})
    names = place.project.site.sql(
        "SELECT name FROM events WHERE name LIKE :name ORDER BY id", name=f"%.{things}.documents.%"
    )
    where = f"databases.{place.id}.collections.{things}.documents"
    assert [each["name"] for each in names] == [f"{where}.e{n}.create" for n in range(3)]
