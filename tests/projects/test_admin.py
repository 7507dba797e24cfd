"""Operators at work in a project (``X-Appwrite-Mode: admin``), and OpenWhisk's credentials."""

import pytest

from tests.support.operators import Operator, OwnedProject
from tests.support.v1 import PASSWORD, error_of, new_email

pytestmark = pytest.mark.contract


def new_user() -> dict[str, str]:
    return {"userId": "unique()", "email": new_email(), "password": PASSWORD, "name": "Uma"}


def test_operator_works_in_the_project(project: OwnedProject) -> None:
    admin = project.owner.admin_of(project.id)
    made = admin.post("/v1/users", json=new_user())
    assert made.status_code == 201
    assert admin.get("/v1/users").json()["total"] == 1
    assert admin.delete(f"/v1/users/{made.json()['$id']}").status_code == 204
    (event,) = project.site.sql(
        "SELECT origin FROM events WHERE name = :name", name=f"users.{made.json()['$id']}.create"
    )
    assert project.owner.id in event["origin"]
    assert '"mode": "admin"' in event["origin"]


def test_reader_may_only_look(project: OwnedProject, reader: Operator) -> None:
    admin = reader.admin_of(project.id)
    assert admin.get("/v1/users").status_code == 200
    with admin.case("missing scope"):
        refused = admin.post("/v1/users", json=new_user())
        assert error_of(refused) == (401, "general_unauthorized_scope")
        refused = admin.post("/v1/teams", json={"teamId": "unique()", "name": "x"})
        assert error_of(refused) == (401, "general_unauthorized_scope")


@pytest.mark.parametrize("role", ["admin", "developer"])
def test_other_roles_that_may_write(project: OwnedProject, role: str) -> None:
    other = Operator(project.site)
    other.join(project.team_id, role)
    assert other.admin_of(project.id).post("/v1/users", json=new_user()).status_code == 201
    assert other.client.patch(project.path, json={"name": role}).status_code == 200


def test_strangers_stay_out(project: OwnedProject, stranger: Operator) -> None:
    admin = stranger.admin_of(project.id)
    user = project.sign_up()
    user.headers["X-Appwrite-Mode"] = "admin"
    for client in (admin, project.guest(X_Appwrite_Mode="admin"), user):
        with client.case("other project"):
            assert error_of(client.get("/v1/users")) == (401, "general_unauthorized_scope")
            refused = client.post("/v1/users", json=new_user())
            assert error_of(refused) == (401, "general_unauthorized_scope")
    assert error_of(stranger.admin_of("nothing").get("/v1/users")) == (404, "project_not_found")


def test_admin_writes_from_our_page_only(project: OwnedProject) -> None:
    web = {"name": "x", "type": "web", "hostname": "shop.example"}
    assert project.console.post(f"{project.path}/platforms", json=web).status_code == 201
    admin = project.owner.admin_of(project.id)
    for origin in ("https://evil.example", "https://shop.example"):
        answer = admin.post("/v1/users", json=new_user(), headers={"Origin": origin})
        assert error_of(answer) == (403, "general_unknown_origin")
    assert admin.get("/v1/users").json()["total"] == 0


def test_console_has_no_admin_mode_and_no_users_list(operator: Operator) -> None:
    for mode in ("admin", "default"):
        client = operator.sign_in("console", X_Appwrite_Mode=mode)
        assert error_of(client.get("/v1/users")) == (401, "general_unauthorized_scope")


def test_leaving_the_team_ends_it_at_once(project: OwnedProject) -> None:
    other = Operator(project.site)
    other.join(project.team_id, "owner")
    admin = other.admin_of(project.id)
    assert admin.get("/v1/users").status_code == 200
    path = f"/v1/teams/{project.team_id}/memberships"
    members = other.client.get(path).json()["memberships"]
    (mine,) = [each for each in members if each["userId"] == other.id]
    assert other.client.delete(f"{path}/{mine['$id']}").status_code == 204
    assert admin.get("/v1/users").status_code == 401
    assert error_of(other.client.get(project.path)) == (404, "project_not_found")


def test_key_as_openwhisk_credentials(project: OwnedProject) -> None:
    secret = project.key_secret("execution.read")
    with project.site.client() as client:
        answer = client.get("/api/v1/namespaces", auth=(project.id, secret))
        assert (answer.status_code, answer.json()) == (200, [project.id])
        other = project.owner.create_project(project.team_id)
        expired = project.key_secret("users.read", expire="2020-01-01T00:00:00Z")
        for auth in (
            None,
            (project.id, "standard_wrong"),
            (project.id, ""),
            (project.id, expired),
            (other.id, secret),
            ("nothing", secret),
            ("x" * 100, secret),
            ("console", secret),
            ("", secret),
        ):
            answer = client.get("/api/v1/namespaces", auth=auth)
            assert answer.status_code == 401
            assert set(answer.json()) == {"error", "code"}
            assert answer.json()["code"] == answer.headers["X-Request-Id"]
            assert answer.headers["WWW-Authenticate"].startswith("Basic")
        bearer = client.get("/api/v1/namespaces", headers={"Authorization": f"Bearer {secret}"})
        assert bearer.status_code == 401
        missing = client.get("/api/v1/nothing", auth=(project.id, secret))
        assert (missing.status_code, set(missing.json())) == (404, {"error", "code"})
