"""Operations on numbers, on many documents, and upserts inside transactions: staged through the
ordinary addresses and through the list of operations, in both sets of words."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from raindrop.databases.bulk import BULK_MAX
from tests.contract.recorder import ContractClient
from tests.databases.places import Place
from tests.databases.relating import Pair, query
from tests.databases.test_transactions import OPERATIONS_MAX, at, begin, events_of, finish
from tests.support.site import Site
from tests.support.v1 import Project, error_of

pytestmark = pytest.mark.contract

SMALL = [query("lessThan", "size", 3)]
"""Of the five documents of ``Board`` the first three."""


@dataclass
class Board:
    """A collection with documents ``d0`` … ``d4`` of the sizes 0 … 4, and a way to stage."""

    place: Place
    things: str
    is_listed: bool
    """Stage by the list of operations, not by the ordinary addresses."""

    def stage(self, transaction: str, action: str, document: str = "", **data: Any) -> Any:
        """Stage an operation; ``data`` is what the list of operations takes."""
        return (self._list if self.is_listed else self._send)(transaction, action, document, data)

    def _list(self, transaction: str, action: str, document: str, data: dict[str, Any]) -> Any:
        given: Any = data.get("documents", data)
        operation = {
            "action": action,
            "databaseId": self.place.id,
            self.place.collection_field: self.things,
            "data": {k: v for k, v in given.items() if v is not None} if given is data else given,
        }
        if document:
            operation[self.place.document_field] = document
        url = at(self.place, transaction, "/operations")
        return self.place.key.post(url, json={"operations": [operation]})

    def _send(self, transaction: str, action: str, document: str, data: dict[str, Any]) -> Any:
        url, inside = self.url(document), {"transactionId": transaction}
        body: dict[str, Any]
        if action in ("increment", "decrement"):
            key = data.pop(self.place.attributes.removesuffix("s"))
            return self.place.key.patch(f"{url}/{key}/{action}", json=data | inside)
        if action == "upsert":
            return self.place.key.put(url, json={"data": data} | inside)
        if action in ("bulkCreate", "bulkUpsert"):
            body = {self.place.documents: data["documents"]}
            method = "POST" if action == "bulkCreate" else "PUT"
        else:
            body, method = data, "PATCH" if action == "bulkUpdate" else "DELETE"
        return self.place.key.request(method, url, json=body | inside)

    def url(self, document: str = "") -> str:
        """The address of the documents, or of one."""
        return self.place.documents_of(self.things, document)

    def count(self, transaction: str, action: str, document: str, **data: Any) -> Any:
        """Stage an operation on the size of a document."""
        word = self.place.attributes.removesuffix("s")
        return self.stage(transaction, action, document, **{word: "size"}, **data)

    def sizes(self, transaction: str = "") -> dict[str, int]:
        """The sizes of the documents by id, as they are to somebody in the transaction."""
        params = {"queries[0]": query("limit", None, 5000)}
        if transaction:
            params["transactionId"] = transaction
        got = self.place.key.get(self.url(), params=params)
        assert got.status_code == 200, got.text
        return {each["$id"]: each["size"] for each in got.json()[self.place.documents]}


Staging = Callable[[Board, str], Any]

STAGINGS: dict[str, tuple[Staging, dict[str, int]]] = {
    "increment": (lambda b, t: b.count(t, "increment", "d1", value=5), {"d1": 6}),
    "decrement": (lambda b, t: b.count(t, "decrement", "d1", value=5), {"d1": -4}),
    "upsert new": (lambda b, t: b.stage(t, "upsert", "new", title="n", size=9), {"new": 9}),
    "upsert old": (lambda b, t: b.stage(t, "upsert", "d1", size=9), {"d1": 9}),
    "bulkCreate": (
        lambda b, t: b.stage(
            t, "bulkCreate", documents=[{"$id": f"n{n}", "title": "n", "size": n} for n in (7, 8)]
        ),
        {"n7": 7, "n8": 8},
    ),
    "bulkUpsert": (
        lambda b, t: b.stage(
            t,
            "bulkUpsert",
            documents=[{"$id": "d1", "size": 9}, {"$id": "new", "title": "n", "size": 8}],
        ),
        {"d1": 9, "new": 8},
    ),
    "bulkUpdate": (
        lambda b, t: b.stage(t, "bulkUpdate", data={"size": 9}, queries=SMALL),
        {"d0": 9, "d1": 9, "d2": 9},
    ),
    "bulkDelete": (
        lambda b, t: b.stage(t, "bulkDelete", queries=SMALL),
        {"d0": -99, "d1": -99, "d2": -99},
    ),
}
"""How to stage each kind, and what it makes of the sizes; -99: the document is gone."""
START = {f"d{n}": n for n in range(5)}


@pytest.fixture(scope="module", params=["databases", "tablesdb"])
def place(running_site: Site, request: pytest.FixtureRequest) -> Place:
    return Place(Project(running_site), request.param)


@pytest.fixture(scope="module")
def things(place: Place) -> str:
    return place.collection({"key": "title", "required": True}, {"key": "size", "kind": "integer"})


@pytest.fixture(params=["addresses", "operations"])
def board(place: Place, things: str, request: pytest.FixtureRequest) -> Board:
    board = Board(place, things, request.param == "operations")
    while board.sizes():
        body = {"queries": [query("limit", None, BULK_MAX)]}
        assert place.key.request("DELETE", board.url(), json=body).status_code == 200
    some = [{"$id": uid, "title": "t", "size": size} for uid, size in START.items()]
    made = place.key.post(board.url(), json={place.documents: some})
    assert made.status_code == 201, made.text
    return board


def after(changes: dict[str, int]) -> dict[str, int]:
    return {uid: size for uid, size in (START | changes).items() if size != -99}


@pytest.mark.parametrize("kind", STAGINGS)
def test_seen_inside_only_until_it_is_committed(board: Board, kind: str) -> None:
    (staging, changes), place, key = STAGINGS[kind], board.place, board.place.key
    before = {uid: len(events_of(place, uid)) for uid in changes}
    transaction = begin(place, key)
    answer = staging(board, transaction)
    assert answer.status_code in (200, 201), answer.text
    if not board.is_listed:
        shown = answer.json()
        listed = shown[place.documents] if "total" in shown else [shown]
        assert {each["$id"] for each in listed} == set(changes)
    assert board.sizes() == START
    assert board.sizes(transaction) == after(changes)
    assert {uid: len(events_of(place, uid)) for uid in changes} == before
    assert key.get(at(place, transaction)).json()["operations"] == 1
    done = finish(place, key, transaction)
    assert (done.status_code, done.json()["status"]) == (200, "committed")
    assert board.sizes() == after(changes)
    assert {uid: len(events_of(place, uid)) - 1 for uid in changes} == before


@pytest.mark.parametrize("kind", STAGINGS)
def test_rolled_back_it_never_was(board: Board, kind: str) -> None:
    (staging, changes), place, key = STAGINGS[kind], board.place, board.place.key
    before = {uid: events_of(place, uid) for uid in changes}
    transaction = begin(place, key)
    assert staging(board, transaction).status_code in (200, 201)
    assert finish(place, key, transaction, rollback=True).json()["status"] == "rolledBack"
    assert board.sizes() == START
    assert {uid: events_of(place, uid) for uid in changes} == before
    assert error_of(finish(place, key, transaction)) == (400, "transaction_not_ready")


@pytest.mark.parametrize("kind", STAGINGS)
def test_what_others_change_meanwhile_is_a_conflict(board: Board, kind: str) -> None:
    """Of each document that is touched, also where it is one of many."""
    (staging, changes), place, key = STAGINGS[kind], board.place, board.place.key
    for uid in changes:
        transaction = begin(place, key)
        assert staging(board, transaction).status_code in (200, 201)
        put = key.put(board.url(uid), json={"data": {"title": "theirs", "size": START.get(uid, 5)}})
        assert put.status_code == 201, put.text
        before = board.sizes()
        assert error_of(finish(place, key, transaction)) == (409, "transaction_conflict"), uid
        assert key.get(at(place, transaction)).json()["status"] == "failed"
        assert board.sizes() == before
        if uid not in START:
            assert key.delete(board.url(uid)).status_code == 204


def test_each_sees_what_was_staged_before_it(board: Board) -> None:
    place, key = board.place, board.place.key
    transaction = begin(place, key)
    new = [{"$id": f"n{n}", "title": "n", "size": n} for n in range(3)]
    one_below_0 = [query("lessThan", "size", 0), query("limit", None, 1)]
    for answer in (
        board.stage(transaction, "bulkCreate", documents=new),
        board.count(transaction, "increment", "n0", value=1),
        board.count(transaction, "increment", "n0"),
        board.stage(transaction, "bulkUpdate", data={"size": -1}, queries=SMALL),
        board.count(transaction, "decrement", "n2", value=10),
        board.stage(transaction, "upsert", "n1", size=50),
        board.stage(transaction, "bulkDelete", queries=one_below_0),
    ):
        assert answer.status_code in (200, 201), answer.text
    expected = {"d1": -1, "d2": -1, "d3": 3, "d4": 4, "n0": -1, "n1": 50, "n2": -11}
    assert board.sizes(transaction) == expected
    assert board.sizes() == START
    assert finish(place, key, transaction).status_code == 200
    assert board.sizes() == expected
    assert events_of(place, "n0")[-4:] == ["create", *["update"] * 3]


def test_ids_that_are_not_given_are_given_once(board: Board) -> None:
    place, key = board.place, board.place.key
    transaction = begin(place, key)
    some = [{"title": "n", "size": 7}, {"$id": "unique()", "title": "n", "size": 8}]
    for action in ("bulkCreate", "bulkUpsert"):
        assert board.stage(transaction, action, documents=some).status_code == 201
    inside = board.sizes(transaction)
    assert len(inside) == len(START) + 4
    assert board.sizes(transaction) == inside
    assert finish(place, key, transaction).status_code == 200
    assert board.sizes() == inside


def test_the_limits_of_numbers(board: Board) -> None:
    place, key = board.place, board.place.key
    transaction = begin(place, key)
    assert board.count(transaction, "increment", "d4", value=3, max=7).status_code in (200, 201)
    refused = board.count(transaction, "increment", "d4", value=1, max=7)
    assert error_of(refused) == (400, f"{place.attributes.removesuffix('s')}_limit_exceeded")
    assert board.count(transaction, "decrement", "d4", value=7, min=0).status_code in (200, 201)
    refused = board.count(transaction, "decrement", "d4", value=1, min=0)
    assert error_of(refused) == (400, f"{place.attributes.removesuffix('s')}_limit_exceeded")
    assert key.get(at(place, transaction)).json()["operations"] == 2
    word = place.attributes.removesuffix("s")
    where = {"databaseId": place.id, place.collection_field: board.things, "action": "increment"}
    one_each = [
        where | {place.document_field: f"d{number % 4}", "data": {word: "size"}}
        for number in range(OPERATIONS_MAX - 2)
    ]
    staged = key.post(at(place, transaction, "/operations"), json={"operations": one_each})
    assert staged.status_code == 201, staged.text
    refused = board.count(transaction, "increment", "d0")
    assert error_of(refused) == (400, "transaction_limit_exceeded")
    assert finish(place, key, transaction).json()["operations"] == OPERATIONS_MAX
    counts = {f"d{n}": n + (25 if n < 2 else 24) for n in range(4)}
    assert board.sizes() == counts | {"d4": 0}


def test_the_limits_of_many(board: Board) -> None:
    place, key = board.place, board.place.key
    transaction = begin(place, key)
    rows = [{"$id": f"n{n}", "title": "n", "size": 9} for n in range(BULK_MAX + 1)]
    for action in ("bulkCreate", "bulkUpsert"):
        refused = board.stage(transaction, action, documents=rows)
        assert error_of(refused) == (400, "general_argument_invalid")
    assert key.get(at(place, transaction)).json()["operations"] == 0
    made = board.stage(transaction, "bulkCreate", documents=rows[:-1])
    assert made.status_code == 201, made.text
    nines = [query("equal", "size", 9)]
    changed = board.stage(transaction, "bulkUpdate", data={"title": "x"}, queries=nines)
    assert changed.status_code in (200, 201), changed.text
    assert board.stage(transaction, "bulkUpsert", documents=rows[-1:]).status_code == 201
    for action, data in (("bulkUpdate", {"data": {"title": "y"}}), ("bulkDelete", {})):
        refused = board.stage(transaction, action, queries=nines, **data)
        assert error_of(refused) == (400, "general_argument_invalid")
    assert key.get(at(place, transaction)).json()["operations"] == 3
    assert finish(place, key, transaction).status_code == 200
    assert len(board.sizes()) == len(START) + BULK_MAX + 1


def test_what_cannot_be_staged(board: Board) -> None:
    place, key = board.place, board.place.key
    noun, word = place.documents.removesuffix("s"), place.attributes.removesuffix("s")
    transaction = begin(place, key)
    malformed = "transaction_invalid" if board.is_listed else "general_argument_invalid"
    none, text = {word: "none"}, {word: "title"}
    for refused, error in (
        (board.count(transaction, "increment", "nothing"), (404, f"{noun}_not_found")),
        (board.count(transaction, "increment", "d1", value=0), (400, malformed)),
        (board.stage(transaction, "increment", "d1", **none), (404, f"{word}_not_found")),
        (board.stage(transaction, "decrement", "d1", **text), (400, f"{word}_type_invalid")),
        (board.stage(transaction, "upsert", "new", size=1), (400, f"{noun}_invalid_structure")),
        (board.stage(transaction, "upsert", "d1", size="x"), (400, f"{noun}_invalid_structure")),
        (board.stage(transaction, "bulkCreate", documents=[{"$id": "d1", "title": "x"}]),
         (409, f"{noun}_already_exists")),
        (board.stage(transaction, "bulkCreate", documents=[{"size": 1}]),
         (400, f"{noun}_invalid_structure")),
        (board.stage(transaction, "bulkUpsert", documents=[]), (400, f"{noun}_missing_data")),
        (board.stage(transaction, "bulkUpdate", queries=SMALL), (400, f"{noun}_missing_payload")),
        (board.stage(transaction, "bulkDelete", queries=["x"]), (400, "general_query_invalid")),
    ):  # fmt: skip
        assert error_of(refused) == error, refused.text
    assert key.get(at(place, transaction)).json()["operations"] == 0
    assert finish(place, key, transaction).status_code == 200
    assert board.sizes() == START


def test_many_are_for_keys_in_transactions_too(place: Place, things: str) -> None:
    user = place.project.sign_up()
    transaction = begin(place, user)
    where = {"databaseId": place.id, place.collection_field: things}
    some = [{"$id": "sneaked", "title": "x"}]
    for action, data in (
        ("bulkCreate", some),
        ("bulkUpsert", some),
        ("bulkUpdate", {"data": {"title": "x"}}),
        ("bulkDelete", {}),
    ):
        body = {"operations": [where | {"action": action, "data": data}]}
        refused = user.post(at(place, transaction, "/operations"), json=body)
        assert error_of(refused) == (401, "general_unauthorized_scope"), action
    body = {place.documents: some, "transactionId": transaction}
    for method in ("POST", "PUT"):
        refused = user.request(method, place.documents_of(things), json=body)
        assert error_of(refused) == (401, "general_unauthorized_scope")
    assert user.get(at(place, transaction)).json()["operations"] == 0


def test_related_collections_take_no_many(place: Place) -> None:
    pair = Pair.make(place, "oneToMany", is_two_way=False)
    transaction = begin(place, place.key)
    for collection in (pair.parents, pair.children):
        for is_listed in (True, False):
            board = Board(place, collection, is_listed)
            for action, data in (
                ("bulkCreate", {"documents": [{"name": "x"}]}),
                ("bulkUpsert", {"documents": [{"name": "x"}]}),
                ("bulkUpdate", {"data": {"name": "x"}}),
                ("bulkDelete", {"queries": []}),
            ):
                refused = board.stage(transaction, action, **data)
                assert error_of(refused) == (400, "general_bad_request"), action
    assert place.key.get(at(place, transaction)).json()["operations"] == 0


def test_an_upsert_keeps_the_permissions_of_who_may(place: Place) -> None:
    """What a user may not change plainly, no staged upsert or number changes either."""
    closed = place.collection(
        {"key": "title"},
        {"key": "size", "kind": "integer"},
        permissions=['create("users")'],
        has_document_security=True,
    )
    owner, other = place.project.sign_up(), place.project.sign_up()
    mine = place.create(owner, closed, {"title": "x", "size": 1}).json()["$id"]
    url = place.documents_of(closed, mine)
    noun = place.documents.removesuffix("s")

    def tries(client: ContractClient, transaction: str) -> list[Any]:
        inside = {"transactionId": transaction}
        word = place.attributes.removesuffix("s")
        where = {
            "databaseId": place.id,
            place.collection_field: closed,
            place.document_field: mine,
        }
        operations = at(place, transaction, "/operations")
        return [
            client.put(url, json={"data": {"size": 2}} | inside),
            client.patch(f"{url}/size/increment", json=inside),
            client.patch(f"{url}/size/decrement", json=inside),
            *(
                client.post(operations, json={"operations": [where | {"action": a, "data": data}]})
                for a, data in (
                    ("upsert", {"size": 2}),
                    ("increment", {word: "size"}),
                    ("decrement", {word: "size"}),
                )
            ),
        ]

    for refused in tries(other, begin(place, other)):
        assert error_of(refused) == (404, f"{noun}_not_found")
    transaction = begin(place, owner)
    for answer in tries(owner, transaction):
        assert answer.status_code in (200, 201), answer.text
    assert finish(place, owner, transaction).status_code == 200
    assert owner.get(url).json()["size"] == 2


def test_malformed_operations_of_many(place: Place, things: str) -> None:
    key = place.key
    transaction = begin(place, key)
    where = {"databaseId": place.id, place.collection_field: things}
    one = where | {place.document_field: "d1"}
    word = place.attributes.removesuffix("s")
    for wrong in (
        where | {"action": "bulkCreate", "data": {"title": "x"}},
        where | {"action": "bulkCreate", "data": ["x"]},
        where | {"action": "bulkUpdate", "data": [{"title": "x"}]},
        where | {"action": "bulkUpdate", "data": {"data": 3}},
        where | {"action": "bulkDelete", "data": {"queries": "x"}},
        where | {"action": "increment", "data": {word: "size"}},
        one | {"action": "increment", "data": {}},
        one | {"action": "increment", "data": {word: 3}},
        one | {"action": "increment", "data": {word: "size", "value": -1}},
        one | {"action": "decrement", "data": {word: "size", "min": "x"}},
        one | {"action": "upsert", "data": [{"title": "x"}]},
        where | {"action": "upsert", "data": {"title": "x"}},
    ):
        refused = key.post(at(place, transaction, "/operations"), json={"operations": [wrong]})
        assert error_of(refused) == (400, "transaction_invalid"), json.dumps(wrong)
    assert key.get(at(place, transaction)).json()["operations"] == 0
