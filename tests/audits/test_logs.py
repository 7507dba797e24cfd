"""Who did what from where, as the contract's logs have it."""

from typing import Any

import httpx
import pytest

from tests.load.clients import poll
from tests.support.site import Site
from tests.support.v1 import Project, error_of, new_email
from tests.teams.people import add_member, id_of, new_team

pytestmark = pytest.mark.contract

FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
ACCOUNT = "/v1/account/logs"


@pytest.fixture
def project(running_site: Site) -> Project:
    return Project(running_site)


def actions(client: httpx.Client, path: str, *queries: str) -> list[str]:
    """The ends of the events, newest first."""
    params = {f"queries[{number}]": query for number, query in enumerate(queries)}
    answer = client.get(path, params=params)
    assert answer.status_code == 200, answer.text
    return [log["event"].rpartition(".")[2] for log in answer.json()["logs"]]


def wait_for(client: httpx.Client, path: str, count: int) -> list[dict[str, Any]]:
    """The logs once there are so many."""
    poll(lambda: client.get(path).json()["total"] >= count)
    found = client.get(path).json()
    assert found["total"] == len(found["logs"]) == count
    return found["logs"]


def test_what_a_person_did(project: Project) -> None:
    ann = project.sign_up(name="Ann")
    account = ann.get("/v1/account").json()
    renamed = ann.patch("/v1/account/name", json={"name": "Anne"}, headers={"User-Agent": FIREFOX})
    assert renamed.status_code == 200
    name, session, sign_up = wait_for(ann, ACCOUNT, 3)
    assert sign_up["event"] == f"users.{account['$id']}.create"
    assert session["event"].endswith(".create")
    assert name["event"] == f"users.{account['$id']}.update.name"
    for log in (name, session, sign_up):
        assert log["userId"] == account["$id"]
        assert log["userEmail"] == account["email"]
        assert log["ip"] == "127.0.0.1"
        assert log["mode"] == "default"
        assert log["countryCode"] == "--"
    assert (name["clientName"], name["osName"], name["deviceName"]) == (
        "Firefox",
        "Linux",
        "desktop",
    )


def test_a_users_logs_are_the_same(project: Project) -> None:
    ann = project.sign_up()
    logs = wait_for(ann, ACCOUNT, 2)
    path = f"/v1/users/{id_of(ann)}/logs"
    assert project.key("users.read").get(path).json() == {"total": 2, "logs": logs}
    with Project(project.site).key() as other, other.case("other project"):
        assert error_of(other.get(path)) == (404, "user_not_found")
    assert error_of(project.key().get("/v1/users/missing/logs")) == (404, "user_not_found")


def test_logs_are_of_one_person(project: Project) -> None:
    ann, bob = project.sign_up(), project.sign_up(name="Bob")
    wait_for(ann, ACCOUNT, 2)
    wait_for(bob, ACCOUNT, 2)


def test_who_had_the_id_before_is_somebody_else(project: Project) -> None:
    key = project.key()
    body = {"userId": "ann", "email": new_email(), "password": "correct horse 1"}
    first = project.guest()
    assert first.post("/v1/account", json=body).status_code == 201
    assert first.post("/v1/account/sessions/email", json=body).status_code == 201
    wait_for(first, ACCOUNT, 2)
    assert key.delete("/v1/users/ann").status_code == 204
    second = project.guest()
    assert second.post("/v1/account", json=body).status_code == 201
    assert second.post("/v1/account/sessions/email", json=body).status_code == 201
    wait_for(second, ACCOUNT, 2)


def test_what_happened_to_a_team(project: Project) -> None:
    ann, bob = project.sign_up(), project.sign_up(name="Bob")
    team = new_team(ann)
    add_member(project, team, bob)
    path = f"/v1/teams/{team}/logs"
    added, created = wait_for(ann, path, 2)
    assert created["event"] == f"teams.{team}.create"
    assert created["userName"] == "Ann"
    assert (added["userName"], added["userEmail"]) == ("test", "")
    assert project.key("teams.read").get(path).json()["total"] == 2
    assert error_of(bob.get(path)) == (401, "user_unauthorized")
    with Project(project.site).key() as other, other.case("other project"):
        assert error_of(other.get(path)) == (404, "team_not_found")


def test_a_project_hides_its_members_in_logs_too(running_site: Site) -> None:
    project = Project(running_site, shows_member_name=False, shows_member_email=False)
    ann = project.sign_up()
    team = new_team(ann)
    (log,) = wait_for(ann, f"/v1/teams/{team}/logs", 1)
    assert (log["userName"], log["userEmail"]) == ("", "")


def test_pages(project: Project) -> None:
    ann = project.sign_up()
    ann.patch("/v1/account/prefs", json={"prefs": {}})
    wait_for(ann, ACCOUNT, 3)
    limit, offset = '{"method":"limit","values":[1]}', '{"method":"offset","values":[1]}'
    assert actions(ann, ACCOUNT, limit) == ["prefs"]
    assert actions(ann, ACCOUNT, limit, offset) == ["create"]
    assert ann.get(ACCOUNT, params={"total": "false"}).json()["total"] == 0
    for bad in (
        "x",
        '{"method":"equal","attribute":"event","values":["a"]}',
        '{"method":"limit","values":[0]}',
        '{"method":"cursorAfter","values":["a"]}',
    ):
        refused = ann.get(ACCOUNT, params={"queries[0]": bad})
        assert error_of(refused) == (400, "general_query_invalid")


def test_credentials_and_scopes_are_needed(project: Project) -> None:
    ann = project.sign_up()
    user, team = id_of(ann), new_team(ann)
    paths = (ACCOUNT, f"/v1/users/{user}/logs", f"/v1/teams/{team}/logs")
    for client in (project.guest(), project.key("documents.read")):
        for path in paths:
            assert error_of(client.get(path)) == (401, "general_unauthorized_scope")
    assert error_of(ann.get(paths[1])) == (401, "general_unauthorized_scope")
    assert error_of(project.sign_up().get(paths[2])) == (404, "team_not_found")


def test_todos_leave_events_and_no_lines(running_site: Site) -> None:
    with running_site.client() as client:
        todo = client.post("/api/todo", json={"content": "x"}).json()["id"]
        client.put(f"/api/todo/{todo}/finish")
        client.delete(f"/api/todo/{todo}")
    names = [f"todos.{todo}.{action}" for action in ("create", "update", "delete")]
    dispatched = "SELECT name FROM events WHERE resource = :todo AND state = 1 ORDER BY id"
    poll(
        lambda: [row["name"] for row in running_site.sql(dispatched, todo=f"todo/{todo}")] == names
    )
    kept = "SELECT id FROM audits WHERE resource = :todo"
    assert running_site.sql(kept, todo=f"todo/{todo}") == []
    assert running_site.sql("SELECT id FROM event_deliveries WHERE consumer = 'todos'") == []
