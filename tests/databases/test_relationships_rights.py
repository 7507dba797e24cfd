"""Nobody reaches through a relationship what is out of reach without it."""

import pytest

from tests.databases.places import ANYBODY, Place
from tests.databases.relating import Pair, query, select
from tests.support.site import Site
from tests.support.v1 import Project, error_of

pytestmark = pytest.mark.contract


@pytest.fixture(scope="module")
def place(running_site: Site) -> Place:
    return Place(Project(running_site))


@pytest.fixture(scope="module")
def pair(place: Place) -> Pair:
    """Parents are anybody's; of the children each says itself who may read it."""
    parents = place.collection({"key": "name"}, permissions=ANYBODY)
    children = place.collection({"key": "name"}, permissions=[], has_document_security=True)
    return Pair.relate(place, parents, children, "oneToMany", is_two_way=True, on_delete="cascade")


def _child(pair: Pair, name: str, permissions: list[str]) -> str:
    made = pair.place.create(pair.place.key, pair.children, {"name": name}, permissions=permissions)
    assert made.status_code == 201, made.text
    return str(made.json()["$id"])


def test_what_is_unreadable_is_not_loaded_found_linked_or_unlinked(pair: Pair) -> None:
    visitor, place = pair.place.project.guest(), pair.place
    hidden, shown = _child(pair, "hidden", []), _child(pair, "shown", ['read("any")'])
    parent = pair.parent("p", kids=[hidden, shown])
    url = place.documents_of(pair.parents, parent)
    seen = visitor.get(url, params={"queries[0]": select("*", "kids.*")}).json()
    assert [each["name"] for each in seen["kids"]] == ["shown"]
    assert pair.list(query("equal", "kids.name", "hidden"), client=visitor) == []
    assert pair.list(query("equal", "kids", hidden), client=visitor) == []
    for unknown in (hidden, "nothing"):
        refused = place.create(visitor, pair.parents, {"name": "q", "kids": [unknown]})
        assert error_of(refused) == (400, "relationship_value_invalid")
    refused = visitor.patch(url, json={"data": {"kids": []}})
    assert error_of(refused) == (401, "user_unauthorized")  # it may not change what it reads
    assert sorted(pair.kids(parent)) == ["hidden", "shown"]


def test_a_nested_document_keeps_its_own_rules(pair: Pair) -> None:
    visitor, place = pair.place.project.guest(), pair.place
    child = _child(pair, "mine", ['read("any")'])
    nested = {"name": "q", "kids": [{"$id": child, "name": "stolen"}]}
    assert place.create(visitor, pair.parents, nested).status_code == 401
    fresh = {"name": "q", "kids": [{"name": "new"}]}
    assert place.create(visitor, pair.parents, fresh).status_code == 401


def test_a_cascade_needs_the_permission_to_delete(pair: Pair) -> None:
    visitor, place = pair.place.project.guest(), pair.place
    parent = pair.parent("p", kids=[_child(pair, "kept", ['read("any")'])])
    url = place.documents_of(pair.parents, parent)
    assert error_of(visitor.delete(url)) == (403, "document_delete_restricted")
    assert pair.kids(parent) == ["kept"]
    assert place.key.delete(url).status_code == 204
