"""Who may do what with documents: the table of the room, against a plain model of the rules."""

from typing import Any

import pytest

from raindrop.core.access import KEY_SCOPES
from tests.contract.recorder import ContractClient
from tests.databases.places import Place
from tests.support.operators import Operator, OwnedProject
from tests.support.site import Site
from tests.support.v1 import Project
from tests.teams.people import id_of

pytestmark = pytest.mark.contract

EVERYTHING = ("create", "read", "update", "delete")
STATUSES = {"create": 201, "upsert": 201, "delete": 204}


class Owned:
    """A project with an administrator, as ``Place`` takes one."""

    def __init__(self, owned: OwnedProject) -> None:
        self.owned, self.id, self.site = owned, owned.id, owned.site
        self.guest, self.sign_up = owned.guest, owned.sign_up

    def key(self, *scopes: str) -> ContractClient:
        """A client with a new key; without scopes it has all."""
        return self.guest(X_Appwrite_Key=self.owned.key_secret(*(scopes or KEY_SCOPES)))


class People:
    """Everybody who asks, with the roles that permissions are compared with."""

    def __init__(self, site: Site) -> None:
        operator = Operator(site)
        self.project = Owned(operator.create_project())
        self.place = Place(self.project)  # type: ignore[arg-type]
        owner, member, stranger = (self.project.sign_up() for _ in range(3))
        team = member.post("/v1/teams", json={"teamId": "unique()", "name": "Crew"}).json()["$id"]
        self.names = {"owner": f"user:{id_of(owner)}", "team": f"team:{team}"}
        foreign = Project(site).key().headers["X-Appwrite-Key"]
        self.clients = {
            "guest": self.project.guest(),
            "owner": owner,
            "member": member,
            "stranger": stranger,
            "key": self.place.key,
            "reader": self.project.key("documents.read", "rows.read"),
            "admin": operator.admin_of(self.project.id),
            "foreign": self.project.guest(X_Appwrite_Key=foreign),
        }
        self.roles = {
            "guest": {"any", "guests"},
            "owner": {"any", "users", "owner"},
            "member": {"any", "users", "team"},
            "stranger": {"any", "users"},
        }

    def permissions(self, actions: tuple[str, ...], role: str) -> list[str]:
        """Permission strings for one of the roles of the table; none for an empty one."""
        return [f'{action}("{self.names.get(role, role)}")' for action in actions if role]


@pytest.fixture(scope="module")
def people(running_site: Site) -> People:
    return People(running_site)


def ask(people: People, things: str, who: str, what: str) -> Any:
    """Do it to the document ``doc``; the response."""
    client, place = people.clients[who], people.place
    url, many = place.documents_of(things, "doc"), place.documents_of(things)
    if what == "create":
        return place.create(client, things, {"size": 2}, permissions=[])
    if what == "bulk":
        return client.post(many, json={"documents": [{"size": 5}]})
    body = {"data": {"size": 3}}
    calls: dict[str, tuple[str, str, dict[str, Any]]] = {
        "read": ("GET", url, {}),
        "update": ("PATCH", url, body),
        "upsert": ("PUT", url, body),
        "increment": ("PATCH", f"{url}/size/increment", {}),
        "delete": ("DELETE", url, {}),
        "list": ("GET", many, {}),
    }
    method, address, given = calls[what]
    return client.request(method, address, **({"json": given} if method != "GET" else {}))


def expected(people: People, who: str, what: str, row: tuple[str, str, bool, bool]) -> int:
    """The status by the rules."""
    on_collection, on_document, has_security, is_open = row
    is_reading = what in ("read", "list")
    success = 201 if what == "bulk" else STATUSES.get(what, 200)
    if who in ("key", "admin"):
        return success
    if who == "foreign" or (who == "reader" and not is_reading):
        return 401
    if who == "reader":
        return success
    if not is_open:
        return 404
    if what == "bulk":
        return 401
    has_all = on_collection in people.roles[who]
    if has_all:
        return success
    if what == "create" or not has_security:
        return 401
    if what == "list" or on_document in people.roles[who]:
        return success
    return 404


@pytest.mark.parametrize(
    "row",
    [
        ("", "", False, True),
        ("", "any", False, True),
        ("any", "", False, True),
        ("users", "", False, True),
        ("team", "owner", True, True),
        ("owner", "team", True, True),
        ("", "owner", True, True),
        ("", "any", True, True),
        ("", "", True, True),
        ("any", "any", True, False),
    ],
    ids=lambda row: f"{row[0] or 'none'}-{row[1] or 'none'}-{row[2]:d}{row[3]:d}",
)
def test_who_may_do_what(people: People, row: tuple[str, str, bool, bool]) -> None:
    on_collection, on_document, has_security, is_open = row
    place = people.place
    things = place.collection(
        {"key": "size", "kind": "integer"},
        permissions=people.permissions(EVERYTHING, on_collection),
        has_document_security=has_security,
    )
    if not is_open:
        closed = place.key.put(place.at(things), json={"name": "Things", "enabled": False})
        assert closed.status_code == 200, closed.text
    given = people.permissions(EVERYTHING[1:], on_document)
    assert place.create(place.key, things, {"size": 1}, "doc", given).status_code == 201
    for who in people.clients:
        for what in ("create", "read", "update", "upsert", "increment", "bulk", "list", "delete"):
            answer = ask(people, things, who, what)
            wanted = expected(people, who, what, row)
            assert answer.status_code == wanted, (who, what, answer.text)
            if answer.status_code == 204:
                place.create(place.key, things, {"size": 1}, "doc", given)


def test_a_database_that_is_switched_off(people: People) -> None:
    place = Place(people.project)  # type: ignore[arg-type]
    things = place.collection({"key": "size", "kind": "integer"})
    place.create(place.key, things, {"size": 1}, "doc")
    assert place.key.put(place.url, json={"name": "x", "enabled": False}).status_code == 200
    url = place.documents_of(things, "doc")
    for who, status in (("guest", 404), ("owner", 404), ("key", 200), ("admin", 200)):
        assert people.clients[who].get(url).status_code == status, who


def test_users_give_permissions_to_their_own_roles_only(people: People) -> None:
    place, owner = people.place, people.clients["owner"]
    things = place.collection({"key": "size", "kind": "integer"}, has_document_security=True)
    role = people.names["owner"]
    made = place.create(owner, things, {"size": 1}).json()
    assert made["$permissions"] == [f'{a}("{role}")' for a in ("read", "update", "delete")]
    refused = place.create(
        owner, things, {"size": 1}, permissions=[f'read("{people.names["team"]}")']
    )
    assert refused.status_code == 401
    url = place.documents_of(things, made["$id"])
    assert owner.patch(url, json={"permissions": ['read("user:somebody")']}).status_code == 401
    changed = owner.patch(url, json={"permissions": ['read("users")']})
    assert changed.json()["$permissions"] == ['read("users")']


def test_times_are_for_keys_and_administrators(people: People) -> None:
    place = people.place
    things = place.collection({"key": "size", "kind": "integer"})
    data = {"size": 1, "$createdAt": "2001-02-03T04:05:06.789+00:00", "$id": "x", "$sequence": 9}
    shown = place.create(people.clients["owner"], things, data, "own").json()
    assert shown["$createdAt"] > "2020"
    assert (shown["$id"], shown["$sequence"]) == ("own", 1)
    for who in ("key", "admin"):
        shown = place.create(people.clients[who], things, data).json()
        assert shown["$createdAt"] == data["$createdAt"]
    refused = place.create(place.key, things, {"size": 1, "$updatedAt": "yesterday"})
    assert refused.status_code == 400
