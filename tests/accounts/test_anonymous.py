"""Accounts of nobody in particular, and how they become somebody's."""

import pytest

from tests.support.site import Site
from tests.support.v1 import Project, error_of, new_email

pytestmark = pytest.mark.contract

ANONYMOUS = "/v1/account/sessions/anonymous"


@pytest.fixture
def project(running_site: Site) -> Project:
    return Project(running_site)


def test_an_anonymous_account_becomes_a_full_one(project: Project) -> None:
    client = project.guest()
    made = client.post(ANONYMOUS)
    assert made.status_code == 201
    assert (made.json()["provider"], made.json()["factors"]) == ("anonymous", ["anonymous"])
    account = client.get("/v1/account").json()
    assert (account["email"], account["name"], account["passwordUpdate"]) == ("", "", "")
    body = {"email": new_email(), "password": "battery staple 2"}
    converted = client.patch("/v1/account/email", json=body)
    assert (converted.json()["$id"], converted.json()["email"]) == (account["$id"], body["email"])
    assert converted.json()["passwordUpdate"]
    assert client.get("/v1/account").json()["email"] == body["email"]
    signed_in = project.guest().post("/v1/account/sessions/email", json=body)
    assert signed_in.json()["userId"] == account["$id"]
    again = client.patch("/v1/account/email", json=body | {"password": "something else"})
    assert error_of(again) == (401, "user_invalid_credentials")


def test_an_address_of_somebody_else_converts_nothing(project: Project) -> None:
    taken = new_email()
    project.sign_up(taken)
    client = project.guest()
    client.post(ANONYMOUS)
    body = {"email": taken, "password": "battery staple 2"}
    answer = client.patch("/v1/account/email", json=body)
    assert error_of(answer) == (409, "user_email_already_exists")
    account = client.get("/v1/account").json()
    assert (account["email"], account["passwordUpdate"]) == ("", "")


def test_who_is_signed_in_is_somebody(project: Project) -> None:
    client = project.sign_up()
    assert error_of(client.post(ANONYMOUS)) == (401, "user_session_already_exists")


def test_a_project_that_is_full(running_site: Site) -> None:
    project = Project(running_site, user_limit=1)
    assert project.guest().post(ANONYMOUS).status_code == 201
    assert error_of(project.guest().post(ANONYMOUS)) == (400, "user_count_exceeded")


def test_the_console_has_none(project: Project) -> None:
    with project.guest(X_Appwrite_Project="console") as client:
        assert error_of(client.post(ANONYMOUS)) == (401, "user_anonymous_console_prohibited")
