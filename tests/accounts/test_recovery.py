"""A new password by a mailed link."""

from urllib.parse import parse_qs, urlsplit

import pytest

from tests.support.mailbox import read_mails, wait_for_mail
from tests.support.site import Site
from tests.support.v1 import PASSWORD, Project, error_of, new_email

pytestmark = pytest.mark.contract

RECOVERY = "/v1/account/recovery"
PAGE = "http://localhost:5173/recover"
NEW_PASSWORD = "battery staple 2"


@pytest.fixture
def project(running_site: Site) -> Project:
    return Project(running_site)


def ask(project: Project, email: str) -> dict[str, str]:
    """Ask for a link; the user id and the secret in it."""
    answer = project.guest().post(RECOVERY, json={"email": email, "url": PAGE})
    assert answer.status_code == 201, answer.text
    assert answer.json()["secret"] == ""
    link = wait_for_mail(project.site, project.id, email, "recovery").link
    query = parse_qs(urlsplit(link).query)
    return {"userId": query["userId"][0], "secret": query["secret"][0]}


def can_sign_in(project: Project, email: str, password: str) -> bool:
    body = {"email": email, "password": password}
    return project.guest().post("/v1/account/sessions/email", json=body).status_code == 201


def test_a_link_sets_a_new_password_once(project: Project) -> None:
    email = new_email()
    client = project.sign_up(email)
    held = ask(project, email)
    body = held | {"password": NEW_PASSWORD}
    done = project.guest().put(RECOVERY, json=body)
    assert done.status_code == 200
    assert (done.json()["userId"], done.json()["secret"]) == (held["userId"], "")
    assert client.get("/v1/account").status_code == 401
    assert not can_sign_in(project, email, PASSWORD)
    assert can_sign_in(project, email, NEW_PASSWORD)
    assert error_of(project.guest().put(RECOVERY, json=body)) == (401, "user_invalid_token")


def test_it_proves_the_address(project: Project) -> None:
    email = new_email()
    project.sign_up(email)
    held = ask(project, email)
    project.guest().put(RECOVERY, json=held | {"password": NEW_PASSWORD})
    body = {"email": email, "password": NEW_PASSWORD}
    client = project.guest()
    client.post("/v1/account/sessions/email", json=body)
    assert client.get("/v1/account").json()["emailVerification"]


def test_one_link_ends_the_others(project: Project) -> None:
    email = new_email()
    project.sign_up(email)
    first, second = ask(project, email), ask(project, email)
    body = second | {"password": NEW_PASSWORD}
    assert project.guest().put(RECOVERY, json=body).status_code == 200
    body = first | {"password": "another one 3"}
    assert error_of(project.guest().put(RECOVERY, json=body)) == (401, "user_invalid_token")


def test_unknown_addresses_get_no_mail_and_the_same_answer(project: Project) -> None:
    known, unknown = new_email(), new_email()
    user_id = project.sign_up(known).get("/v1/account").json()["$id"]
    answers = [
        project.guest().post(RECOVERY, json={"email": each, "url": PAGE})
        for each in (known, unknown)
    ]
    assert [answer.status_code for answer in answers] == [201, 201]
    assert answers[0].json().keys() == answers[1].json().keys()
    assert user_id not in answers[0].text
    assert {mail.recipient for mail in read_mails(project.site, project.id)} == {known}


def test_the_id_of_the_answer_leads_to_the_user(project: Project) -> None:
    email = new_email()
    project.sign_up(email)
    answer = project.guest().post(RECOVERY, json={"email": email, "url": PAGE}).json()
    link = wait_for_mail(project.site, project.id, email, "recovery").link
    secret = parse_qs(urlsplit(link).query)["secret"][0]
    body = {"userId": answer["userId"], "secret": secret, "password": NEW_PASSWORD}
    assert project.guest().put(RECOVERY, json=body).status_code == 200


def test_a_password_that_is_refused_keeps_the_link(running_site: Site) -> None:
    project = Project(running_site, password_history=2)
    email = new_email()
    project.sign_up(email)
    held = ask(project, email)
    refused = project.guest().put(RECOVERY, json=held | {"password": PASSWORD})
    assert error_of(refused) == (400, "password_recently_used")
    refused = project.guest().put(RECOVERY, json=held | {"password": "short"})
    assert error_of(refused) == (400, "general_argument_invalid")
    done = project.guest().put(RECOVERY, json=held | {"password": NEW_PASSWORD})
    assert done.status_code == 200


def test_wrong_links(project: Project) -> None:
    email, other = new_email(), new_email()
    project.sign_up(email)
    project.sign_up(other)
    held = ask(project, email)
    invalid = (401, "user_invalid_token")
    others = ask(project, other)
    for change in ({"secret": "0" * 64}, {"userId": "nobody"}, {"userId": others["userId"]}):
        body = held | {"password": NEW_PASSWORD} | change
        assert error_of(project.guest().put(RECOVERY, json=body)) == invalid
    body = held | {"password": NEW_PASSWORD}
    with Project(project.site).guest() as stranger, stranger.case("other project"):
        assert error_of(stranger.put(RECOVERY, json=body)) == invalid
    assert project.guest().put(RECOVERY, json=body).status_code == 200


def test_a_suspended_user_hears_of_it_with_the_link_only(project: Project) -> None:
    email = new_email()
    project.sign_up(email)
    project.site.sql("UPDATE users SET is_active = 0 WHERE email = :e", e=email)
    held = ask(project, email)
    body = held | {"password": NEW_PASSWORD}
    wrong = body | {"secret": "0" * 64}
    assert error_of(project.guest().put(RECOVERY, json=wrong)) == (401, "user_invalid_token")
    assert error_of(project.guest().put(RECOVERY, json=body)) == (401, "user_blocked")


def test_a_link_leads_to_platforms_only(project: Project) -> None:
    email = new_email()
    project.sign_up(email)
    for url in ("https://evil.example/", "nonsense", None):
        answer = project.guest().post(RECOVERY, json={"email": email, "url": url})
        assert error_of(answer) == (400, "general_argument_invalid")
    assert read_mails(project.site, project.id) == []
