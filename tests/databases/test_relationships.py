"""Relationships of every kind, one-way and two-way: made, written, moved, loaded, asked for."""

import json
from typing import Any

import pytest

from tests.databases.places import Place
from tests.databases.relating import KINDS, Pair, numbered, query, select
from tests.support.site import Site
from tests.support.v1 import Project, error_of

pytestmark = pytest.mark.contract


@pytest.fixture(scope="module", params=["databases", "tablesdb"])
def place(running_site: Site, request: pytest.FixtureRequest) -> Place:
    return Place(Project(running_site), request.param)


@pytest.fixture(scope="module")
def pairs(place: Place) -> dict[tuple[str, bool], Pair]:
    return {
        (kind, is_two_way): Pair.make(place, kind, is_two_way=is_two_way)
        for kind in KINDS
        for is_two_way in (True, False)
    }


@pytest.fixture(params=[(kind, two_way) for kind in KINDS for two_way in (True, False)], ids=str)
def pair(pairs: dict[tuple[str, bool], Pair], request: pytest.FixtureRequest) -> Pair:
    return pairs[request.param]


def test_a_relationship_is_shown(pair: Pair) -> None:
    shown = pair.place.key.get(f"{pair.place.at(pair.parents)}/{pair.place.attributes}/kids").json()
    related = "relatedTable" if pair.place.service == "tablesdb" else "relatedCollection"
    assert shown["status"] == "available"
    assert shown[related] == pair.children
    assert (shown["relationType"], shown["twoWay"]) == (pair.kind, pair.is_two_way)
    assert (shown["side"], shown["onDelete"]) == ("parent", "restrict")
    url = f"{pair.place.at(pair.children)}/{pair.place.attributes}/folk"
    back = pair.place.key.get(url)
    assert back.status_code == (200 if pair.is_two_way else 404)
    if pair.is_two_way:
        assert (back.json()["status"], back.json()["side"]) == ("available", "child")


def test_documents_are_linked_moved_and_unlinked(pair: Pair) -> None:
    one, two = pair.child("one"), pair.child("two")
    parent = pair.parent("p", kids=pair.value(one))
    assert pair.kids(parent) == ["one"]
    if pair.is_two_way:
        assert pair.folk(one) == ["p"]
    pair.change(parent, pair.value(two))
    assert pair.kids(parent) == ["two"]
    if pair.is_two_way:
        assert pair.folk(one) == []
    other = pair.parent("q", kids=pair.value(two))
    is_shared = pair.kind in ("manyToOne", "manyToMany")
    assert pair.kids(other) == ["two"]
    assert pair.kids(parent) == (["two"] if is_shared else [])
    pair.change(other, [] if pair.has_many else None)
    assert pair.kids(other) == []


def test_the_other_side_links_too(pair: Pair) -> None:
    if not pair.is_two_way:
        return
    parent = pair.parent("p")
    is_many = pair.kind in ("manyToOne", "manyToMany")
    child = pair.child("one", folk=[parent] if is_many else parent)
    assert pair.kids(parent) == ["one"]
    assert pair.folk(child) == ["p"]


def test_nested_documents_are_created_and_changed(pair: Pair) -> None:
    parent = pair.parent("p", kids=pair.value({"name": "new"}))
    loaded = pair.load(parent)["kids"]
    child = loaded[0] if pair.has_many else loaded
    assert child["name"] == "new"
    pair.change(parent, pair.value({"$id": child["$id"], "name": "changed"}))
    assert pair.kids(parent) == ["changed"]
    pair.change(parent, pair.value(child | {"name": "changed"}))
    assert pair.kids(parent) == ["changed"]


def test_what_is_no_relation_is_refused(pair: Pair) -> None:
    for wrong in (pair.value("nothing"), 5, pair.value(7), pair.value({"$id": "$$$", "name": "x"})):
        refused = pair.place.create(pair.place.key, pair.parents, {"name": "p", "kids": wrong})
        assert error_of(refused) == (400, "relationship_value_invalid"), wrong
    shape = "x" if pair.has_many else ["x"]
    refused = pair.place.create(pair.place.key, pair.parents, {"name": "p", "kids": shape})
    assert error_of(refused) == (400, "relationship_value_invalid")
    assert pair.list(query("equal", "name", "nobody")) == []


def test_nothing_is_loaded_unless_asked(pair: Pair) -> None:
    parent = pair.parent("p", kids=pair.value(pair.child("one")))
    url = pair.place.documents_of(pair.parents, parent)
    assert "kids" not in pair.place.key.get(url).json()
    named = pair.load(parent, select("name", "kids.name"))
    assert named["name"] == "p"
    listed = pair.list(query("equal", "$id", parent), select("*", "kids.*"))
    kids = listed[0]["kids"] if pair.has_many else [listed[0]["kids"]]
    assert [each["name"] for each in kids] == ["one"]
    refused = pair.place.key.get(url, params=numbered([select("kids.nothing")]))
    assert refused.status_code == 400


def test_related_documents_are_asked_for(pair: Pair) -> None:
    child = pair.child("sought")
    parent, lone = pair.parent("has", kids=pair.value(child)), pair.parent("lone")

    def found(*queries: str) -> set[str]:
        return {each["$id"] for each in pair.list(*queries)}

    assert found(query("equal", "kids.name", "sought")) == {parent}
    assert found(query("equal", "kids", child)) == {parent}
    assert parent in found(query("isNotNull", "kids"), query("limit", None, 5000))
    missing = found(query("isNull", "kids"), query("limit", None, 5000))
    assert lone in missing and parent not in missing
    either = json.dumps(
        {
            "method": "or",
            "values": [
                json.loads(query("equal", "kids.name", "sought")),
                json.loads(query("equal", "$id", lone)),
            ],
        }
    )
    assert found(either) == {parent, lone}


def test_restrict(pair: Pair) -> None:
    child = pair.child("one")
    parent = pair.parent("p", kids=pair.value(child))
    holder, held = (child, parent) if pair.kind == "manyToOne" else (parent, child)
    noun = pair.place.documents.removesuffix("s")
    assert error_of(pair.delete(holder)) == (403, f"{noun}_delete_restricted")
    assert pair.delete(held).status_code == 204
    assert pair.delete(holder).status_code == 204


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("is_two_way", [True, False])
@pytest.mark.parametrize("on_delete", ["cascade", "setNull"])
def test_cascade_and_set_null(place: Place, kind: str, is_two_way: bool, on_delete: str) -> None:
    pair = Pair.make(place, kind, is_two_way=is_two_way, on_delete=on_delete)
    child = pair.child("one")
    parent = pair.parent("p", kids=pair.value(child))
    holder, held = (child, parent) if kind == "manyToOne" else (parent, child)
    assert pair.delete(holder).status_code == 204
    there = place.key.get(pair.url(held))
    assert there.status_code == (404 if on_delete == "cascade" else 200)
    if on_delete == "setNull" and held == parent:
        assert pair.kids(parent) == []


def test_a_relationship_is_changed_and_deleted(place: Place) -> None:
    pair = Pair.make(place, "oneToMany", is_two_way=True)
    url = f"{place.at(pair.parents)}/{place.attributes}/kids"
    changed = place.key.patch(f"{url}/relationship", json={"onDelete": "setNull", "newKey": "kin"})
    assert changed.status_code == 200, changed.text
    assert (changed.json()["key"], changed.json()["onDelete"]) == ("kin", "setNull")
    back = f"{place.at(pair.children)}/{place.attributes}/folk"
    assert place.key.get(back).json()["twoWayKey"] == "kin"
    wrong = place.key.patch(
        f"{place.at(pair.parents)}/{place.attributes}/name/relationship", json={}
    )
    assert wrong.status_code == 400
    assert place.key.delete(back).status_code == 204
    place.wait(pair.parents)
    assert place.key.get(back).status_code == 404
    assert place.key.get(f"{place.at(pair.parents)}/{place.attributes}/kin").status_code == 404
    Pair.relate(place, pair.parents, pair.children, "manyToMany", is_two_way=True)


def test_keys_default_to_ids_and_are_unique(place: Place) -> None:
    parents, children = place.collection({"key": "name"}), place.collection({"key": "name"})
    related = "relatedTableId" if place.service == "tablesdb" else "relatedCollectionId"
    url = f"{place.at(parents)}/{place.attributes}/relationship"
    body: dict[str, Any] = {related: children, "type": "oneToOne", "twoWay": True}
    made = place.key.post(url, json=body)
    assert made.status_code == 202, made.text
    assert (made.json()["key"], made.json()["twoWayKey"]) == (children, parents)
    noun = place.attributes.removesuffix("s")
    assert error_of(place.key.post(url, json=body)) == (409, f"{noun}_already_exists")
    missing = place.key.post(url, json=body | {related: "nothing"})
    assert error_of(missing) == (404, f"{place.collections.removesuffix('s')}_not_found")


def test_deleting_a_collection_deletes_its_relationships(place: Place) -> None:
    for is_two_way in (True, False):
        pair = Pair.make(place, "manyToMany", is_two_way=is_two_way)
        parent = pair.parent("p", kids=pair.value(pair.child("one")))
        assert place.key.delete(place.at(pair.children)).status_code == 204
        place.wait(pair.parents)
        shown = place.key.get(place.at(pair.parents)).json()
        assert [each["key"] for each in shown[place.attributes]] == ["name"]
        assert place.key.delete(pair.url(parent)).status_code == 204


def test_a_collection_is_related_to_itself(place: Place) -> None:
    people = place.collection({"key": "name"})
    pair = Pair.relate(place, people, people, "oneToMany", is_two_way=True)
    root = pair.parent("root", kids=[{"name": "a", "kids": [{"name": "b"}]}])
    loaded = pair.load(root, select("name", "kids.name", "kids.kids.name", "kids.kids.folk.name"))
    leaf = loaded["kids"][0]["kids"][0]
    assert (leaf["name"], leaf["folk"]["name"]) == ("b", "a")
    found = {each["name"] for each in pair.list(query("equal", "kids.kids.name", "b"))}
    assert found == {"root"}
    deep = {
        "name": "1",
        "kids": [
            {"name": "2", "kids": [{"name": "3", "kids": [{"name": "4", "kids": [{"name": "5"}]}]}]}
        ],
    }
    assert error_of(place.create(place.key, people, deep)) == (400, "relationship_value_invalid")
