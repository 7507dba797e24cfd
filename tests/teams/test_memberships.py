"""Members of a team: their roles, their leaving, what others see of them."""

from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from tests.load.clients import poll
from tests.support.site import Site
from tests.support.v1 import Project, error_of, new_email
from tests.teams.people import add_member, id_of, new_team

pytestmark = pytest.mark.contract


@pytest.fixture
def project(running_site: Site) -> Project:
    return Project(running_site)


def path_of(member: dict[str, object]) -> str:
    return f"/v1/teams/{member['teamId']}/memberships/{member['$id']}"


def total_of(client: httpx.Client, team: str) -> int:
    total: int = client.get(f"/v1/teams/{team}").json()["total"]
    return total


def test_a_key_makes_members_at_once(project: Project) -> None:
    key, ann, bob = project.key(), project.sign_up(), project.sign_up(name="Bob")
    team = new_team(ann)
    member = add_member(project, team, bob, "pilot", "pilot")
    assert (member["confirm"], member["roles"], member["userName"]) == (True, ["pilot"], "Bob")
    assert key.get(path_of(member)).json() == member
    assert total_of(bob, team) == 2
    again = key.post(f"/v1/teams/{team}/memberships", json={"userId": id_of(bob), "roles": []})
    assert error_of(again) == (409, "membership_already_confirmed")
    email = new_email()
    made = key.post(f"/v1/teams/{team}/memberships", json={"email": email, "roles": []})
    assert (made.json()["userEmail"], made.json()["confirm"]) == (email, True)
    assert total_of(bob, team) == 3


def test_roles_count_from_the_next_request_on(project: Project) -> None:
    ann, bob = project.sign_up(), project.sign_up(name="Bob")
    team = new_team(ann)
    member = add_member(project, team, bob, "pilot")
    rename = {"name": "Other"}
    assert bob.put(f"/v1/teams/{team}", json=rename).status_code == 401
    changed = ann.patch(path_of(member), json={"roles": ["owner"]})
    assert changed.json()["roles"] == ["owner"]
    assert bob.put(f"/v1/teams/{team}", json=rename).status_code == 200
    assert ann.patch(path_of(member), json={"roles": []}).status_code == 200
    assert bob.put(f"/v1/teams/{team}", json=rename).status_code == 401
    assert ann.delete(path_of(member)).status_code == 204
    assert error_of(bob.get(f"/v1/teams/{team}")) == (404, "team_not_found")
    assert total_of(ann, team) == 1


def test_members_do_not_change_each_other(project: Project) -> None:
    ann, bob, cat = project.sign_up(), project.sign_up(name="Bob"), project.sign_up(name="Cat")
    team = new_team(ann)
    add_member(project, team, bob)
    member = add_member(project, team, cat)
    for answer in (bob.patch(path_of(member), json={"roles": []}), bob.delete(path_of(member))):
        assert error_of(answer) == (401, "user_unauthorized")
    eve = project.sign_up(name="Eve")
    for method in ("GET", "PATCH", "DELETE"):
        refused = eve.request(method, path_of(member), json={"roles": []})
        assert error_of(refused) == (404, "team_not_found")
    assert cat.delete(path_of(member)).status_code == 204


def test_there_is_always_an_owner(project: Project) -> None:
    ann, bob = project.sign_up(), project.sign_up(name="Bob")
    team = new_team(ann)
    (owner,) = ann.get(f"/v1/teams/{team}/memberships").json()["memberships"]
    member = add_member(project, team, bob)
    refused = ann.patch(path_of(owner), json={"roles": ["pilot"]})
    assert error_of(refused) == (400, "membership_downgrade_prohibited")
    refused = ann.delete(path_of(owner))
    assert error_of(refused) == (400, "membership_deletion_prohibited")
    assert total_of(ann, team) == 2
    assert ann.patch(path_of(member), json={"roles": ["owner"]}).status_code == 200
    assert ann.patch(path_of(owner), json={"roles": []}).status_code == 200
    assert ann.delete(path_of(owner)).status_code == 204
    assert bob.delete(path_of(member)).status_code == 204  # nobody is left behind


def test_of_two_last_owners_one_stays(project: Project) -> None:
    ann, bob = project.sign_up(), project.sign_up(name="Bob")
    team = new_team(ann)
    add_member(project, team, project.sign_up(name="Cat"))
    member = add_member(project, team, bob, "owner")
    owner = ann.get(f"/v1/teams/{team}/memberships").json()["memberships"][0]
    with ThreadPoolExecutor(2) as pool:
        leaving = [
            pool.submit(each.delete, path_of(its)) for each, its in ((ann, owner), (bob, member))
        ]
    assert sorted(each.result().status_code for each in leaving) == [204, 400]


def test_the_total_is_exact_among_many(project: Project) -> None:
    ann, key = project.sign_up(), project.key()
    team = new_team(ann)
    path = f"/v1/teams/{team}/memberships"

    def add(_: int) -> dict[str, object]:
        made = key.post(path, json={"email": new_email(), "roles": []})
        assert made.status_code == 201, made.text
        return made.json()

    with ThreadPoolExecutor(8) as pool:
        members = list(pool.map(add, range(16)))
        assert total_of(ann, team) == 17
        list(pool.map(lambda member: key.delete(path_of(member)), members[:8]))
    assert total_of(ann, team) == 9
    assert key.get(path).json()["total"] == 9


def test_a_membership_is_of_its_team(project: Project) -> None:
    ann, bob = project.sign_up(), project.sign_up(name="Bob")
    mine, other = new_team(ann), new_team(ann, "Other")
    member = add_member(project, mine, bob)
    path = f"/v1/teams/{other}/memberships/{member['$id']}"
    foreign = Project(project.site)
    elsewhere = new_team(foreign.key())
    for method in ("GET", "PATCH", "DELETE"):
        wrong = ann.request(method, path, json={"roles": []})
        assert error_of(wrong) == (404, "team_membership_mismatch")
        missing = ann.request(method, f"/v1/teams/{mine}/memberships/missing", json={"roles": []})
        assert error_of(missing) == (404, "membership_not_found")
        with foreign.key() as key, key.case("other project"):
            path_there = f"/v1/teams/{elsewhere}/memberships/{member['$id']}"
            hidden = key.request(method, path_there, json={"roles": []})
            assert error_of(hidden) == (404, "membership_not_found")


def test_what_a_project_hides_of_members(running_site: Site) -> None:
    hiding = {"shows_member_name": False, "shows_member_email": False, "shows_member_mfa": False}
    project = Project(running_site, **hiding)
    ann, bob = project.sign_up(), project.sign_up(name="Bob")
    team = new_team(ann)
    add_member(project, team, bob)
    path = f"/v1/teams/{team}/memberships"

    def names(client: httpx.Client) -> list[tuple[str, bool]]:
        found = client.get(path).json()["memberships"]
        return [(each["userName"], bool(each["userEmail"])) for each in found]

    assert names(ann) == [("Ann", True), ("", False)]
    assert names(bob) == [("", False), ("Bob", True)]
    assert names(project.key()) == [("Ann", True), ("Bob", True)]


def test_lists_are_asked_by_queries(project: Project) -> None:
    ann, bob = project.sign_up(), project.sign_up(name="Bob")
    team = new_team(ann)
    add_member(project, team, bob, "owners")

    def ask(query: str, **more: str) -> list[str]:
        found = ann.get(f"/v1/teams/{team}/memberships", params={"queries[0]": query, **more})
        assert found.status_code == 200, found.text
        return [each["userName"] for each in found.json()["memberships"]]

    assert ask(f'{{"method":"equal","attribute":"userId","values":["{id_of(bob)}"]}}') == ["Bob"]
    assert ask('{"method":"contains","attribute":"roles","values":["owner"]}') == ["Ann"]
    assert ask('{"method":"equal","attribute":"confirm","values":[true]}') == ["Ann", "Bob"]
    assert ask('{"method":"orderDesc","attribute":"joined"}') == ["Bob", "Ann"]
    assert ask('{"method":"limit","values":[10]}', search=id_of(bob)) == ["Bob"]
    assert ask(f'{{"method":"equal","attribute":"teamId","values":["{team}"]}}') == ["Ann", "Bob"]


@pytest.mark.parametrize(
    "body",
    [
        {"email": "x@example.test"},
        {"email": "nobody", "roles": []},
        {"roles": []},
        {"email": "x@example.test", "roles": ["a b"]},
        {"email": "x@example.test", "roles": ["a"] * 101},
        {"email": "x@example.test", "roles": [], "name": "x" * 129},
        {"email": 7, "roles": []},
    ],
)
def test_bad_members_are_refused(project: Project, body: dict[str, object]) -> None:
    key = project.key()
    team = new_team(key)
    refused = key.post(f"/v1/teams/{team}/memberships", json=body)
    assert error_of(refused) == (400, "general_argument_invalid")
    assert key.get(f"/v1/teams/{team}/memberships").json()["total"] == 0


def test_a_member_must_be_somebody(project: Project) -> None:
    key, ann = project.key(), project.sign_up()
    path = f"/v1/teams/{new_team(key)}/memberships"
    stranger = id_of(Project(project.site).sign_up())
    for user_id in ("missing", stranger):
        refused = key.post(path, json={"userId": user_id, "roles": []})
        assert error_of(refused) == (404, "user_not_found")
    both = {"userId": id_of(ann), "email": new_email(), "roles": []}
    assert error_of(key.post(path, json=both)) == (409, "user_already_exists")
    by_phone = key.post(path, json={"phone": "+4930123456", "roles": []})
    assert error_of(by_phone) == (503, "general_phone_disabled")


def test_memberships_of_a_user(project: Project) -> None:
    ann, key = project.sign_up(), project.key("users.read", "teams.write")
    teams = [new_team(ann), new_team(ann, "Other")]
    path = f"/v1/users/{id_of(ann)}/memberships"
    found = key.get(path).json()["memberships"]
    assert [each["teamId"] for each in found] == teams
    second = {"queries[0]": f'{{"method":"equal","attribute":"teamId","values":["{teams[1]}"]}}'}
    assert key.get(path, params=second).json()["total"] == 1
    for client in (project.guest(), ann, project.key("teams.read")):
        assert error_of(client.get(path)) == (401, "general_unauthorized_scope")
    with Project(project.site).key() as other, other.case("other project"):
        assert error_of(other.get(path)) == (404, "user_not_found")
    assert error_of(key.get("/v1/users/missing/memberships")) == (404, "user_not_found")
    bad = key.get(path, params={"queries[0]": "x"})
    assert error_of(bad) == (400, "general_query_invalid")


def test_a_deleted_user_is_no_member(project: Project) -> None:
    ann, bob, key = project.sign_up(), project.sign_up(name="Bob"), project.key()
    team = new_team(ann)
    add_member(project, team, bob)
    assert key.delete(f"/v1/users/{id_of(bob)}").status_code == 204
    assert len(ann.get(f"/v1/teams/{team}/memberships").json()["memberships"]) == 1
    poll(lambda: total_of(ann, team) == 1)


def test_memberships_need_credentials_and_scopes(project: Project) -> None:
    ann = project.sign_up()
    team = new_team(ann)
    (member,) = ann.get(f"/v1/teams/{team}/memberships").json()["memberships"]
    for client in (project.guest(), project.key("users.read")):
        for method in ("GET", "PATCH", "DELETE"):
            refused = client.request(method, path_of(member), json={"roles": []})
            assert error_of(refused) == (401, "general_unauthorized_scope")


def test_a_service_that_is_off_is_off_for_clients(running_site: Site) -> None:
    project = Project(running_site, services_off=["teams"])
    ann, key = project.sign_up(), project.key()
    team = new_team(key)
    for path in ("/v1/teams", f"/v1/teams/{team}/memberships"):
        assert error_of(ann.get(path)) == (403, "general_service_disabled")
        assert key.get(path).status_code == 200
