"""What becomes of sessions: seen, extended, ended, limited, told of by mail, swept."""

import time

import pytest

from raindrop.core.formats import new_id
from tests.contract.recorder import ContractClient
from tests.support.mailbox import read_mails, wait_for_mail
from tests.support.site import Site
from tests.support.v1 import PASSWORD, Project, error_of, new_email

pytestmark = pytest.mark.contract

CURRENT = "/v1/account/sessions/current"
NOT_FOUND = (404, "user_session_not_found")
WAIT_S = 10


@pytest.fixture
def project(running_site: Site) -> Project:
    return Project(running_site)


def sign_in(project: Project, email: str, **headers: str) -> ContractClient:
    client = project.guest(**headers)
    body = {"email": email, "password": PASSWORD}
    assert client.post("/v1/account/sessions/email", json=body).status_code == 201
    return client


def test_one_session(project: Project) -> None:
    email = new_email()
    client = project.sign_up(email)
    other = sign_in(project, email)
    current = client.get(CURRENT).json()
    assert current["current"]
    seen = other.get(f"/v1/account/sessions/{current['$id']}").json()
    assert (seen["$id"], seen["current"], seen["secret"]) == (current["$id"], False, "")
    with other.case("not found"):
        assert error_of(other.get("/v1/account/sessions/nothing")) == NOT_FOUND
    stranger = project.sign_up()
    with stranger.case("other user"):
        path = f"/v1/account/sessions/{current['$id']}"
        assert error_of(stranger.get(path)) == NOT_FOUND
        assert error_of(stranger.patch(path)) == NOT_FOUND
        assert error_of(stranger.delete(path)) == NOT_FOUND


def test_a_session_is_extended(project: Project) -> None:
    client = project.sign_up()
    project.site.sql(
        "UPDATE sessions SET expires_at = '2099-01-01 00:00:00' WHERE project_id = :id",
        id=project.number,
    )
    project.site.cache.flushall()
    assert client.get(CURRENT).json()["expire"].startswith("2099")
    extended = client.patch(CURRENT)
    assert extended.status_code == 200
    assert extended.json()["current"]
    assert not extended.json()["expire"].startswith("2099")
    assert f"a_session_{project.id}" in extended.headers["Set-Cookie"]
    assert client.get(CURRENT).json()["expire"] == extended.json()["expire"]


def test_all_sessions_end(project: Project) -> None:
    email = new_email()
    client, other = project.sign_up(email), sign_in(project, email)
    assert client.delete("/v1/account/sessions").status_code == 204
    assert client.get("/v1/account").status_code == 401
    assert other.get("/v1/account").status_code == 401


def test_the_oldest_session_ends_where_there_are_too_many(running_site: Site) -> None:
    project = Project(running_site, session_limit=2)
    email = new_email()
    first, second = project.sign_up(email), sign_in(project, email)
    assert first.get("/v1/account").status_code == 200
    third = sign_in(project, email)
    assert first.get("/v1/account").status_code == 401
    assert second.get("/v1/account").json()["email"] == email
    assert third.get("/v1/account/sessions").json()["total"] == 2


def test_the_second_session_is_told_by_mail(running_site: Site) -> None:
    project = Project(running_site, sends_session_alerts=True)
    email = new_email()
    project.sign_up(email)
    assert read_mails(running_site, project.id) == []
    agent = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
    sign_in(project, email, User_Agent=agent)
    mail = wait_for_mail(running_site, project.id, email, "sessionalert")
    assert "Firefox" in mail.text
    assert "127.0.0.1" in mail.text


def test_no_mail_where_the_project_wants_none(project: Project) -> None:
    email = new_email()
    project.sign_up(email)
    sign_in(project, email)
    assert read_mails(project.site, project.id) == []


def test_what_expired_is_swept(project: Project) -> None:
    client = project.sign_up()
    project.guest().post(
        "/v1/account/tokens/email", json={"userId": "unique()", "email": new_email()}
    )
    project.site.sql(
        "INSERT INTO challenges (project_id, public_id, user_id, factor, code_digest, attempts,"
        " expires_at, created_at, updated_at) SELECT project_id, :id, id, 'email', '', 0,"
        " '2020-01-01 00:00:00', created_at, created_at FROM users WHERE project_id = :project"
        " LIMIT 1",
        id=new_id(),
        project=project.number,
    )
    live = project.sign_up()
    old = "UPDATE {} SET expires_at = '2020-01-01 00:00:00' WHERE project_id = :id {}"
    which = (
        "AND id = (SELECT id FROM (SELECT min(id) AS id FROM sessions WHERE project_id = :id) s)"
    )
    project.site.sql(old.format("tokens", ""), id=project.number)
    project.site.sql(old.format("sessions", which), id=project.number)
    project.site.cache.flushall()
    assert client.get("/v1/account").status_code == 401
    send_task(project.site, "accounts.sweep", "deletes")
    wait_until(lambda: counts(project) == {"sessions": 1, "tokens": 0, "challenges": 0})
    assert live.get("/v1/account").status_code == 200


def counts(project: Project) -> dict[str, int]:
    return {
        table: project.site.sql(
            f"SELECT count(*) AS n FROM {table} WHERE project_id = :id", id=project.number
        )[0]["n"]
        for table in ("sessions", "tokens", "challenges")
    }


def test_reading_notes_the_day(project: Project) -> None:
    client = project.sign_up()
    seen = client.get("/v1/account").json()["accessedAt"]
    project.site.sql(
        "UPDATE users SET accessed_at = '2020-01-01 00:00:00' WHERE project_id = :id",
        id=project.number,
    )
    project.site.cache.flushall()
    assert client.get("/v1/account").json()["accessedAt"].startswith("2020")
    wait_until(lambda: client.get("/v1/account").json()["accessedAt"] >= seen)


def send_task(site: Site, name: str, queue: str) -> None:
    from celery import Celery

    from raindrop.core.broker import celery_options

    sender = Celery("tests")
    sender.conf.update(celery_options(site.settings))
    sender.send_task(name, queue=queue)


def wait_until(is_done: object) -> None:
    deadline = time.monotonic() + WAIT_S
    while not is_done():  # type: ignore[operator]
        assert time.monotonic() < deadline
        time.sleep(0.1)
