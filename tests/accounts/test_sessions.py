"""Signing up, signing in, and the session that comes of it."""

import base64
import json

import pytest

from tests.support.site import Site
from tests.support.v1 import PASSWORD, Project, error_of, new_email

pytestmark = pytest.mark.contract


@pytest.fixture
def project(running_site: Site) -> Project:
    return Project(running_site)


def test_sign_up_sign_in_and_out(project: Project) -> None:
    email = new_email()
    client = project.sign_up(email.upper(), name="Ann")
    account = client.get("/v1/account").json()
    assert (account["email"], account["name"]) == (email, "Ann")
    (session,) = client.get("/v1/account/sessions").json()["sessions"]
    assert session["current"]
    assert session["factors"] == ["password"]
    assert client.delete("/v1/account/sessions/current").status_code == 204
    assert error_of(client.get("/v1/account")) == (401, "general_unauthorized_scope")


def test_an_ended_session_stops_at_once(project: Project) -> None:
    client = project.sign_up()
    other = project.guest()
    other.cookies = client.cookies
    assert other.get("/v1/account").status_code == 200
    assert client.delete("/v1/account/sessions/current").status_code == 204
    assert other.get("/v1/account").status_code == 401


def test_each_address_has_one_user(project: Project) -> None:
    email = new_email()
    project.sign_up(email)
    again = {"userId": "unique()", "email": email.title(), "password": PASSWORD}
    assert error_of(project.guest().post("/v1/account", json=again)) == (409, "user_already_exists")
    assert Project(project.site).guest().post("/v1/account", json=again).status_code == 201


@pytest.mark.parametrize(
    "change",
    [
        {"userId": "-bad"},
        {"userId": "x" * 37},
        {"email": "nobody"},
        {"email": 7},
        {"password": "short77"},
        {"password": "x" * 257},
        {"name": "x" * 129},
        {"userId": None},
    ],
)
def test_bad_sign_up_changes_nothing(project: Project, change: dict[str, object]) -> None:
    body = {"userId": "unique()", "email": new_email(), "password": PASSWORD} | change
    answer = project.guest().post("/v1/account", json=body)
    assert error_of(answer) == (400, "general_argument_invalid")
    count = "SELECT count(*) AS n FROM users WHERE project_id = :id"
    assert project.site.sql(count, id=project.number)[0]["n"] == 0


def test_wrong_password_and_unknown_address_are_alike(project: Project) -> None:
    email = new_email()
    project.sign_up(email)
    answers = [
        project.guest().post("/v1/account/sessions/email", json={"email": each, "password": "no"})
        for each in (email, new_email())
    ]
    assert error_of(answers[0]) == (401, "user_invalid_credentials")
    assert answers[0].json() == answers[1].json()


def test_a_session_is_of_its_project_only(project: Project) -> None:
    client = project.sign_up()
    other = Project(project.site)
    secret = client.cookies[f"a_session_{project.id}"]
    with other.guest(X_Appwrite_Session=secret) as stranger, stranger.case("other project"):
        assert stranger.get("/v1/account").status_code == 401
    with project.guest(X_Appwrite_Session=secret) as same:
        assert same.get("/v1/account").status_code == 200


def test_a_secret_of_nobody(project: Project) -> None:
    for held in ("x", base64.b64encode(b"{}").decode(), forged("nobody"), forged("../../x")):
        with project.guest(X_Appwrite_Session=held) as client:
            assert client.get("/v1/account").status_code == 401


def forged(user_id: str) -> str:
    return base64.b64encode(json.dumps({"id": user_id, "secret": "0" * 64}).encode()).decode()


def test_wrong_key_is_nobody(project: Project) -> None:
    with project.guest(X_Appwrite_Key="standard_wrong") as client:
        assert error_of(client.get("/v1/account")) == (401, "general_access_forbidden")


def test_no_such_project(project: Project) -> None:
    with project.guest(X_Appwrite_Project="nothing") as client:
        assert error_of(client.get("/v1/account")) == (404, "project_not_found")


def test_a_cookie_writes_only_from_known_pages(project: Project) -> None:
    client = project.sign_up()
    path = "/v1/account/sessions/current"
    refused = client.delete(path, headers={"Origin": "https://evil.example"})
    assert error_of(refused) == (403, "general_unknown_origin")
    assert client.get("/v1/account").status_code == 200
    assert client.delete(path, headers={"Origin": "http://localhost:5173"}).status_code == 204


def test_events_tell_of_it(project: Project) -> None:
    project.sign_up()
    rows = project.site.sql(
        "SELECT name, payload FROM events WHERE project_id = :id ORDER BY id", id=project.number
    )
    assert [row["name"].rpartition(".")[2] for row in rows] == ["create", "create"]
    assert not any("password" in json.loads(row["payload"]) for row in rows)
