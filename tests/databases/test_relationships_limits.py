"""How many related documents are written, loaded and deleted at once: N, and N + 1."""

from typing import Any

import pytest

from raindrop.databases.bulk import BULK_MAX
from raindrop.databases.cascades import CASCADE_MAX
from raindrop.databases.loading import LOADED_MAX
from raindrop.databases.related import RELATED_MAX
from tests.databases.places import Place
from tests.databases.relating import Pair, query, select
from tests.support.site import Site
from tests.support.v1 import Project, error_of

pytestmark = pytest.mark.contract

INVALID = (400, "relationship_value_invalid")


@pytest.fixture(scope="module")
def place(running_site: Site) -> Place:
    return Place(Project(running_site))


def related_crowd(
    place: Place, count: int, kind: str = "oneToMany", **more: Any
) -> tuple[Pair, list[str]]:
    """Two collections that are related once there are ``count`` children; these."""
    parents, children = (place.collection({"key": "name"}) for _ in range(2))
    ids = [f"k{number:04}" for number in range(count)]
    for start in range(0, count, BULK_MAX):
        some = [{"$id": uid, "name": uid} for uid in ids[start : start + BULK_MAX]]
        made = place.key.post(place.documents_of(children), json={"documents": some})
        assert made.status_code == 201, made.text
    return Pair.relate(place, parents, children, kind, is_two_way=True, **more), ids


def test_ids_in_one_documents_data(place: Place) -> None:
    pair, ids = related_crowd(place, RELATED_MAX + 1)
    refused = place.create(place.key, pair.parents, {"name": "p", "kids": ids})
    assert error_of(refused) == INVALID
    assert pair.list() == []
    parent = pair.parent("p", kids=ids[:-1])
    assert pair.kids(parent) == ids[:-1]
    url = place.documents_of(pair.parents, parent)
    assert error_of(place.key.patch(url, json={"data": {"kids": ids}})) == INVALID
    assert error_of(place.key.put(url, json={"data": {"kids": ids}})) == INVALID
    assert pair.kids(parent) == ids[:-1]
    pair.change(parent, ids[1:])
    assert pair.kids(parent) == ids[1:]


def test_a_document_may_have_more_than_are_written_at_once(place: Place) -> None:
    pair, ids = related_crowd(place, RELATED_MAX + 1)
    parent = pair.parent("p", kids=ids[:-1])
    url = place.documents_of(pair.children, ids[-1])
    assert place.key.patch(url, json={"data": {"folk": parent}}).status_code == 200
    assert pair.kids(parent) == ids


def test_what_is_nested_counts_at_all_depths(place: Place) -> None:
    people = place.collection({"key": "name"}, {"key": "tags", "array": True})
    ids = [f"k{number:04}" for number in range(RELATED_MAX + 1)]
    some = [{"$id": uid, "name": uid} for uid in ids]
    for part in (some[:BULK_MAX], some[BULK_MAX:]):
        made = place.key.post(place.documents_of(people), json={"documents": part})
        assert made.status_code == 201, made.text
    pair = Pair.relate(place, people, people, "manyToMany", is_two_way=False)
    nested: dict[str, Any] = {"name": "child"}
    for wrong in (
        [{"name": uid} for uid in ids],
        [nested | {"kids": ids[1:]}],
        [nested | {"kids": [{"name": "grandchild", "kids": ids[2:]}]}],
        [*ids[500:], nested | {"kids": ids[:499]}],
    ):
        refused = place.create(place.key, people, {"name": "p", "kids": wrong})
        assert error_of(refused) == INVALID
        assert "At most" in refused.json()["message"]
    for name in ("p", "child", "grandchild"):
        assert pair.list(query("equal", "name", name)) == []
    # The values of an array are no related documents.
    good = nested | {"kids": ids[2:], "tags": ["x"] * 100}
    parent = pair.parent("p", kids=[good])
    loaded = pair.load(parent, select("kids.name", "kids.kids.name"))
    assert len(loaded["kids"][0]["kids"]) == RELATED_MAX - 1


def test_what_one_level_loads(place: Place) -> None:
    """The first ``LOADED_MAX`` in the order of those that have them; no more, and no error."""
    pair, ids = related_crowd(place, RELATED_MAX, "manyToMany")
    parents = [pair.parent(f"p{n}", kids=ids) for n in range(LOADED_MAX // RELATED_MAX)]
    queries = (select("name", "kids.name"), query("orderAsc", "name"))
    assert [len(each["kids"]) for each in pair.list(*queries)] == [RELATED_MAX] * len(parents)
    last = pair.parent("z", kids=ids[:1])
    counts = {each["$id"]: len(each["kids"]) for each in pair.list(*queries)}
    assert counts == dict.fromkeys(parents, RELATED_MAX) | {last: 0}
    assert pair.kids(last) == ids[:1]


def test_what_one_request_deletes_with_it(place: Place) -> None:
    pair, ids = related_crowd(place, CASCADE_MAX + 1, on_delete="cascade")
    parent = pair.parent("p", kids=ids[:-1])
    url = place.documents_of(pair.children, ids[-1])
    assert place.key.patch(url, json={"data": {"folk": parent}}).status_code == 200
    assert error_of(pair.delete(parent)) == (403, "document_delete_restricted")
    assert pair.kids(parent) == ids
    assert place.key.delete(url).status_code == 204
    assert pair.delete(parent).status_code == 204
    left = place.key.get(place.documents_of(pair.children)).json()
    assert left["total"] == 0
