"""Projects: making, seeing, changing, moving, deleting, and who may."""

import json
import subprocess
import sys
import time

import pytest
import sqlalchemy as sa

from raindrop.config import HOME
from raindrop.core.access import KEY_SCOPES
from tests.support.operators import Operator, OwnedProject
from tests.support.site import Site
from tests.support.v1 import error_of

pytestmark = pytest.mark.contract


def test_create_and_read(operator: Operator) -> None:
    team_id = operator.join()
    project = operator.create_project(
        team_id, projectId="unique()", name="Shop", description="sells", url="https://x.example"
    )
    shown = project.get()
    assert (shown["name"], shown["teamId"]) == ("Shop", team_id)
    assert (shown["description"], shown["url"], shown["legalName"]) == (
        "sells",
        "https://x.example",
        "",
    )
    assert shown["authEmailPassword"]
    assert shown["serviceStatusForUsers"]
    assert {each["key"] for each in shown["oAuthProviders"]} == {"github", "google", "oidc"}
    assert project.sign_up().get("/v1/account").status_code == 200


def test_list_search_and_queries(operator: Operator, stranger: Operator) -> None:
    team_id = operator.join()
    made = [operator.create_project(team_id, name=f"Name {letter}") for letter in "abc"]
    found = operator.client.get("/v1/projects").json()
    assert [each["$id"] for each in found["projects"]] == [each.id for each in made]
    assert found["total"] == 3
    by_name = operator.client.get("/v1/projects", params={"search": "Name b"}).json()
    assert [each["$id"] for each in by_name["projects"]] == [made[1].id]
    queries = [
        {"method": "orderDesc", "attribute": "name"},
        {"method": "cursorAfter", "values": [made[2].id]},
        {"method": "limit", "values": [1]},
    ]
    named = {f"queries[{i}]": json.dumps(query) for i, query in enumerate(queries)}
    page = operator.client.get("/v1/projects", params=named).json()
    assert [each["$id"] for each in page["projects"]] == [made[1].id]
    one = {"queries[0]": json.dumps({"method": "equal", "attribute": "teamId", "values": ["no"]})}
    assert operator.client.get("/v1/projects", params=one).json()["total"] == 0
    assert made[0].id not in stranger.client.get("/v1/projects").text


def test_cursor_of_another_team(operator: Operator, stranger: Operator) -> None:
    other = stranger.client.get("/v1/projects").json()["projects"][0]["$id"]
    query = {"queries[0]": json.dumps({"method": "cursorAfter", "values": [other]})}
    answer = operator.client.get("/v1/projects", params=query)
    assert error_of(answer) == (400, "general_cursor_not_found")
    bad = operator.client.get("/v1/projects", params={"queries[0]": "x"})
    assert error_of(bad) == (400, "general_query_invalid")


@pytest.mark.parametrize(
    ("change", "kind"),
    [
        ({"projectId": "console"}, "project_reserved_project"),
        ({"projectId": "site"}, "project_reserved_project"),
        ({"projectId": "Upper"}, "general_argument_invalid"),
        ({"projectId": "-x"}, "general_argument_invalid"),
        ({"projectId": "x" * 37}, "general_argument_invalid"),
        ({"name": ""}, "general_argument_invalid"),
        ({"name": "x" * 129}, "general_argument_invalid"),
        ({"name": None}, "general_argument_invalid"),
        ({"url": "javascript:alert(1)"}, "general_argument_invalid"),
        ({"description": "x" * 257}, "general_argument_invalid"),
        ({"region": "fra"}, "project_region_unsupported"),
        ({"teamId": 7}, "general_argument_invalid"),
    ],
)
def test_bad_project_is_not_made(operator: Operator, change: dict[str, object], kind: str) -> None:
    body = {"projectId": "unique()", "name": "x", "teamId": operator.join()} | change
    answer = operator.client.post("/v1/projects", json=body)
    assert error_of(answer) == (400, kind)
    assert operator.client.get("/v1/projects").json()["total"] == 0


def test_ids_and_names_at_their_limits(operator: Operator) -> None:
    project = operator.create_project(projectId=f"x{time.time_ns():035d}", name="n" * 128)
    assert len(project.id) == 36
    again = {"projectId": project.id, "name": "x", "teamId": project.team_id}
    taken = operator.client.post("/v1/projects", json=again)
    assert error_of(taken) == (409, "project_already_exists")


def test_team_must_be_ones_own(
    operator: Operator, project: OwnedProject, stranger: Operator, reader: Operator
) -> None:
    body = {"projectId": "unique()", "name": "x", "teamId": project.team_id}
    answer = stranger.client.post("/v1/projects", json=body)
    assert error_of(answer) == (404, "team_not_found")
    looks_only = reader.client.post("/v1/projects", json=body)
    assert error_of(looks_only) == (401, "general_unauthorized_scope")
    nothing = operator.client.post("/v1/projects", json=body | {"teamId": "nothing"})
    assert error_of(nothing) == (404, "team_not_found")


def test_update_keeps_what_is_not_given(project: OwnedProject) -> None:
    first = {"name": "One", "description": "kept", "legalCity": "Ulm"}
    assert project.console.patch(project.path, json=first).status_code == 200
    second = project.console.patch(project.path, json={"name": "Two", "legalCity": ""}).json()
    assert (second["name"], second["description"], second["legalCity"]) == ("Two", "kept", "")
    bad = project.console.patch(project.path, json={"name": 7})
    assert error_of(bad) == (400, "general_argument_invalid")
    assert project.get()["name"] == "Two"


def test_move_to_another_team(project: OwnedProject, stranger: Operator) -> None:
    owner, path = project.owner, f"{project.path}/team"
    new_team = owner.join()
    moved = owner.client.patch(path, json={"teamId": new_team})
    assert moved.json()["teamId"] == new_team
    newcomer = Operator(project.site)
    newcomer.join(project.team_id)
    with newcomer.client.case("other project"):
        assert error_of(newcomer.client.get(project.path)) == (404, "project_not_found")
    foreign = stranger.join()
    refused = owner.client.patch(path, json={"teamId": foreign})
    assert error_of(refused) == (404, "team_not_found")
    assert project.get()["teamId"] == new_team


OPERATIONS = [
    ("GET", "", None),
    ("PATCH", "", {"name": "x"}),
    ("DELETE", "", None),
    ("PATCH", "/team", {"teamId": "x"}),
    ("PATCH", "/api", {"api": "rest", "status": False}),
    ("PATCH", "/api/all", {"status": False}),
    ("PATCH", "/service", {"service": "users", "status": False}),
    ("PATCH", "/service/all", {"status": False}),
    ("PATCH", "/auth/duration", {"duration": 60}),
    ("PATCH", "/auth/limit", {"limit": 1}),
    ("PATCH", "/auth/max-sessions", {"limit": 1}),
    ("PATCH", "/auth/memberships-privacy", {"userName": True, "userEmail": True, "mfa": True}),
    ("PATCH", "/auth/password-dictionary", {"enabled": True}),
    ("PATCH", "/auth/password-history", {"limit": 1}),
    ("PATCH", "/auth/personal-data", {"enabled": True}),
    ("PATCH", "/auth/session-alerts", {"alerts": True}),
    ("PATCH", "/auth/session-invalidation", {"enabled": True}),
    ("PATCH", "/auth/jwt", {"status": False}),
    ("PATCH", "/oauth2", {"provider": "github", "appId": "x"}),
    ("GET", "/keys", None),
    ("POST", "/keys", {"name": "x", "scopes": []}),
    ("GET", "/keys/nothing", None),
    ("PUT", "/keys/nothing", {"name": "x", "scopes": []}),
    ("DELETE", "/keys/nothing", None),
    ("GET", "/dev-keys", None),
    ("POST", "/dev-keys", {"name": "x", "expire": "2040-01-01T00:00:00Z"}),
    ("GET", "/dev-keys/nothing", None),
    ("PUT", "/dev-keys/nothing", {"name": "x", "expire": "2040-01-01T00:00:00Z"}),
    ("DELETE", "/dev-keys/nothing", None),
    ("POST", "/jwts", {"scopes": ["users.read"]}),
    ("GET", "/platforms", None),
    ("POST", "/platforms", {"name": "x", "type": "web", "hostname": "x.example"}),
    ("GET", "/platforms/nothing", None),
    ("PUT", "/platforms/nothing", {"name": "x", "hostname": "x.example"}),
    ("DELETE", "/platforms/nothing", None),
]
READS = [each for each in OPERATIONS if each[0] == "GET"]
WRITES = [each for each in OPERATIONS if each[0] != "GET"]


def test_every_operation_is_refused_to_others(
    project: OwnedProject, stranger: Operator, reader: Operator
) -> None:
    """Nobody, a user of the project, its key, a stranger operator; and one who may only look."""
    key = project.guest(X_Appwrite_Key=project.key_secret(*KEY_SCOPES))
    user = project.sign_up()
    nobody = project.guest(X_Appwrite_Project="console")
    for method, path, body in OPERATIONS:
        for client, label in ((nobody, "no credentials"), (user, "missing scope"), (key, "key")):
            with client.case(label):
                answer = client.request(method, project.path + path, json=body)
                assert error_of(answer) == (401, "general_unauthorized_scope"), (label, path)
        with stranger.client.case("other project"):
            answer = stranger.client.request(method, project.path + path, json=body)
            assert error_of(answer) == (404, "project_not_found"), path
    for method, path, body in WRITES:
        with reader.client.case("missing scope"):
            answer = reader.client.request(method, project.path + path, json=body)
            assert error_of(answer) == (401, "general_unauthorized_scope"), path
    for _, path, _ in READS:
        assert reader.client.get(project.path + path).status_code in (200, 404)


def test_every_operation_of_a_project_that_is_not_there(operator: Operator) -> None:
    operator.join()
    for project_id in ("nothing", "console"):
        for method, path, body in OPERATIONS:
            answer = operator.client.request(method, f"/v1/projects/{project_id}{path}", json=body)
            assert error_of(answer) == (404, "project_not_found"), path


def test_what_is_not_served_says_so(project: OwnedProject) -> None:
    for method, path in (
        ("GET", "/webhooks"),
        ("PATCH", "/auth/mock-numbers"),
        ("GET", "/templates/sms/verification/en"),
    ):
        answer = project.console.request(method, project.path + path)
        assert error_of(answer) == (405, "general_not_implemented")


def test_events_in_both_trails(project: OwnedProject) -> None:
    project.console.patch(f"{project.path}/auth/limit", json={"limit": 3})
    project.key_secret("users.read")
    rows = project.site.sql(
        "SELECT e.name, e.origin, e.payload, p.public_id FROM events e"
        " JOIN projects p ON p.id = e.project_id WHERE e.resource = :resource ORDER BY e.id",
        resource=f"project/{project.id}",
    )
    for trail in (project.id, "console"):
        names = [row["name"] for row in rows if row["public_id"] == trail]
        assert names[0] == f"projects.{project.id}.create"
        assert names[1] == f"projects.{project.id}.update.auth.limit"
        assert names[2].startswith(f"projects.{project.id}.keys.")
    assert {json.loads(row["origin"])["userId"] for row in rows} == {project.owner.id}


def test_deleting_a_project_deletes_everything(project: OwnedProject) -> None:
    users = [project.sign_up() for _ in range(3)]
    secret = project.key_secret("users.read")
    lasting = project.console.post(f"{project.path}/jwts", json={"scopes": ["users.read"]})
    web = {"name": "x", "type": "web", "hostname": "x.example"}
    assert project.console.post(f"{project.path}/platforms", json=web).status_code == 201
    number = project.site.sql("SELECT id FROM projects WHERE public_id = :id", id=project.id)
    other = project.owner.create_project(project.team_id)
    other.sign_up()
    kept = other.rows("users")
    assert project.console.delete(project.path).status_code == 204
    for client in (users[0], project.guest(X_Appwrite_Key=secret)):
        assert error_of(client.get("/v1/account")) == (404, "project_not_found")
    assert error_of(project.console.get(project.path)) == (404, "project_not_found")
    assert error_of(project.console.delete(project.path)) == (404, "project_not_found")
    assert project.id not in project.console.get("/v1/projects").text
    tables = ("users", "sessions", "targets", "keys", "platforms", "teams", "events", "audits")
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        # Asked first: what is counted behind it is counted when the project is gone.
        is_there = project.site.sql("SELECT id FROM projects WHERE public_id = :id", id=project.id)
        left = {
            table: project.site.sql(
                f"SELECT count(*) AS n FROM `{table}` WHERE project_id = :id", id=number[0]["id"]
            )[0]["n"]
            for table in tables
        }
        if not is_there:
            break
        time.sleep(0.1)
    assert not is_there, left
    assert not any(left.values()), left
    assert other.rows("users") == kept
    assert project.site.sql("SELECT id FROM projects WHERE public_id = 'console'")
    again = {"projectId": project.id, "name": "Again", "teamId": project.team_id}
    assert project.console.post("/v1/projects", json=again).status_code == 201
    for old in (secret, lasting.json()["jwt"]):
        answer = project.guest(X_Appwrite_Key=old).get("/v1/users")
        assert error_of(answer) == (401, "general_access_forbidden")


def test_the_deleting_worker_knows_every_table_of_projects(running_site: Site) -> None:
    """A room without tasks is not imported there: its rows would stay, or stop the job."""
    script = (
        "from raindrop.core.db import db; from raindrop.worker import celery;"
        "celery.loader.import_default_modules();"
        "print(*(t.name for t in db.metadata.sorted_tables if 'project_id' in t.c))"
    )
    known = subprocess.run(
        [sys.executable, "-c", script],
        env=running_site.environment,
        cwd=HOME / "server",
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    inspector = sa.inspect(running_site.engine)
    there = {
        name
        for name in inspector.get_table_names()
        if "project_id" in {column["name"] for column in inspector.get_columns(name)}
    }
    assert there == set(known)
