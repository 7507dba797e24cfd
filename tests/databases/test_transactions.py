"""Transactions: staged, seen, committed, rolled back, over; in both sets of words."""

import threading
from typing import Any

import pytest

from tests.contract.recorder import ContractClient
from tests.databases.places import ANYBODY, Place
from tests.support.site import Site
from tests.support.v1 import Project, error_of

pytestmark = pytest.mark.contract

OPERATIONS_MAX = 100


@pytest.fixture(scope="module", params=["databases", "tablesdb"])
def place(running_site: Site, request: pytest.FixtureRequest) -> Place:
    return Place(Project(running_site), request.param)


@pytest.fixture(scope="module")
def things(place: Place) -> str:
    return place.collection({"key": "title", "required": True}, {"key": "size", "kind": "integer"})


def begin(place: Place, client: ContractClient, **fields: Any) -> str:
    made = client.post(f"/v1/{place.service}/transactions", json=fields)
    assert made.status_code == 201, made.text
    assert (made.json()["status"], made.json()["operations"]) == ("pending", 0)
    return str(made.json()["$id"])


def at(place: Place, transaction: str, rest: str = "") -> str:
    return f"/v1/{place.service}/transactions/{transaction}{rest}"


def finish(place: Place, client: ContractClient, transaction: str, **how: bool) -> Any:
    return client.patch(at(place, transaction), json=how or {"commit": True})


def create(
    place: Place, client: ContractClient, collection: str, transaction: str, title: str, **more: Any
) -> Any:
    body = {
        place.document_field: "unique()",
        "data": {"title": title},
        "transactionId": transaction,
        **more,
    }
    return client.post(place.documents_of(collection), json=body)


def operation(place: Place, collection: str, action: str, document: str, **data: Any) -> Any:
    return {
        "action": action,
        "databaseId": place.id,
        place.collection_field: collection,
        place.document_field: document,
        "data": data,
    }


def events_of(place: Place, document: str) -> list[str]:
    rows = place.project.site.sql(
        "SELECT name FROM events WHERE resource LIKE :like ORDER BY id",
        like=f"%/document/{document}",
    )
    return [row["name"].rpartition(".")[2] for row in rows]


def test_what_is_staged_is_seen_inside_only_until_it_is_committed(
    place: Place, things: str
) -> None:
    user = place.project.sign_up()
    old = place.create(user, things, {"title": "old", "size": 1}).json()
    transaction = begin(place, user)
    inside = {"transactionId": transaction}
    made = create(place, user, things, transaction, "新")
    assert made.status_code == 201
    new = made.json()
    old_url, new_url = (place.documents_of(things, each["$id"]) for each in (old, new))
    changed = user.patch(old_url, json={"data": {"size": 2}} | inside)
    assert (changed.status_code, changed.json()["size"]) == (200, 2)
    assert user.patch(new_url, json={"data": {"size": 5}} | inside).json()["title"] == "新"
    assert user.get(old_url).json() == old
    assert error_of(user.get(new_url))[0] == 404
    assert user.get(old_url, params=inside).json()["size"] == 2
    assert user.get(new_url, params=inside).json()["size"] == 5
    listed = user.get(place.documents_of(things), params=inside).json()[place.documents]
    assert {(each["title"], each["size"]) for each in listed} >= {("old", 2), ("新", 5)}
    assert events_of(place, new["$id"]) == []
    shown = user.get(at(place, transaction)).json()
    assert (shown["status"], shown["operations"]) == ("pending", 3)
    done = finish(place, user, transaction)
    assert (done.status_code, done.json()["status"]) == (200, "committed")
    assert user.get(old_url).json()["size"] == 2
    assert user.get(new_url).json()["size"] == 5
    assert user.get(new_url).json()["$permissions"] == new["$permissions"]
    assert events_of(place, new["$id"]) == ["create", "update"]
    assert error_of(finish(place, user, transaction)) == (400, "transaction_not_ready")
    assert error_of(create(place, user, things, transaction, "x")) == (400, "transaction_not_ready")


def test_a_deletion_is_staged_too(place: Place, things: str) -> None:
    user = place.project.sign_up()
    document = place.create(user, things, {"title": "gone"}).json()["$id"]
    url, transaction = place.documents_of(things, document), begin(place, user)
    gone = user.request("DELETE", url, json={"transactionId": transaction})
    assert gone.status_code == 204
    assert user.get(url).status_code == 200
    assert user.get(url, params={"transactionId": transaction}).status_code == 404
    assert finish(place, user, transaction).status_code == 200
    assert user.get(url).status_code == 404


def test_rolled_back_and_deleted_ones_leave_nothing(place: Place, things: str) -> None:
    user = place.project.sign_up()
    first, second = begin(place, user), begin(place, user)
    made = [create(place, user, things, each, "never").json()["$id"] for each in (first, second)]
    back = finish(place, user, first, rollback=True)
    assert (back.status_code, back.json()["status"]) == (200, "rolledBack")
    assert user.delete(at(place, second)).status_code == 204
    assert error_of(user.get(at(place, second))) == (404, "transaction_not_found")
    for document in made:
        assert user.get(place.documents_of(things, document)).status_code == 404
        assert events_of(place, document) == []
    listed = user.get(f"/v1/{place.service}/transactions").json()
    assert [each["$id"] for each in listed["transactions"]] == [first]


def test_a_change_by_others_is_a_conflict(place: Place, things: str) -> None:
    user, key = place.project.sign_up(), place.key
    for disturb in ("update", "delete", "create"):
        document = f"{disturb}-{begin(place, key)}"
        url, transaction = place.documents_of(things, document), begin(place, user)
        also = create(place, user, things, transaction, "also").json()["$id"]
        if disturb == "create":
            more = {place.document_field: document}
            assert create(place, user, things, transaction, "mine", **more).status_code == 201
            assert place.create(key, things, {"title": "first"}, document).status_code == 201
        else:
            place.create(key, things, {"title": "x"}, document)
            body = {"data": {"size": 7}, "transactionId": transaction}
            assert user.patch(url, json=body).status_code == 200
            if disturb == "update":
                key.patch(url, json={"data": {"title": "other"}})
            else:
                key.delete(url)
        before = key.get(url).json()
        assert error_of(finish(place, user, transaction)) == (409, "transaction_conflict")
        assert user.get(at(place, transaction)).json()["status"] == "failed"
        assert key.get(url).json() == before
        assert user.get(place.documents_of(things, also)).status_code == 404
        assert events_of(place, also) == []
        assert error_of(finish(place, user, transaction)) == (400, "transaction_not_ready")


def test_of_two_on_the_same_document_the_first_wins(place: Place, things: str) -> None:
    key = place.key
    url = place.documents_of(things, place.create(key, things, {"title": "t"}).json()["$id"])
    first, second = begin(place, key), begin(place, key)
    for size, each in enumerate((first, second)):
        body = {"data": {"size": size}, "transactionId": each}
        assert key.patch(url, json=body).json()["size"] == size
    assert finish(place, key, second).status_code == 200
    assert error_of(finish(place, key, first)) == (409, "transaction_conflict")
    assert key.get(url).json()["size"] == 1


def test_a_commit_races_with_plain_writes(place: Place, things: str) -> None:
    """Whatever the order: the commit is whole or it is a conflict, and no write is lost."""
    key = place.key
    for _ in range(5):
        ids = [place.create(key, things, {"title": "t", "size": 0}).json()["$id"] for _ in "ab"]
        urls, transaction = [place.documents_of(things, each) for each in ids], begin(place, key)
        for url in urls:
            key.patch(url, json={"data": {"size": 1}, "transactionId": transaction})
        answers: list[Any] = [None, None]

        def commit(answers: list[Any] = answers, transaction: str = transaction) -> None:
            answers[0] = finish(place, place.project.key(), transaction).status_code

        def write(answers: list[Any] = answers, url: str = urls[1]) -> None:
            answers[1] = place.project.key().patch(url, json={"data": {"title": "w"}}).status_code

        threads = [threading.Thread(target=each) for each in (commit, write)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        shown = [key.get(url).json() for url in urls]
        assert answers[1] == 200
        assert answers[0] in (200, 409)
        assert [each["size"] for each in shown] == ([1, 1] if answers[0] == 200 else [0, 0])
        assert shown[1]["title"] == "w"


def test_permissions_count_when_it_is_committed(place: Place) -> None:
    collection = place.collection({"key": "title"}, permissions=ANYBODY)
    user = place.project.sign_up()
    transaction = begin(place, user)
    made = create(place, user, collection, transaction, "x").json()["$id"]
    closed = {"name": "Things", "permissions": ['read("any")']}
    assert place.key.put(place.at(collection), json=closed).status_code == 200
    assert error_of(finish(place, user, transaction)) == (400, "transaction_failed")
    assert place.key.get(place.documents_of(collection, made)).status_code == 404
    another = begin(place, user)
    assert error_of(create(place, user, collection, another, "x")) == (401, "user_unauthorized")
    assert user.get(at(place, another)).json()["operations"] == 0


def test_it_is_its_owners_alone(place: Place, things: str) -> None:
    owner, other, key = place.project.sign_up(), place.project.sign_up(), place.key
    elsewhere = Project(place.project.site)
    transaction = begin(place, owner)
    for client in (other, key, elsewhere.key()):
        for answer in (
            client.get(at(place, transaction)),
            finish(place, client, transaction),
            client.delete(at(place, transaction)),
            client.post(
                at(place, transaction, "/operations"),
                json={"operations": [operation(place, things, "create", "x", title="x")]},
            ),
        ):
            assert error_of(answer) == (404, "transaction_not_found")
    inside = {"transactionId": transaction}
    for client in (other, key):
        refused = client.get(place.documents_of(things), params=inside)
        assert error_of(refused) == (404, "transaction_not_found")
        assert error_of(create(place, client, things, transaction, "x"))[0] == 404
        assert client.get(f"/v1/{place.service}/transactions").json()["total"] == len(
            [
                each
                for each in client.get(f"/v1/{place.service}/transactions").json()["transactions"]
                if each["$id"] != transaction
            ]
        )
    guest = place.project.guest()
    refused = guest.post(f"/v1/{place.service}/transactions", json={})
    assert error_of(refused) == (401, "user_unauthorized")
    assert finish(place, owner, transaction).status_code == 200


def test_the_limits(place: Place, things: str) -> None:
    key = place.key
    for ttl, status in ((59, 400), (60, 201), (3600, 201), (3601, 400)):
        made = key.post(f"/v1/{place.service}/transactions", json={"ttl": ttl})
        assert made.status_code == status, made.text
    transaction = begin(place, key)
    some = [
        operation(place, things, "create", "unique()", title=f"{n}")
        for n in range(OPERATIONS_MAX + 1)
    ]
    url = at(place, transaction, "/operations")
    refused = key.post(url, json={"operations": some})
    assert error_of(refused) == (400, "transaction_limit_exceeded")
    assert key.get(at(place, transaction)).json()["operations"] == 0
    staged = key.post(url, json={"operations": some[1:]})
    assert (staged.status_code, staged.json()["operations"]) == (201, OPERATIONS_MAX)
    refused = create(place, key, things, transaction, "one more")
    assert error_of(refused) == (400, "transaction_limit_exceeded")
    assert finish(place, key, transaction).json()["status"] == "committed"


def test_operations_that_are_none(place: Place, things: str) -> None:
    key = place.key
    transaction = begin(place, key)
    url = at(place, transaction, "/operations")
    good = operation(place, things, "create", "unique()", title="x")
    for wrong in (
        {},
        good | {"action": "drop"},
        good | {"databaseId": 3},
        good | {"data": "x"},
        operation(place, things, "update", "", size=1),
    ):
        refused = key.post(url, json={"operations": [good, wrong]})
        assert error_of(refused) == (400, "transaction_invalid")
    noun = place.documents.removesuffix("s")
    bad_value = operation(place, things, "create", "unique()", title=3)
    refused = key.post(url, json={"operations": [good, bad_value]})
    assert error_of(refused) == (400, f"{noun}_invalid_structure")
    assert error_of(key.post(url, json={"operations": []}))[0] == 400
    assert key.get(at(place, transaction)).json()["operations"] == 0
    for how in ({"commit": True, "rollback": True}, {"commit": False}):
        assert error_of(finish(place, key, transaction, **how)) == (400, "transaction_invalid")


def test_an_expired_one_is_over_and_swept(place: Place, things: str) -> None:
    key, site = place.key, place.project.site
    transaction = begin(place, key)
    create(place, key, things, transaction, "x")
    site.sql(
        "UPDATE transactions SET expires_at = '2020-01-01 00:00:00' WHERE public_id = :id",
        id=transaction,
    )
    inside = {"transactionId": transaction}
    for refused in (
        create(place, key, things, transaction, "x"),
        finish(place, key, transaction),
        key.get(place.documents_of(things), params=inside),
    ):
        assert error_of(refused) == (410, "transaction_expired")
    assert key.get(at(place, transaction)).json()["status"] == "failed"
