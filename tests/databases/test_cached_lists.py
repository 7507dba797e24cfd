"""Lists from the cache and from nginx's memory: exact after every change, for whom they are."""

import json
import os
import signal
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from raindrop.core.access import KEY_SCOPES
from raindrop.core.formats import new_id
from tests.contract.recorder import ContractClient
from tests.core.test_edge import counters
from tests.databases.places import ANYBODY, Place
from tests.support.operators import Operator, OwnedProject
from tests.support.site import Site
from tests.support.v1 import Project, error_of
from tests.teams.people import add_member, id_of, new_team

pytestmark = pytest.mark.contract

TITLE = {"key": "title"}


class Owned(OwnedProject):
    """An operator's project with the clients that a place needs."""

    def key(self) -> ContractClient:
        """A client with a key that has all scopes."""
        return self.guest(X_Appwrite_Key=self.key_secret(*KEY_SCOPES))


@pytest.fixture(scope="module", params=["databases", "tablesdb"])
def place(running_site: Site, request: pytest.FixtureRequest) -> Place:
    return Place(Project(running_site), request.param)


@pytest.fixture
def owned(running_site: Site) -> Place:
    owner = Operator(running_site)
    made = owner.create_project()
    return Place(Owned(owner, made.id, made.team_id))  # type: ignore[arg-type]


def titles(place: Place, client: httpx.Client, collection: str, **options: Any) -> list[str]:
    """The titles in a list, which is asked for until it comes from wherever it is kept."""
    url = place.documents_of(collection)
    answers = [client.get(url, **options) for _ in range(4)]
    assert {answer.status_code for answer in answers} == {200}, answers[-1].text
    lists = [[each["title"] for each in answer.json()[place.documents]] for answer in answers]
    assert all(found == lists[0] for found in lists)
    return lists[0]


def refusals(place: Place, client: httpx.Client, collection: str) -> set[tuple[int, str]]:
    return {error_of(client.get(place.documents_of(collection))) for _ in range(3)}


def filled(place: Place, *names: str, **fields: Any) -> str:
    """A collection with documents of these titles."""
    collection = place.collection(TITLE, **fields)
    for name in names:
        made = place.create(place.key, collection, {"title": name}, permissions=[])
        assert made.status_code == 201, made.text
    return collection


@pytest.mark.lua
def test_visitors_lists_come_from_nginx(place: Place) -> None:
    collection = filled(place, "a")
    visitor, url = place.project.guest(), place.documents_of(collection)
    first = visitor.get(url)
    before = counters(place.project.site)
    visitor.get(url)
    for _ in range(20):
        answer = visitor.get(url)
        assert answer.json() == first.json()
        assert "X-Raindrop-Edge" not in answer.headers
        for name in ("Content-Type", "Cache-Control", "X-Content-Type-Options"):
            assert answer.headers[name] == first.headers[name]
    assert counters(place.project.site)["hit"] >= before["hit"] + 15


@pytest.mark.lua
@pytest.mark.parametrize(
    "header",
    ["Cookie", "Authorization", "X-Appwrite-Session", "X-Fallback-Cookies", "X-Appwrite-Dev-Key",
     "Origin"],
)  # fmt: skip
def test_with_any_credential_or_an_origin_the_app_answers(place: Place, header: str) -> None:
    collection = filled(place, "a")
    visitor, url = place.project.guest(), place.documents_of(collection)
    plain = visitor.get(url)
    visitor.get(url)
    before = counters(place.project.site)
    for _ in range(3):
        answer = visitor.get(url, headers={header: "http://localhost"})
        assert answer.json() == plain.json()
        is_cross_origin = "Access-Control-Allow-Origin" in answer.headers
        assert is_cross_origin == (header == "Origin")
    after = counters(place.project.site)
    assert after["pass"] >= before["pass"] + 3
    answer = visitor.get(url)
    assert "Access-Control-Allow-Origin" not in answer.headers
    assert "Vary" not in answer.headers or "Origin" not in answer.headers["Vary"]


def test_false_credentials_get_no_kept_answer(place: Place) -> None:
    collection = filled(place, "a")
    visitor, url = place.project.guest(), place.documents_of(collection)
    assert titles(place, visitor, collection) == ["a"]
    for headers, refused in (
        ({"X-Appwrite-Key": "false"}, (401, "general_access_forbidden")),
        ({"X-Appwrite-JWT": "false"}, (401, "user_jwt_invalid")),
        ({"X-Appwrite-Mode": "admin"}, (401, "general_unauthorized_scope")),
        ({"X-Appwrite-Project": "nobody"}, (404, "project_not_found")),
    ):
        assert error_of(visitor.get(url, headers=headers)) == refused
        assert visitor.get(url).status_code == 200


def test_an_edge_header_of_a_clients_is_nothing(place: Place) -> None:
    collection = filled(place, "a")
    answer = place.project.guest().get(
        place.documents_of(collection), headers={"X-Raindrop-Edge-Fill": "1", "Cookie": "x=y"}
    )
    assert "X-Raindrop-Edge" not in answer.headers


def test_head_and_other_methods(place: Place) -> None:
    collection = filled(place, "a")
    visitor, url = place.project.guest(), place.documents_of(collection)
    titles(place, visitor, collection)
    for _ in range(2):
        with httpx.Client(base_url=place.project.site.url, trust_env=False) as plain:
            answer = plain.head(url, headers={"X-Appwrite-Project": place.project.id})
            assert (answer.status_code, answer.content) == (200, b"")
            asked = plain.options(url, headers={"Origin": "http://localhost"})
            assert asked.status_code == 204


def test_each_kind_of_write_is_seen_at_once(place: Place) -> None:
    visitor, user = place.project.guest(), place.project.sign_up()
    collection = filled(place, "a")
    for client in (visitor, user, place.key):
        for reader in (visitor, user, place.key):
            assert titles(place, reader, collection) == ["a"]
        made = place.create(client, collection, {"title": "b"}, permissions=[]).json()
        for reader in (visitor, user, place.key):
            assert titles(place, reader, collection) == ["a", "b"]
        url = place.documents_of(collection, made["$id"])
        assert client.patch(url, json={"data": {"title": "c"}}).status_code == 200
        for reader in (visitor, user, place.key):
            assert titles(place, reader, collection) == ["a", "c"]
        assert client.delete(url).status_code == 204


def test_a_single_document_is_never_old(place: Place) -> None:
    collection = filled(place)
    visitor = place.project.guest()
    made = place.create(visitor, collection, {"title": "0"}).json()
    url = place.documents_of(collection, made["$id"])
    for number in range(1, 6):
        visitor.patch(url, json={"data": {"title": str(number)}})
        assert [visitor.get(url).json()["title"] for _ in range(2)] == [str(number)] * 2


def test_permissions_that_are_taken_away(place: Place) -> None:
    collection = filled(place, "a")
    visitor, user = place.project.guest(), place.project.sign_up()
    assert titles(place, visitor, collection) == titles(place, user, collection) == ["a"]
    change = {"name": "Things", "permissions": ['read("users")']}
    assert place.key.put(place.at(collection), json=change).status_code == 200
    assert refusals(place, visitor, collection) == {(401, "user_unauthorized")}
    assert titles(place, user, collection) == ["a"]
    change["permissions"] = []
    assert place.key.put(place.at(collection), json=change).status_code == 200
    assert refusals(place, user, collection) == {(401, "user_unauthorized")}
    assert titles(place, place.key, collection) == ["a"]


def test_a_collection_that_is_switched_off(place: Place) -> None:
    collection = filled(place, "a")
    visitor = place.project.guest()
    for _ in range(3):
        assert titles(place, visitor, collection) == ["a"]
        off = {"name": "Things", "enabled": False}
        assert place.key.put(place.at(collection), json=off).status_code == 200
        ((status, kind),) = refusals(place, visitor, collection)
        assert (status, kind.partition("_")[2]) == (404, "not_found")
        assert titles(place, place.key, collection) == ["a"]
        on = {"name": "Things", "enabled": True}
        assert place.key.put(place.at(collection), json=on).status_code == 200


def test_a_database_that_is_switched_off_and_deleted(running_site: Site) -> None:
    place = Place(Project(running_site))
    collection = filled(place, "a")
    visitor = place.project.guest()
    assert titles(place, visitor, collection) == ["a"]
    off = {"name": "Test", "enabled": False}
    assert place.key.put(place.url, json=off).status_code == 200
    assert refusals(place, visitor, collection) == {(404, "database_not_found")}
    assert place.key.put(place.url, json=off | {"enabled": True}).status_code == 200
    assert titles(place, visitor, collection) == ["a"]
    assert place.key.delete(place.url).status_code == 204
    assert refusals(place, visitor, collection) == {(404, "database_not_found")}


def test_a_deleted_collection_and_one_of_the_same_id(place: Place) -> None:
    collection = filled(place, "a")
    visitor = place.project.guest()
    assert titles(place, visitor, collection) == ["a"]
    assert place.key.delete(place.at(collection)).status_code == 204
    ((status, _),) = refusals(place, visitor, collection)
    assert status == 404
    again = {place.collection_field: collection, "name": "Again", "permissions": ANYBODY}
    assert place.key.post(f"{place.url}/{place.collections}", json=again).status_code == 201
    assert titles(place, visitor, collection) == []


def test_attributes_that_come_and_go_are_shown_at_once(place: Place) -> None:
    collection = filled(place, "a")
    visitor, url = place.project.guest(), place.documents_of(collection)
    titles(place, visitor, collection)
    place.attribute(collection, key="more")
    place.wait(collection)
    for _ in range(3):
        assert visitor.get(url).json()[place.documents][0]["more"] is None
    assert place.key.delete(f"{place.at(collection)}/{place.attributes}/more").status_code == 204
    for _ in range(3):
        assert "more" not in visitor.get(url).json()[place.documents][0]


@pytest.mark.parametrize(
    ("switch", "refused"),
    [
        (("/service", {"service": "databases"}), (403, "general_service_disabled")),
        (("/service/all", {}), (403, "general_service_disabled")),
        (("/api", {"api": "rest"}), (403, "general_api_disabled")),
    ],
)
def test_a_service_that_is_switched_off(
    owned: Place, switch: tuple[str, dict[str, str]], refused: tuple[int, str]
) -> None:
    collection, project = filled(owned, "a"), owned.project
    visitor, user = project.guest(), project.sign_up()
    assert isinstance(project, Owned)
    path, body = switch
    for reader in (visitor, user):
        assert titles(owned, reader, collection) == ["a"]
    off = project.console.patch(f"{project.path}{path}", json=body | {"status": False})
    assert off.status_code == 200, off.text
    for reader in (visitor, user):
        assert refusals(owned, reader, collection) == {refused}
    assert titles(owned, owned.key, collection) == ["a"]
    project.console.patch(f"{project.path}{path}", json=body | {"status": True})
    assert titles(owned, visitor, collection) == ["a"]


def test_a_deleted_project(owned: Place) -> None:
    collection, project = filled(owned, "a"), owned.project
    visitor = project.guest()
    assert isinstance(project, Owned)
    assert titles(owned, visitor, collection) == ["a"]
    assert project.console.delete(project.path).status_code == 204
    assert refusals(owned, visitor, collection) == {(404, "project_not_found")}


def test_roles_that_end(place: Place) -> None:
    """Documents for a team's members, whose list is kept for whoever has exactly these roles."""
    ann, bob = place.project.sign_up(), place.project.sign_up(name="Bob")
    team = new_team(ann)
    collection = place.collection(TITLE, permissions=[], has_document_security=True)
    for title, role in (("team's", f"team:{team}"), ("everybody's", "any")):
        made = place.create(
            place.key, collection, {"title": title}, permissions=[f'read("{role}")']
        )
        assert made.status_code == 201, made.text
    assert titles(place, bob, collection) == ["everybody's"]
    member = add_member(place.project, team, bob, "pilot")
    assert titles(place, bob, collection) == ["team's", "everybody's"]
    assert titles(place, place.project.guest(), collection) == ["everybody's"]
    gone = place.key.delete(f"/v1/teams/{team}/memberships/{member['$id']}")
    assert gone.status_code == 204
    assert titles(place, bob, collection) == ["everybody's"]
    assert titles(place, ann, collection) == ["team's", "everybody's"]
    assert id_of(ann) != id_of(bob)


def test_a_documents_own_permissions_change(place: Place) -> None:
    collection = place.collection(TITLE, permissions=[], has_document_security=True)
    visitor, user = place.project.guest(), place.project.sign_up()
    anybody, users = ['read("any")'], ['read("users")']
    made = place.create(place.key, collection, {"title": "a"}, permissions=anybody).json()
    url = place.documents_of(collection, made["$id"])
    for permissions, seen in ((users, []), (anybody, ["a"]), ([], [])):
        place.key.patch(url, json={"permissions": permissions})
        assert titles(place, visitor, collection) == seen
        assert titles(place, user, collection) == (["a"] if permissions else [])


def test_another_project_with_the_same_ids(running_site: Site) -> None:
    """The project is named in a header, so the same address means two lists."""
    places = [Place(Project(running_site)) for _ in range(2)]
    database, collection = new_id(), new_id()
    for number, place in enumerate(places):
        place.key.post("/v1/databases", json={"databaseId": database, "name": "Same"})
        place.url = f"/v1/databases/{database}"
        body = {"collectionId": collection, "name": "Same", "permissions": ANYBODY}
        place.key.post(f"{place.url}/collections", json=body)
        place.attribute(collection, key="title")
        place.wait(collection)
        place.create(place.key, collection, {"title": str(number)}, permissions=[])
    for _ in range(3):
        for number, place in enumerate(places):
            assert titles(place, place.project.guest(), collection) == [str(number)]
            named = httpx.get(
                f"{running_site.url}{place.documents_of(collection)}",
                params={"project": place.project.id},
                trust_env=False,
            )
            assert [each["title"] for each in named.json()["documents"]] == [str(number)]


def _asks(place: Place, visitor: ContractClient, collection: str) -> Callable[[str], list[str]]:
    def ask(query_string: str) -> list[str]:
        answer = visitor.get(f"{place.documents_of(collection)}?{query_string}")
        assert answer.status_code == 200, answer.text
        return [each["title"] for each in answer.json()[place.documents]]

    return ask


def test_spellings_of_a_query(place: Place) -> None:
    """Whatever is taken for the same must have the same answer; what differs must not be mixed."""
    collection = filled(place, "a", "b", "c")
    ask = _asks(place, place.project.guest(), collection)
    one = json.dumps({"method": "limit", "values": [1]})
    spaced = '{ "values" : [1],  "method":"limit" }'
    offset = json.dumps({"method": "offset", "values": [1]})
    for _ in range(3):
        for text in (one, spaced):
            assert ask(f"queries[0]={quote(text)}") == ["a"]
            assert ask(f"queries%5B0%5D={quote(text)}") == ["a"]
            assert ask(f"queries[]={quote(text)}&total=false") == ["a"]
            assert ask(f"queries[0]={quote(text)}&queries[1]={quote(offset)}") == ["b"]
            assert ask(f"queries[1]={quote(offset)}&queries[0]={quote(text)}") == ["b"]
        assert ask("") == ["a", "b", "c"]
        assert ask("unknown=1") == ["a", "b", "c"]


def test_what_the_answer_says_besides(place: Place) -> None:
    """The count and the form of answers belong to what is asked."""
    collection = filled(place, "a")
    visitor, url = place.project.guest(), place.documents_of(collection)
    for _ in range(3):
        assert visitor.get(url).json()["total"] == 1
        assert visitor.get(url, params={"total": "false"}).json()["total"] == 0
        (newer,) = httpx.get(
            f"{place.project.site.url}{url}",
            headers={"X-Appwrite-Project": place.project.id, "X-Appwrite-Response-Format": "1.9.0"},
            trust_env=False,
        ).json()[place.documents]
        assert isinstance(newer["$sequence"], str)
        assert isinstance(visitor.get(url).json()[place.documents][0]["$sequence"], int)


def test_a_refused_query_stays_refused(place: Place) -> None:
    collection = filled(place, "a")
    visitor, url = place.project.guest(), place.documents_of(collection)
    for _ in range(3):
        answer = visitor.get(url, params={"queries[0]": "{"})
        assert error_of(answer)[0] == 400
        assert titles(place, visitor, collection) == ["a"]


def test_a_large_list_is_not_kept_and_right(place: Place) -> None:
    collection = place.collection({"key": "title", "size": 2000})
    for _ in range(3):
        created = [
            place.create(place.key, collection, {"title": "x" * 2000}, permissions=[])
            for _ in range(14)
        ]
        assert {answer.status_code for answer in created} == {201}
    visitor, url = place.project.guest(), place.documents_of(collection)
    large = {"queries[0]": json.dumps({"method": "limit", "values": [100]})}
    for number in range(42, 45):
        for _ in range(2):
            assert len(visitor.get(url, params=large).json()[place.documents]) == number
        place.create(place.key, collection, {"title": "x"}, permissions=[])


def test_lists_while_redis_is_away(place: Place) -> None:
    """The database answers; nothing that was kept before comes back."""
    collection = filled(place, "a")
    visitor, site = place.project.guest(), place.project.site
    assert titles(place, visitor, collection) == ["a"]
    (cache, *_) = site.pids("cache")
    os.kill(cache, signal.SIGSTOP)
    try:
        for number in range(2):
            made = place.create(place.key, collection, {"title": str(number)}, permissions=[])
            assert made.status_code == 201
            url = place.documents_of(collection)
            assert visitor.get(url).json()["total"] == number + 2
    finally:
        os.kill(cache, signal.SIGCONT)
    time.sleep(2)  # processes look again, and what was missed is made up for
    assert titles(place, visitor, collection) == ["a", "0", "1"]
