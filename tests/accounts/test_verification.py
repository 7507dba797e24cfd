"""Proving that an address is the user's."""

from urllib.parse import parse_qs, urlsplit

import pytest

from tests.accounts.test_tokens import keep_token
from tests.support.mailbox import wait_for_mail
from tests.support.site import Site
from tests.support.v1 import PASSWORD, Project, error_of, new_email

pytestmark = pytest.mark.contract

EMAIL, PHONE = "/v1/account/verifications/email", "/v1/account/verifications/phone"
PAGE = {"url": "http://localhost/verify"}


@pytest.fixture
def project(running_site: Site) -> Project:
    return Project(running_site)


def held_of(project: Project, email: str) -> dict[str, str]:
    link = wait_for_mail(project.site, project.id, email, "verification").link
    query = parse_qs(urlsplit(link).query)
    return {"userId": query["userId"][0], "secret": query["secret"][0]}


def test_a_link_proves_the_address_once(project: Project) -> None:
    email = new_email()
    client = project.sign_up(email)
    made = client.post(EMAIL, json=PAGE)
    assert made.status_code == 201
    assert made.json()["secret"] == ""
    held = held_of(project, email)
    # Whoever opens the mail need not be signed in.
    assert project.guest().put(EMAIL, json=held).status_code == 200
    assert client.get("/v1/account").json()["emailVerification"]
    assert error_of(project.guest().put(EMAIL, json=held)) == (401, "user_invalid_token")
    assert error_of(client.post(EMAIL, json=PAGE)) == (409, "user_email_already_verified")
    names = [
        row["name"].split(".", 2)[2].split(".")[0::2]
        for row in project.site.sql(
            "SELECT name FROM events WHERE project_id = :id ORDER BY id", id=project.number
        )
    ]
    assert ["verification", "create"] in names
    assert ["verification", "update"] in names


def test_who_has_no_address(project: Project) -> None:
    client = project.guest()
    client.post("/v1/account/sessions/anonymous")
    assert error_of(client.post(EMAIL, json=PAGE)) == (400, "user_email_not_found")


def test_guests_ask_for_none(project: Project) -> None:
    assert error_of(project.guest().post(EMAIL, json=PAGE)) == (401, "general_unauthorized_scope")


def test_a_link_leads_to_platforms_only(project: Project) -> None:
    answer = project.sign_up().post(EMAIL, json={"url": "https://evil.example"})
    assert error_of(answer) == (400, "general_argument_invalid")


def test_a_changed_address_is_not_proven_by_the_old_link(project: Project) -> None:
    email = new_email()
    client = project.sign_up(email)
    client.post(EMAIL, json=PAGE)
    held = held_of(project, email)
    body = {"email": new_email(), "password": PASSWORD}
    assert client.patch("/v1/account/email", json=body).status_code == 200
    assert error_of(client.put(EMAIL, json=held)) == (401, "user_invalid_token")
    assert not client.get("/v1/account").json()["emailVerification"]


def test_a_session_token_proves_nothing(project: Project) -> None:
    client = project.sign_up()
    user_id = client.get("/v1/account").json()["$id"]
    keep_token(project, user_id, "token", "a1b2c3")
    held = {"userId": user_id, "secret": "a1b2c3"}
    assert error_of(client.put(EMAIL, json=held)) == (401, "user_invalid_token")


def test_phones_wait_for_a_way_to_reach_them(project: Project) -> None:
    client = project.sign_up()
    assert error_of(client.post(PHONE)) == (503, "general_phone_disabled")
    user_id = client.get("/v1/account").json()["$id"]
    held = {"userId": user_id, "secret": "123456"}
    assert error_of(project.guest().put(PHONE, json=held)) == (401, "user_invalid_token")
