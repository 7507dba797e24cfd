"""Indexes: making, failing, deleting, what they refuse, in both sets of words."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.databases.places import Place
from tests.support.site import Site
from tests.support.v1 import Project, error_of

pytestmark = pytest.mark.contract

ATTRIBUTES = (
    {"key": "title", "size": 768},
    {"key": "name", "size": 769},
    {"key": "short", "size": 384},
    {"key": "text", "size": 20_000},
    {"key": "tags", "array": True},
    {"key": "size", "kind": "integer"},
)


@pytest.fixture(scope="module", params=["databases", "tablesdb"])
def place(running_site: Site, request: pytest.FixtureRequest) -> Place:
    return Place(Project(running_site), request.param)


@pytest.fixture(scope="module")
def things(place: Place) -> str:
    return place.collection(*ATTRIBUTES)


def make(place: Place, collection: str, key: str, type_: str, *attributes: str, **more: Any) -> Any:
    body = {"key": key, "type": type_, place.attributes: attributes, **more}
    return place.key.post(f"{place.at(collection)}/indexes", json=body)


def prefix(place: Place) -> str:
    return "column_index" if place.service == "tablesdb" else "index"


def noun(place: Place) -> str:
    return place.attributes.removesuffix("s")


def test_every_form_is_made_and_deleted(place: Place, running_site: Site) -> None:
    things = place.collection(*ATTRIBUTES)
    made = {
        "whole": make(place, things, "whole", "key", "title"),
        "part": make(place, things, "part", "key", "text", "size", lengths=[100, 0]),
        "down": make(place, things, "down", "key", "size", "$createdAt", orders=["DESC", "asc"]),
        "two": make(place, things, "two", "key", "short", "title", lengths=[None, 384]),
        "ids": make(place, things, "ids", "key", "$id", "$updatedAt"),
        "only": make(place, things, "only", "unique", "short", "size"),
        "words": make(place, things, "words", "fulltext", "title", "text"),
    }
    for key, answer in made.items():
        assert answer.status_code == 202, answer.text
        assert (answer.json()["key"], answer.json()["status"]) == (key, "processing")
    shown = {each["key"]: each for each in place.wait(things)["indexes"]}
    assert {each["status"] for each in shown.values()} == {"available"}, shown
    assert shown["down"]["orders"] == ["DESC", "ASC"]
    assert shown["down"][place.attributes] == ["size", "$createdAt"]
    assert shown["part"]["lengths"] == [100, 0]
    url = f"{place.at(things)}/indexes"
    listed = place.key.get(url).json()
    assert (listed["total"], listed["indexes"]) == (len(made), list(shown.values()))
    query = {"queries[0]": '{"method":"equal","attribute":"type","values":["unique"]}'}
    assert [each["key"] for each in place.key.get(url, params=query).json()["indexes"]] == ["only"]
    for key in made:
        assert place.key.get(f"{url}/{key}").json() == shown[key]
        assert place.key.delete(f"{url}/{key}").status_code == 204
    assert place.wait(things)["indexes"] == []
    assert error_of(place.key.get(f"{url}/whole")) == (404, f"{prefix(place)}_not_found")
    assert error_of(place.key.delete(f"{url}/whole")) == (404, f"{prefix(place)}_not_found")


@pytest.mark.parametrize(
    ("type_", "attributes", "more"),
    [
        ("key", ["name"], {"lengths": [769 + 1]}),
        ("unique", ["name"], {}),
        ("unique", ["title"], {"lengths": [10]}),
        ("key", ["title", "size"], {}),
        ("key", ["short", "short"], {}),
        ("key", ["tags"], {}),
        ("key", ["size"], {"lengths": [4]}),
        ("key", ["size"], {"lengths": [0, 0]}),
        ("key", ["size"], {"orders": ["ASC", "ASC"]}),
        ("key", ["size"], {"orders": ["UP"]}),
        ("key", ["size"], {"lengths": [-1]}),
        ("fulltext", ["size"], {}),
        ("fulltext", ["$id"], {}),
        ("spatial", ["title"], {}),
        ("spatial", ["title", "short"], {}),
    ],
)
def test_what_no_index_can_be_of(
    place: Place, things: str, type_: str, attributes: list[str], more: dict[str, Any]
) -> None:
    refused = make(place, things, "wrong", type_, *attributes, **more)
    assert error_of(refused) == (400, f"{prefix(place)}_invalid"), refused.text


def test_bytes_of_an_index(place: Place, things: str) -> None:
    right = make(place, things, "right", "key", "short", "title", lengths=[384, 384])
    assert right.status_code == 202, right.text
    wrong = make(place, things, "wrong", "key", "short", "title", lengths=[384, 385])
    assert error_of(wrong) == (400, f"{prefix(place)}_invalid")
    assert place.wait(things)["indexes"][-1]["status"] == "available"


def test_what_is_not_there_or_not_ready(place: Place, things: str) -> None:
    unknown = make(place, things, "wrong", "key", "colour")
    assert error_of(unknown) == (400, f"{noun(place)}_unknown")
    unmade = make(place, things, "right", "key", key_of_failed(place, things))
    assert error_of(unmade) == (400, f"{noun(place)}_not_available")
    assert error_of(make(place, things, "wrong", "primary", "size"))[0] == 400
    assert error_of(make(place, things, "wrong", "key"))[0] == 400
    assert error_of(make(place, things, "wrong", "key", *["size"] * 17))[0] == 400


def key_of_failed(place: Place, collection: str) -> str:
    """An attribute that failed; what a test cannot make otherwise is written beside the server."""
    place.attribute(collection, key="broken")
    place.wait(collection)
    place.project.site.sql(
        "UPDATE attributes SET status = 'failed' WHERE project_id = :id AND `key` = 'broken'",
        id=place.project.number,
    )
    return "broken"


def test_an_attribute_of_an_index_stays(place: Place) -> None:
    things = place.collection({"key": "title"})
    assert make(place, things, "by", "key", "title").status_code == 202
    url = f"{place.at(things)}/{place.attributes}/title"
    assert error_of(place.key.delete(url)) == (409, f"{prefix(place)}_dependency")
    place.wait(things)
    assert error_of(place.key.delete(url)) == (409, f"{prefix(place)}_dependency")
    assert place.key.delete(f"{place.at(things)}/indexes/by").status_code == 204
    assert place.key.delete(url).status_code == 204
    assert place.wait(things)[place.attributes] == []


def test_a_unique_index_over_equal_values_fails_and_is_deleted(place: Place) -> None:
    things = place.collection({"key": "title"})
    for _ in range(2):
        assert place.create(place.key, things, {"title": "same"}).status_code == 201
    assert make(place, things, "only", "unique", "title").status_code == 202
    (shown,) = place.wait(things)["indexes"]
    assert shown["status"] == "failed"
    assert "same values" in shown["error"]
    assert make(place, things, "only", "key", "title").status_code == 409
    assert place.key.delete(f"{place.at(things)}/indexes/only").status_code == 204
    assert place.wait(things)["indexes"] == []
    assert make(place, things, "only", "key", "title").status_code == 202
    assert place.wait(things)["indexes"][0]["status"] == "available"


def test_unique_values_are_whole_and_differ_in_case(place: Place) -> None:
    things = place.collection({"key": "title"}, {"key": "size", "kind": "integer"})
    assert make(place, things, "only", "unique", "title").status_code == 202
    place.wait(things)
    for value in ("a", "A", "a ", "ä", None):
        answer = place.create(place.key, things, {"title": value, "size": 1})
        assert answer.status_code == 201, value
    assert error_of(place.create(place.key, things, {"title": "a"}))[0] == 409
    assert place.create(place.key, things, {"title": None, "size": 2}).status_code == 201


def test_the_last_of_the_indexes(place: Place, running_site: Site) -> None:
    things = place.collection({"key": "size", "kind": "integer"})
    keys = [f"i{number}" for number in range(57)]
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda key: make(place, things, key, "key", "size"), keys))
    codes = sorted(answer.status_code for answer in answers)
    assert codes == [202] * 56 + [400]
    (refused,) = (answer for answer in answers if answer.status_code == 400)
    assert error_of(refused) == (400, f"{prefix(place)}_limit_exceeded")
    place.wait(things)
    assert {each["status"] for each in place.wait(things)["indexes"]} == {"available"}


def test_of_two_with_one_key_one_is_made(place: Place) -> None:
    things = place.collection({"key": "title"})
    with ThreadPoolExecutor(4) as pool:
        answers = pool.map(lambda _: make(place, things, "same", "key", "title"), range(4))
        assert sorted(answer.status_code for answer in answers) == [202, 409, 409, 409]
    again = make(place, things, "same", "key", "title")
    assert error_of(again) == (409, f"{prefix(place)}_already_exists")
    place.wait(things)


def test_spatial_indexes_are_of_required_coordinates(place: Place, running_site: Site) -> None:
    if running_site.settings.is_sqlite:
        pytest.skip("SQLite keeps no coordinates")
    things = place.collection(
        {"key": "at", "kind": "point", "required": True}, {"key": "was", "kind": "point"}
    )
    refused = make(place, things, "wrong", "spatial", "was")
    assert error_of(refused) == (400, f"{prefix(place)}_invalid")
    assert make(place, things, "near", "spatial", "at").status_code == 202
    (shown,) = place.wait(things)["indexes"]
    assert (shown["status"], shown["error"]) == ("available", "")
    assert place.create(place.key, things, {"at": [1, 2]}).status_code == 201
    url = f"{place.at(things)}/{place.attributes}/point/at"
    optional = {"required": False, "default": None}
    refused = place.key.patch(url, json=optional)
    assert error_of(refused) == (409, f"{prefix(place)}_dependency")
    assert place.key.delete(f"{place.at(things)}/indexes/near").status_code == 204
    place.wait(things)
    assert place.key.patch(url, json=optional).status_code == 200
    assert place.create(place.key, things, {"was": [1, 2]}).status_code == 201


def test_who_may_not(place: Place, things: str) -> None:
    url = f"{place.at(things)}/indexes"
    body = {"key": "x", "type": "key", place.attributes: ["size"]}
    for client in (place.project.guest(), place.project.key("users.read")):
        for answer in (
            client.get(url),
            client.get(f"{url}/x"),
            client.post(url, json=body),
            client.delete(f"{url}/x"),
        ):
            assert error_of(answer) == (401, "general_unauthorized_scope")
    other = Project(place.project.site).key()
    for answer in (other.get(url), other.post(url, json=body), other.delete(f"{url}/x")):
        assert error_of(answer) == (404, "database_not_found")
