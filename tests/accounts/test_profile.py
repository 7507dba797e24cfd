"""What people change of their own account."""

import json

import pytest

from tests.support.site import Site
from tests.support.v1 import PASSWORD, Project, error_of, new_email

pytestmark = pytest.mark.contract

INVALID = (400, "general_argument_invalid")


@pytest.fixture
def project(running_site: Site) -> Project:
    return Project(running_site)


def can_sign_in(project: Project, email: str, password: str) -> bool:
    body = {"email": email, "password": password}
    return project.guest().post("/v1/account/sessions/email", json=body).status_code == 201


def test_name(project: Project) -> None:
    client = project.sign_up()
    longest = "é" * 128
    assert client.patch("/v1/account/name", json={"name": longest}).json()["name"] == longest
    assert error_of(client.patch("/v1/account/name", json={"name": "x" * 129})) == INVALID
    assert client.get("/v1/account").json()["name"] == longest


def test_prefs(project: Project) -> None:
    client = project.sign_up()
    assert client.get("/v1/account/prefs").json() == {}
    prefs = {"theme": "dark", "sizes": [1, 2.5], "深": None}
    changed = client.patch("/v1/account/prefs", json={"prefs": prefs})
    assert changed.json()["prefs"] == prefs
    assert client.get("/v1/account/prefs").json() == prefs


def test_prefs_have_a_size(project: Project) -> None:
    client = project.sign_up()
    room = 65_536 - len(json.dumps({"x": ""}))
    for size, status in ((room, 200), (room + 1, 400)):
        answer = client.patch("/v1/account/prefs", json={"prefs": {"x": "y" * size}})
        assert answer.status_code == status
    assert len(client.get("/v1/account/prefs").json()["x"]) == room


@pytest.mark.parametrize("text", ['{"prefs": {"x": NaN}}', '{"prefs": [1]}', '{"prefs": "x"}', "{"])
def test_prefs_are_an_object(project: Project, text: str) -> None:
    headers = {"Content-Type": "application/json"}
    answer = project.sign_up().patch("/v1/account/prefs", content=text, headers=headers)
    assert answer.status_code == 400


def test_email(project: Project) -> None:
    old, new = new_email(), new_email()
    client = project.sign_up(old)
    project.site.sql("UPDATE users SET is_email_verified = 1 WHERE email = :e", e=old)
    body = {"email": new.upper(), "password": "wrong password"}
    refused = client.patch("/v1/account/email", json=body)
    assert error_of(refused) == (401, "user_invalid_credentials")
    changed = client.patch("/v1/account/email", json=body | {"password": PASSWORD})
    assert changed.status_code == 200
    assert (changed.json()["email"], changed.json()["emailVerification"]) == (new, False)
    assert [target["identifier"] for target in changed.json()["targets"]] == [new]
    assert can_sign_in(project, new, PASSWORD)
    assert not can_sign_in(project, old, PASSWORD)


def test_the_email_of_somebody_else(project: Project) -> None:
    taken, own = new_email(), new_email()
    project.sign_up(taken)
    client = project.sign_up(own)
    answer = client.patch("/v1/account/email", json={"email": taken, "password": PASSWORD})
    assert error_of(answer) == (409, "user_email_already_exists")
    assert client.get("/v1/account").json()["email"] == own


def test_phone(project: Project) -> None:
    client = project.sign_up()
    body = {"phone": "+4930123456", "password": PASSWORD}
    changed = client.patch("/v1/account/phone", json=body)
    assert (changed.json()["phone"], changed.json()["phoneVerification"]) == (body["phone"], False)
    other = project.sign_up()
    assert error_of(other.patch("/v1/account/phone", json=body)) == (
        409,
        "user_phone_already_exists",
    )
    wrong = body | {"phone": "+4930123457", "password": "wrong password"}
    assert error_of(other.patch("/v1/account/phone", json=wrong)) == (
        401,
        "user_invalid_credentials",
    )
    assert error_of(other.patch("/v1/account/phone", json=body | {"phone": "030"})) == INVALID


def test_password(project: Project) -> None:
    email = new_email()
    client = project.sign_up(email)
    other = project.guest()
    other.post("/v1/account/sessions/email", json={"email": email, "password": PASSWORD})
    path, body = "/v1/account/password", {"password": "battery staple 2"}
    refused = (401, "user_invalid_credentials")
    assert error_of(client.patch(path, json=body)) == refused
    assert error_of(client.patch(path, json=body | {"oldPassword": "wrong one"})) == refused
    assert client.patch(path, json=body | {"oldPassword": PASSWORD}).status_code == 200
    assert client.get("/v1/account").status_code == 200
    assert other.get("/v1/account").status_code == 401
    assert can_sign_in(project, email, body["password"])
    assert not can_sign_in(project, email, PASSWORD)


def test_sessions_stay_where_the_project_wants_it(running_site: Site) -> None:
    project = Project(running_site, invalidates_sessions=False)
    email = new_email()
    client, other = project.sign_up(email), project.guest()
    other.post("/v1/account/sessions/email", json={"email": email, "password": PASSWORD})
    body = {"password": "battery staple 2", "oldPassword": PASSWORD}
    assert client.patch("/v1/account/password", json=body).status_code == 200
    assert other.get("/v1/account").status_code == 200


def test_who_has_no_password_needs_no_old_one(project: Project) -> None:
    client = project.guest()
    client.post("/v1/account/sessions/anonymous")
    changed = client.patch("/v1/account/password", json={"password": "battery staple 2"})
    assert changed.status_code == 200
    again = client.patch("/v1/account/password", json={"password": "battery staple 3"})
    assert error_of(again) == (401, "user_invalid_credentials")


def test_who_closes_the_account_is_out_at_once(project: Project) -> None:
    email = new_email()
    client = project.sign_up(email)
    secret = client.cookies[f"a_session_{project.id}"]
    closed = client.patch("/v1/account/status")
    assert (closed.status_code, closed.json()["status"]) == (200, False)
    assert not client.cookies.get(f"a_session_{project.id}")
    with project.guest(X_Appwrite_Session=secret) as held:
        assert held.get("/v1/account").status_code == 401
    body = {"email": email, "password": PASSWORD}
    answer = project.guest().post("/v1/account/sessions/email", json=body)
    assert error_of(answer) == (401, "user_blocked")
    wrong = project.guest().post("/v1/account/sessions/email", json=body | {"password": "wrong"})
    assert error_of(wrong) == (401, "user_invalid_credentials")


def test_who_deletes_the_account_is_gone(project: Project) -> None:
    email = new_email()
    client = project.sign_up(email)
    assert client.delete("/v1/account").status_code == 204
    assert client.get("/v1/account").status_code == 401
    assert not can_sign_in(project, email, PASSWORD)
    project.sign_up(email)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("PATCH", "name"),
        ("PATCH", "email"),
        ("PATCH", "phone"),
        ("PATCH", "password"),
        ("PATCH", "prefs"),
        ("GET", "prefs"),
        ("PATCH", "status"),
        ("DELETE", ""),
        ("POST", "jwts"),
        ("DELETE", "sessions"),
        ("GET", "sessions/current"),
        ("PATCH", "sessions/current"),
    ],
)
def test_guests_have_no_account(project: Project, method: str, path: str) -> None:
    answer = project.guest().request(method, f"/v1/account/{path}".rstrip("/"))
    assert error_of(answer) == (401, "general_unauthorized_scope")


def test_a_page_of_elsewhere_changes_nothing(project: Project) -> None:
    client = project.sign_up()
    headers = {"Origin": "https://evil.example"}
    answer = client.patch("/v1/account/name", json={"name": "Eve"}, headers=headers)
    assert error_of(answer) == (403, "general_unknown_origin")
    assert client.get("/v1/account").json()["name"] == "Ann"
