"""One table of who may see and change which documents, asked in every way there is to ask: the
answer is the same everywhere."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from tests.contract.recorder import ContractClient
from tests.databases.places import Place
from tests.support.operators import Operator
from tests.support.site import Site
from tests.support.v1 import Project
from tests.teams.people import id_of

pytestmark = pytest.mark.contract

TEXT = {"own": "alpha secret", "team": "bravo secret", "open": "charlie open", "none": "delta none"}
"""The documents, and what each says."""
EVERYTHING = frozenset(TEXT)
SEES = {
    "guest": {"open"},
    "owner": {"own", "open"},
    "member": {"team", "open"},
    "stranger": {"open"},
    "key": EVERYTHING,
}
CHANGES = {
    "guest": set[str](),
    "owner": {"own"},
    "member": {"team"},
    "stranger": set[str](),
    "key": EVERYTHING,
}


@dataclass
class Scene:
    """The documents in their collection, a shelf that is related to all of them and open to
    everybody, and who asks."""

    place: Place
    things: str
    shelves: str
    clients: dict[str, ContractClient]
    transactions: dict[str, str] = field(default_factory=dict)

    def get(self, who: str, url: str, *queries: dict[str, Any], **more: str) -> Any:
        params = {f"queries[{n}]": json.dumps(query) for n, query in enumerate(queries)}
        return self.clients[who].get(url, params=params | more)

    def found(self, who: str, *queries: dict[str, Any], **more: str) -> set[str]:
        """The ids that a list of the documents shows; its total agrees."""
        answer = self.get(who, self.place.documents_of(self.things), *queries, **more)
        assert answer.status_code == 200, answer.text
        shown = answer.json()
        ids = {each["$id"] for each in shown[self.place.documents]}
        assert shown["total"] == len(ids), (who, queries)
        return ids

    def transaction(self, who: str) -> str:
        """A transaction of somebody's own."""
        if who not in self.transactions:
            made = self.clients[who].post(f"/v1/{self.place.service}/transactions", json={})
            assert made.status_code == 201, made.text
            self.transactions[who] = made.json()["$id"]
        return self.transactions[who]


def q(method: str, attribute: str = "", *values: Any) -> dict[str, Any]:
    return {"method": method, "attribute": attribute, "values": list(values)}


@pytest.fixture(scope="module", params=["databases", "tablesdb"])
def scene(running_site: Site, request: pytest.FixtureRequest) -> Scene:
    place = Place(Project(running_site), request.param)
    project = place.project
    owner, member, stranger = (project.sign_up() for _ in range(3))
    team = member.post("/v1/teams", json={"teamId": "unique()", "name": "Crew"}).json()["$id"]
    things = place.collection(
        {"key": "text"},
        {"key": "size", "kind": "integer"},
        permissions=['create("users")'],
        has_document_security=True,
    )
    index = {"key": "words", "type": "fulltext", place.attributes: ["text"]}
    made = place.key.post(f"{place.at(things)}/indexes", json=index)
    assert made.status_code == 202, made.text
    shelves = place.collection({"key": "name"}, permissions=['read("any")'])
    relation = {
        "relatedTableId" if place.service == "tablesdb" else "relatedCollectionId": things,
        "type": "oneToMany",
        "key": "things",
        "twoWay": True,
        "twoWayKey": "shelf",
    }
    made = place.key.post(f"{place.at(shelves)}/{place.attributes}/relationship", json=relation)
    assert made.status_code == 202, made.text
    place.wait(shelves)
    place.wait(things)
    shelf = place.create(place.key, shelves, {"name": "shelf"}, "shelf")
    assert shelf.status_code == 201, shelf.text

    def whose(role: str) -> list[str]:
        return [f'{action}("{role}")' for action in ("read", "update", "delete")]

    permissions = {
        "own": whose(f"user:{id_of(owner)}"),
        "team": whose(f"team:{team}"),
        "open": ['read("any")'],
        "none": [],
    }
    for name, text in TEXT.items():
        data = {"text": text, "size": 1, "shelf": "shelf"}
        made = place.create(place.key, things, data, name, permissions[name])
        assert made.status_code == 201, made.text
    clients = {
        "guest": project.guest(),
        "owner": owner,
        "member": member,
        "stranger": stranger,
        "key": place.key,
    }
    return Scene(place, things, shelves, clients)


def by_get(scene: Scene, who: str) -> set[str]:
    url = scene.place.documents_of
    answers = {name: scene.get(who, url(scene.things, name)) for name in TEXT}
    noun = scene.place.documents.removesuffix("s")
    for answer in answers.values():
        if answer.status_code != 200:
            assert answer.json()["type"] == f"{noun}_not_found"
    return {name for name, answer in answers.items() if answer.status_code == 200}


def by_list(scene: Scene, who: str) -> set[str]:
    return scene.found(who)


def by_list_in_order(scene: Scene, who: str) -> set[str]:
    orders = (q("orderDesc", "$createdAt"), q("orderAsc", "text"), q("orderDesc", "$sequence"))
    first, *others = [scene.found(who, order) for order in orders]
    assert others == [first, first]
    return first


def by_filter(scene: Scene, who: str) -> set[str]:
    return {name for name, text in TEXT.items() if scene.found(who, q("equal", "text", text))}


def by_start(scene: Scene, who: str) -> set[str]:
    starts = {name: q("startsWith", "text", text[:3]) for name, text in TEXT.items()}
    return {name for name, start in starts.items() if scene.found(who, start)}


def by_search(scene: Scene, who: str) -> set[str]:
    words = {name: text.split()[0] for name, text in TEXT.items()}
    return {name for name, word in words.items() if scene.found(who, q("search", "text", word))}


def by_either(scene: Scene, who: str) -> set[str]:
    either = {"method": "or", "values": [q("equal", "$id", name) for name in TEXT]}
    return scene.found(who, either)


def by_negation(scene: Scene, who: str) -> set[str]:
    return scene.found(who, q("notEqual", "text", "nothing of these"))


def by_select(scene: Scene, who: str) -> set[str]:
    return scene.found(who, q("select", "", "$id", "text"))


def by_cursor(scene: Scene, who: str) -> set[str]:
    """A page can begin behind a document only for those who may read it."""
    url = scene.place.documents_of(scene.things)
    answers = {name: scene.get(who, url, q("cursorAfter", "", name)) for name in TEXT}
    for answer in answers.values():
        if answer.status_code != 200:
            assert answer.json()["type"] == "general_cursor_not_found"
    return {name for name, answer in answers.items() if answer.status_code == 200}


def by_transaction(scene: Scene, who: str) -> set[str]:
    return scene.found(who, transactionId=scene.transaction(who))


def by_get_in_transaction(scene: Scene, who: str) -> set[str]:
    transaction, url = scene.transaction(who), scene.place.documents_of
    answers = {
        name: scene.get(who, url(scene.things, name), transactionId=transaction) for name in TEXT
    }
    return {name for name, answer in answers.items() if answer.status_code == 200}


def by_relationship(scene: Scene, who: str) -> set[str]:
    url = scene.place.documents_of(scene.shelves, "shelf")
    answer = scene.get(who, url, q("select", "", "*", "things.*"))
    assert answer.status_code == 200, answer.text
    return {each["$id"] for each in answer.json()["things"]}


def by_filter_on_related(scene: Scene, who: str) -> set[str]:
    url = scene.place.documents_of(scene.shelves)
    answers = {
        name: scene.get(who, url, q("equal", "things.text", text)) for name, text in TEXT.items()
    }
    return {name for name, answer in answers.items() if answer.json()["total"]}


WAYS_TO_SEE: list[Callable[[Scene, str], set[str]]] = [
    by_get, by_list, by_list_in_order, by_filter, by_start, by_search, by_either, by_negation,
    by_select, by_cursor, by_transaction, by_get_in_transaction, by_relationship,
    by_filter_on_related,
]  # fmt: skip


@pytest.mark.parametrize("way", WAYS_TO_SEE, ids=lambda way: way.__name__)
def test_everybody_sees_the_same_in_every_way(
    scene: Scene, way: Callable[[Scene, str], set[str]]
) -> None:
    """Twice, the second time others have asked the same."""
    for _ in range(2):
        for who, seen in SEES.items():
            if who == "guest" and "transaction" in way.__name__:
                continue  # visitors have none
            assert way(scene, who) == seen, (way.__name__, who)


def attempts(scene: Scene, who: str, name: str) -> Iterator[tuple[str, Any]]:
    """Every way to change a document; the answers."""
    client, url = scene.clients[who], scene.place.documents_of(scene.things, name)
    mark = f"by {who}"
    yield "update", client.patch(url, json={"data": {"text": mark}})
    yield "upsert", client.put(url, json={"data": {"text": mark}})
    yield "permissions", client.patch(url, json={"permissions": ['read("any")']})
    yield "increment", client.patch(f"{url}/size/increment", json={"value": 5})
    operation = {
        "action": "update",
        "databaseId": scene.place.id,
        scene.place.collection_field: scene.things,
        scene.place.document_field: name,
        "data": {"text": mark},
    }
    begun = client.post(f"/v1/{scene.place.service}/transactions", json={})
    place = f"/v1/{scene.place.service}/transactions/{begun.json().get('$id', 'nothing')}"
    staged = client.post(f"{place}/operations", json={"operations": [operation]})
    if staged.status_code == 201:
        yield "transaction", client.patch(place, json={"commit": True})
    else:
        yield "transaction", staged
    yield "delete", client.delete(url)


@pytest.mark.parametrize("who", ["guest", "stranger", "owner", "member"])
def test_nobody_changes_what_is_anothers(scene: Scene, who: str) -> None:
    for name in EVERYTHING - CHANGES[who]:
        before = scene.clients["key"].get(scene.place.documents_of(scene.things, name)).json()
        for way, answer in attempts(scene, who, name):
            assert answer.status_code in (400, 401, 403, 404, 409), (way, name, answer.text)
            after = scene.clients["key"].get(scene.place.documents_of(scene.things, name))
            assert after.json() == before, (way, name)


@pytest.mark.parametrize("who", ["guest", "stranger", "owner", "member"])
def test_bulk_forms_are_not_for_people(scene: Scene, who: str) -> None:
    client, url = scene.clients[who], scene.place.documents_of(scene.things)
    several = [{"$id": "new", "text": "x"}]
    for answer in (
        client.post(url, json={scene.place.documents: several}),
        client.put(url, json={scene.place.documents: several}),
        client.patch(url, json={"data": {"text": "x"}}),
        client.request("DELETE", url, json={}),
    ):
        assert answer.status_code in (400, 401), answer.text
    assert by_list(scene, "key") == EVERYTHING


def test_export_and_import_are_for_administrators(scene: Scene) -> None:
    path = f"/api/databases/{scene.place.project.id}/{scene.place.id}/{scene.things}"
    stranger = Operator(scene.place.project.site).client
    for who in ("guest", "owner", "member"):
        for client in (scene.clients[who], stranger):
            answer = client.post(f"{path}/export", json={"format": "jsonl"})
            assert answer.status_code in (401, 403, 404), answer.text
            file = {"file": ("things.jsonl", b'{"text": "x"}\n')}
            answer = client.post(f"{path}/import", files=file)
            assert answer.status_code in (401, 403, 404), answer.text
    assert by_list(scene, "key") == EVERYTHING
