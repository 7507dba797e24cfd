"""Attributes of every kind: making, listing, deleting, their limits, in both sets of words."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.databases.places import Place
from tests.support.site import Site
from tests.support.v1 import Project, error_of

pytestmark = pytest.mark.contract

KINDS: dict[str, tuple[dict[str, Any], Any, Any]] = {
    "string": ({"size": 10, "default": "蛙"}, "水", 3),
    "email": ({"default": "a@example.test"}, "b@example.test", "nobody"),
    "url": ({"default": "https://a.example/"}, "http://b.example/x", "nowhere"),
    "ip": ({"default": "127.0.0.1"}, "2001:db8::1", "300.1.1.1"),
    "enum": ({"elements": ["red", "green"], "default": "red"}, "green", "blue"),
    "integer": ({"min": -5, "max": 5, "default": 0}, 5, 6),
    "float": ({"min": -0.5, "max": 0.5, "default": 0.25}, -0.5, 0.75),
    "boolean": ({"default": True}, False, "yes"),
    "datetime": (
        {"default": "2020-01-02T03:04:05.000+00:00"},
        "2021-01-02T03:04:05.678+00:00",
        "yesterday",
    ),
}
"""By kind: options with a default, another value that fits, one that does not."""
GEOMETRIES: dict[str, tuple[Any, Any]] = {
    "point": ([10.5, 50.25], [181, 0]),
    "line": ([[10, 50], [11, 51]], [[10, 50]]),
    "polygon": ([[[0, 0], [1, 0], [1, 1], [0, 0]]], [[[0, 0], [1, 0], [1, 1]]]),
}


@pytest.fixture(scope="module", params=["databases", "tablesdb"])
def place(running_site: Site, request: pytest.FixtureRequest) -> Iterator[Place]:
    yield Place(Project(running_site), request.param)


def attributes_of(place: Place, collection: str, rest: str = "") -> str:
    return f"{place.at(collection)}/{place.attributes}{rest}"


def make(place: Place, collection: str, kind: str, **fields: Any) -> Any:
    body = {"required": False} | fields
    return place.key.post(attributes_of(place, collection, f"/{kind}"), json=body)


def noun(place: Place) -> str:
    return place.attributes.removesuffix("s")


def test_every_kind_has_its_values(place: Place) -> None:
    things = place.collection(
        *({"kind": kind, "key": kind, **options} for kind, (options, _, _) in KINDS.items()),
        *({"kind": kind, "key": f"{kind}s", "array": True, **without_default(options)}
          for kind, (options, _, _) in KINDS.items()),
    )  # fmt: skip
    shown = {each["key"]: each for each in place.wait(things)[place.attributes]}
    assert {each["status"] for each in shown.values()} == {"available"}
    made = place.create(place.key, things, {"string": "x"}).json()
    for kind, (options, value, wrong) in KINDS.items():
        one = place.key.get(attributes_of(place, things, f"/{kind}")).json()
        assert one == shown[kind]
        for name, option in options.items():
            assert one[name] == option, name
        if kind != "string":
            assert made[kind] == options["default"]
        assert made[f"{kind}s"] == []
        right = place.create(place.key, things, {kind: value, f"{kind}s": [value, value]})
        assert right.status_code == 201, right.text
        assert (right.json()[kind], right.json()[f"{kind}s"]) == (value, [value, value])
        for bad in ({kind: wrong}, {f"{kind}s": [wrong]}, {f"{kind}s": value}):
            refused = place.create(place.key, things, bad)
            assert error_of(refused)[1].endswith("_invalid_structure"), bad


def without_default(options: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in options.items() if name != "default"}


def test_coordinates_are_kept_by_mariadb_only(place: Place, running_site: Site) -> None:
    things = place.collection()
    for kind, (value, wrong) in GEOMETRIES.items():
        made = make(place, things, kind, key=kind, default=value)
        if running_site.settings.is_sqlite:
            assert error_of(made) == (400, f"{noun(place)}_format_unsupported")
            continue
        assert made.status_code == 202, made.text
        assert made.json()["default"] == value
        refused = make(place, things, kind, key=f"{kind}2", default=wrong)
        assert error_of(refused) == (400, f"{noun(place)}_value_invalid")
    shown = place.wait(things)[place.attributes]
    assert all(each["status"] == "available" for each in shown), shown
    if running_site.settings.is_sqlite:
        return
    made = place.create(place.key, things, {"point": [1, 2]})
    assert made.status_code == 201, made.text
    assert made.json()["point"] == [1, 2]
    for kind in ("line", "polygon"):
        assert made.json()[kind] == GEOMETRIES[kind][0]


def test_what_does_not_go_together_is_refused(place: Place) -> None:
    things = place.collection()
    for kind, (options, _, wrong) in KINDS.items():
        for fields, problem in (
            ({"required": True}, "default_unsupported"),
            ({"array": True}, "default_unsupported"),
            ({"default": wrong}, "value_invalid"),
        ):
            refused = make(place, things, kind, key="x", **(options | fields))
            if type(wrong) is not type(options["default"]) and problem == "value_invalid":
                assert error_of(refused) == (400, "general_argument_invalid")
            else:
                assert error_of(refused) == (400, f"{noun(place)}_{problem}"), kind
    for kind in ("integer", "float"):
        refused = make(place, things, kind, key="x", min=2, max=1)
        assert error_of(refused) == (400, f"{noun(place)}_value_invalid")
    assert place.key.get(attributes_of(place, things)).json()["total"] == 0


@pytest.mark.parametrize("size", [16_300, 16_384, 65_535])
def test_a_text_of_four_bytes_a_character_fits(place: Place, size: int) -> None:
    things = place.collection({"key": "text", "size": size})
    longest = "\U0001f438" * size
    made = place.create(place.key, things, {"text": longest})
    assert made.status_code == 201, made.text
    assert made.json()["text"] == longest
    over = place.create(place.key, things, {"text": longest + "x"})
    assert error_of(over)[1].endswith("_invalid_structure")


@pytest.mark.parametrize(
    ("kind", "right", "wrong"),
    [
        ("string", {"size": 1_073_741_824}, {"size": 1_073_741_825}),
        ("string", {"size": 1}, {"size": 0}),
        ("string", {"size": 1, "key": "k" * 36}, {"size": 1, "key": "k" * 37}),
        ("string", {"size": 1, "key": "a-b.c_D9"}, {"size": 1, "key": "-a"}),
        ("enum", {"elements": ["e" * 255]}, {"elements": ["e" * 256]}),
        ("enum", {"elements": [f"{n}" for n in range(100)]}, {"elements": ["e"] * 101}),
        ("enum", {"elements": ["e"]}, {"elements": []}),
        ("integer", {"min": -(2**63)}, {"min": -(2**63) - 1}),
        ("integer", {"max": 2**63 - 1}, {"max": 2**63}),
    ],
)
def test_limits_of_options(
    place: Place, kind: str, right: dict[str, Any], wrong: dict[str, Any]
) -> None:
    things = place.collection()
    assert make(place, things, kind, **({"key": "x"} | right)).status_code == 202
    refused = make(place, things, kind, **({"key": "y"} | wrong))
    assert error_of(refused) == (400, "general_argument_invalid")
    place.wait(things)


def test_the_widest_row_is_made_and_one_byte_more_refused(place: Place) -> None:
    things = place.collection()
    # 250 bytes are the system's; a string takes 4 a character and 2; bits say what is null.
    assert make(place, things, "string", key="wide", size=16_000).status_code == 202
    left = 65_535 - 250 - (4 * 16_000 + 2)
    size = (left - 2) // 4
    refused = make(place, things, "string", key="more", size=size + 1)
    assert error_of(refused) == (400, f"{noun(place)}_limit_exceeded")
    assert make(place, things, "string", key="rest", size=size).status_code == 202
    assert make(place, things, "boolean", key="flag").status_code in (202, 400)
    assert {each["status"] for each in place.wait(things)[place.attributes]} == {"available"}


def test_as_many_long_texts_as_a_page_takes(running_site: Site) -> None:
    place = Place(Project(running_site))
    things = place.collection()
    count = 0
    while (made := make(place, things, "string", key=f"t{count}", size=20_000)).status_code == 202:
        count += 1
    assert error_of(made) == (400, f"{noun(place)}_limit_exceeded")
    assert count == 191
    shown = place.wait(things)[place.attributes]
    assert {(each["status"], each["error"]) for each in shown} == {("available", "")}
    text = "x" * 9000
    made = place.create(place.key, things, {f"t{number}": text for number in range(count)})
    assert made.status_code == 201, made.text


def test_lists_take_queries(place: Place) -> None:
    things = place.collection(
        {"key": "title", "required": True, "size": 40},
        {"key": "tags", "array": True, "size": 20},
        {"key": "size", "kind": "integer"},
    )
    for query, wanted in (
        ('{"method":"equal","attribute":"key","values":["tags"]}', ["tags"]),
        ('{"method":"equal","attribute":"type","values":["integer"]}', ["size"]),
        ('{"method":"greaterThan","attribute":"size","values":[20]}', ["title"]),
        ('{"method":"equal","attribute":"required","values":[true]}', ["title"]),
        ('{"method":"equal","attribute":"array","values":[true]}', ["tags"]),
        ('{"method":"equal","attribute":"status","values":["failed"]}', []),
        ('{"method":"equal","attribute":"error","values":[""]}', ["title", "tags", "size"]),
        ('{"method":"limit","values":[1]}', ["title"]),
        ('{"method":"cursorAfter","values":["tags"]}', ["size"]),
    ):
        found = place.key.get(attributes_of(place, things), params={"queries[0]": query}).json()
        assert [each["key"] for each in found[place.attributes]] == wanted, query
    uncounted = place.key.get(attributes_of(place, things), params={"total": "false"}).json()
    assert (uncounted["total"], len(uncounted[place.attributes])) == (0, 3)
    wrong = {"queries[0]": '{"method":"equal","attribute":"colour","values":["red"]}'}
    refused = place.key.get(attributes_of(place, things), params=wrong)
    assert error_of(refused) == (400, "general_query_invalid")


def test_one_that_is_deleted_is_gone_from_documents(place: Place) -> None:
    things = place.collection({"key": "title"}, {"key": "size", "kind": "integer"})
    document = place.create(place.key, things, {"title": "x", "size": 1}).json()
    url = attributes_of(place, things, "/size")
    assert place.key.delete(url).status_code == 204
    place.wait(things)
    assert error_of(place.key.get(url)) == (404, f"{noun(place)}_not_found")
    assert error_of(place.key.delete(url)) == (404, f"{noun(place)}_not_found")
    shown = place.key.get(place.documents_of(things, document["$id"])).json()
    assert shown["title"] == "x"
    assert "size" not in shown
    again = make(place, things, "string", key="size", size=5)
    assert again.status_code == 202
    place.wait(things)
    assert place.key.get(place.documents_of(things, document["$id"])).json()["size"] is None


def test_of_two_with_one_key_one_is_made(place: Place) -> None:
    things = place.collection()

    def ask(number: int) -> int:
        return int(make(place, things, "string", key="same", size=number).status_code)

    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(ask, range(1, 5))) == [202, 409, 409, 409]
    again = make(place, things, "integer", key="same")
    assert error_of(again) == (409, f"{noun(place)}_already_exists")
    assert len(place.wait(things)[place.attributes]) == 1


def test_who_may_not_and_what_is_not_there(place: Place) -> None:
    things = place.collection({"key": "title"})
    list_, one = attributes_of(place, things), attributes_of(place, things, "/title")
    body = {"key": "x", "required": False, "size": 5}
    change = {"required": False, "default": None}
    for client in (place.project.guest(), place.project.key("users.read")):
        for answer in (
            client.get(list_),
            client.get(one),
            client.post(f"{list_}/string", json=body),
            client.patch(f"{list_}/string/title", json=change),
            client.delete(one),
        ):
            assert error_of(answer) == (401, "general_unauthorized_scope")
    reader = place.project.key("collections.read")
    assert reader.get(one).status_code == 200
    assert error_of(reader.delete(one)) == (401, "general_unauthorized_scope")
    other = Project(place.project.site).key()
    for answer in (other.get(one), other.delete(one), other.post(f"{list_}/string", json=body)):
        assert error_of(answer) == (404, "database_not_found")
    collection = place.collections.removesuffix("s")
    missing = place.key.get(attributes_of(place, "missing"))
    assert error_of(missing) == (404, f"{collection}_not_found")
    assert error_of(place.key.get(f"{list_}/missing")) == (404, f"{noun(place)}_not_found")


VALUES = [
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
    ("kind", "options", "good", "bad"), VALUES, ids=lambda value: str(value)[:20]
)
def test_a_kind_takes_what_fits(
    place: Place, kind: str, options: dict[str, Any], good: list[Any], bad: list[Any]
) -> None:
    things = place.collection()
    assert make(place, things, kind, key="value", **options).status_code == 202
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


def test_strange_keys(place: Place) -> None:
    things = place.collection()
    for key in ("", "$id", "_x", "a b", "x" * 37, "a`b", "a'b", "水", 5, None):
        assert make(place, things, "string", key=key, size=5).status_code == 400, key
    for key in ("select", "a.b-c_d", "x" * 36, "0"):
        assert make(place, things, "string", key=key, size=5).status_code == 202, key
    place.wait(things)
    made = place.create(place.key, things, {"select": "x", "a.b-c_d": "y"})
    assert made.json()["a.b-c_d"] == "y"
