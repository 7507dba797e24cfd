"""Teams: making, finding, changing, deleting; who may do what."""

import httpx
import pytest

from raindrop.core.formats import new_id
from tests.load.clients import poll
from tests.support.site import Site
from tests.support.v1 import Project, error_of
from tests.teams.people import add_member, is_role_gone, new_team

pytestmark = pytest.mark.contract


@pytest.fixture
def project(running_site: Site) -> Project:
    return Project(running_site)


def test_who_makes_a_team_owns_it(project: Project) -> None:
    ann = project.sign_up()
    team = ann.post("/v1/teams", json={"teamId": "unique()", "name": "Crew"}).json()
    assert (team["name"], team["total"], team["prefs"]) == ("Crew", 1, {})
    assert ann.get(f"/v1/teams/{team['$id']}").json() == team
    (membership,) = ann.get(f"/v1/teams/{team['$id']}/memberships").json()["memberships"]
    assert (membership["roles"], membership["confirm"]) == (["owner"], True)
    assert membership["userName"] == "Ann"


def test_the_given_roles_come_with_owner(project: Project) -> None:
    ann = project.sign_up()
    body = {"teamId": "crew", "name": "Crew", "roles": ["pilot", "pilot"]}
    assert ann.post("/v1/teams", json=body).status_code == 201
    (membership,) = ann.get("/v1/teams/crew/memberships").json()["memberships"]
    assert membership["roles"] == ["pilot", "owner"]


def test_a_key_makes_a_team_without_members(project: Project) -> None:
    key = project.key()
    assert key.post("/v1/teams", json={"teamId": "crew", "name": "Crew"}).json()["total"] == 0
    assert key.get("/v1/teams/crew/memberships").json() == {"total": 0, "memberships": []}


def test_an_id_is_taken_once_in_a_project(project: Project) -> None:
    ann, body = project.sign_up(), {"teamId": "crew", "name": "Crew"}
    assert ann.post("/v1/teams", json=body).status_code == 201
    assert error_of(ann.post("/v1/teams", json=body)) == (409, "team_already_exists")
    other = Project(project.site).sign_up()
    assert other.post("/v1/teams", json=body).status_code == 201


@pytest.mark.parametrize(
    "change",
    [
        {"teamId": "-bad"},
        {"teamId": "x" * 37},
        {"teamId": None},
        {"name": ""},
        {"name": "x" * 129},
        {"name": 7},
        {"name": None},
        {"roles": ["x" * 82]},
        {"roles": ["a/b"]},
        {"roles": ["owner"] * 101},
        {"roles": "owner"},
    ],
)
def test_a_bad_team_is_refused(project: Project, change: dict[str, object]) -> None:
    key = project.key()
    body = {"teamId": new_id(), "name": "Crew"} | change
    refused = key.post("/v1/teams", json=body)
    assert error_of(refused) == (400, "general_argument_invalid")
    assert key.get("/v1/teams").json()["total"] == 0


def test_the_longest_that_is_allowed(project: Project) -> None:
    body = {"teamId": "x" * 36, "name": "x" * 128, "roles": ["x" * 81] * 100}
    assert project.sign_up().post("/v1/teams", json=body).status_code == 201


def test_people_see_their_own_teams(project: Project) -> None:
    ann, bob = project.sign_up(), project.sign_up(name="Bob")
    mine, his = new_team(ann, "Mine"), new_team(bob, "His")
    assert [team["$id"] for team in ann.get("/v1/teams").json()["teams"]] == [mine]
    assert error_of(ann.get(f"/v1/teams/{his}")) == (404, "team_not_found")
    everything = project.key().get("/v1/teams").json()
    assert (everything["total"], [each["$id"] for each in everything["teams"]]) == (2, [mine, his])


def test_lists_are_asked_by_queries(project: Project) -> None:
    key = project.key()
    for name in ("One", "Two", "Three"):
        new_team(key, name)

    def ask(*queries: str, **more: str) -> list[str]:
        given = {f"queries[{n}]": query for n, query in enumerate(queries)}
        found = key.get("/v1/teams", params=given | more)
        assert found.status_code == 200, found.text
        return [team["name"] for team in found.json()["teams"]]

    assert ask('{"method":"equal","attribute":"name","values":["Two"]}') == ["Two"]
    assert ask('{"method":"orderDesc","attribute":"name"}') == ["Two", "Three", "One"]
    assert ask('{"method":"greaterThan","attribute":"total","values":[0]}') == []
    assert ask('{"method":"limit","values":[1]}', '{"method":"offset","values":[1]}') == ["Two"]
    assert ask(search="hre") == ["Three"]
    bad = key.get("/v1/teams", params={"queries[0]": '{"method":"equal","attribute":"x"}'})
    assert error_of(bad) == (400, "general_query_invalid")
    after = {"queries[0]": '{"method":"cursorAfter","values":["none"]}'}
    assert error_of(key.get("/v1/teams", params=after)) == (400, "general_cursor_not_found")
    assert key.get("/v1/teams", params={"total": "false"}).json()["total"] == 0


def test_owners_change_a_team(project: Project) -> None:
    ann = project.sign_up()
    path = f"/v1/teams/{new_team(ann)}"
    assert ann.put(path, json={"name": "Other"}).json()["name"] == "Other"
    assert ann.put(f"{path}/prefs", json={"prefs": {"a": [1]}}).json() == {"a": [1]}
    assert ann.get(f"{path}/prefs").json() == {"a": [1]}
    assert ann.get(path).json()["prefs"] == {"a": [1]}
    assert error_of(ann.put(path, json={})) == (400, "general_argument_invalid")
    assert error_of(ann.put(f"{path}/prefs", json={"prefs": [1]})) == (
        400,
        "general_argument_invalid",
    )


CHANGES = (
    ("PUT", "", {"name": "Other"}),
    ("PUT", "/prefs", {"prefs": {}}),
    ("DELETE", "", None),
    ("POST", "/memberships", {"email": "x@example.test", "roles": [], "url": "http://localhost"}),
)
READS = ("", "/prefs", "/memberships")


def test_members_read_and_do_not_write(project: Project) -> None:
    ann, bob = project.sign_up(), project.sign_up(name="Bob")
    team = new_team(ann)
    add_member(project, team, bob)
    for read in READS:
        assert bob.get(f"/v1/teams/{team}{read}").status_code == 200
    for method, path, body in CHANGES:
        refused = bob.request(method, f"/v1/teams/{team}{path}", json=body)
        assert error_of(refused) == (401, "user_unauthorized"), path


def test_strangers_find_nothing(project: Project) -> None:
    path = f"/v1/teams/{new_team(project.sign_up())}"
    strangers = [project.sign_up(name="Eve"), Project(project.site).key()]
    for client, label in zip(strangers, ("stranger", "other project"), strict=True):
        with client.case(label):
            assert_nothing(client, path)
    assert_nothing(project.key(), "/v1/teams/missing")


def assert_nothing(client: httpx.Client, path: str) -> None:
    for read in READS:
        assert error_of(client.get(path + read)) == (404, "team_not_found")
    for method, rest, body in CHANGES:
        refused = client.request(method, path + rest, json=body)
        assert error_of(refused) == (404, "team_not_found")


def test_credentials_and_scopes_are_needed(project: Project) -> None:
    path = f"/v1/teams/{new_team(project.sign_up())}"
    for client in (project.guest(), project.key("users.read")):
        for read in ("", *READS):
            refused = client.get(path + read)
            assert error_of(refused) == (401, "general_unauthorized_scope")
        assert client.get("/v1/teams").status_code == 401
        assert client.post("/v1/teams", json={}).status_code == 401
        for method, rest, body in CHANGES:
            refused = client.request(method, path + rest, json=body)
            assert error_of(refused) == (401, "general_unauthorized_scope")


def test_a_deleted_team_takes_its_roles_with_it(project: Project) -> None:
    ann, bob = project.sign_up(), project.sign_up(name="Bob")
    team = new_team(ann)
    member = add_member(project, team, bob)
    assert bob.get(f"/v1/teams/{team}").status_code == 200
    assert ann.delete(f"/v1/teams/{team}").status_code == 204
    for client in (ann, bob, project.key()):
        assert error_of(client.get(f"/v1/teams/{team}")) == (404, "team_not_found")
        assert client.get("/v1/teams").json()["total"] == 0
    assert is_role_gone(project, bob, team)
    path = f"/v1/users/{member['userId']}/memberships"
    assert project.key().get(path).json()["total"] == 0
    poll(lambda: remains_of_teams(project) == [])


def remains_of_teams(project: Project) -> list[object]:
    """What the job has not deleted yet."""
    deleted = project.site.sql("SELECT public_id FROM teams WHERE public_id LIKE '~%'")
    left = "SELECT public_id FROM memberships WHERE project_id = :id"
    return [*deleted, *project.site.sql(left, id=project.number)]


def test_a_deleted_teams_id_is_free(project: Project) -> None:
    ann = project.sign_up()
    for _ in range(2):
        assert ann.post("/v1/teams", json={"teamId": "crew", "name": "Crew"}).status_code == 201
        assert ann.delete("/v1/teams/crew").status_code == 204


def test_events_tell_of_it(project: Project) -> None:
    ann = project.sign_up()
    team = new_team(ann)
    ann.put(f"/v1/teams/{team}", json={"name": "Other"})
    ann.put(f"/v1/teams/{team}/prefs", json={"prefs": {}})
    ann.delete(f"/v1/teams/{team}")
    rows = project.site.sql(
        "SELECT name FROM events WHERE project_id = :id AND resource = :team ORDER BY id",
        id=project.number,
        team=f"team/{team}",
    )
    expected = ["create", "update", "update.prefs", "delete"]
    assert [row["name"] for row in rows] == [f"teams.{team}.{action}" for action in expected]
