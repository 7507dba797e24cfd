"""The console's list of mails: who sees what."""

from collections.abc import Iterator

import httpx
import pytest

from raindrop.core.tenancy import CONSOLE, load_tenant
from raindrop.mails.service import send_mail
from tests.mails.conftest import Offices
from tests.mails.console import operator
from tests.mails.writing import (
    LINK,
    let_time_pass,
    wait_for,
    wait_for_attempt,
    within,
    write_mail,
)
from tests.support.checks import assert_error
from tests.support.site import Site
from tests.support.v1 import Project, new_email


@pytest.fixture
def project(running_site: Site) -> Project:
    return Project(running_site)


@pytest.fixture
def admin(project: Project) -> Iterator[httpx.Client]:
    with operator(project.site, {project: ["owner"]}) as client:
        yield client


def test_a_kept_mail_can_be_read(project: Project, admin: httpx.Client) -> None:
    email = new_email()
    write_mail(project, "recovery", email)
    (listed,) = admin.get(f"/api/projects/{project.id}/mails").json()["mails"]
    assert listed["recipient"] == email
    assert (listed["status"], listed["kind"], listed["attempts"]) == ("kept", "recovery", 0)
    assert "html" not in listed
    shown = admin.get(f"/api/projects/{project.id}/mails/{listed['id']}").json()
    assert LINK in shown["text"]
    page = admin.get(f"/api/projects/{project.id}/mails/{listed['id']}/html")
    assert page.text == shown["html"]
    assert page.headers["Content-Type"].startswith("text/html")
    policy = page.headers["Content-Security-Policy"]
    assert policy.startswith("sandbox; default-src 'none'; style-src 'unsafe-inline'")
    assert page.headers["Cache-Control"] == "no-store"


def test_pages_and_states(project: Project, admin: httpx.Client) -> None:
    emails = [new_email() for _ in range(5)]
    for email in emails:
        write_mail(project, "recovery", email)
    path = f"/api/projects/{project.id}/mails"
    found: list[str] = []
    before = ""
    while True:
        page = admin.get(path, params={"limit": 2, "before": before}).json()
        found += [mail["recipient"] for mail in page["mails"]]
        if page["next"] is None:
            break
        before = page["next"]
    assert found == emails[::-1]
    assert len(admin.get(path, params={"status": "kept"}).json()["mails"]) == 5
    assert admin.get(path, params={"status": "sent"}).json() == {"mails": [], "next": None}


@pytest.mark.parametrize(
    "query", ["limit=0", "limit=101", "limit=x", "status=lost", "before=%27", "more=1"]
)
def test_bad_questions(project: Project, admin: httpx.Client, query: str) -> None:
    answer = admin.get(f"/api/projects/{project.id}/mails?{query}")
    assert_error(answer, 400, "general_argument_invalid")


def test_limits_of_a_page(project: Project, admin: httpx.Client) -> None:
    for limit in (1, 100):
        assert admin.get(f"/api/projects/{project.id}/mails?limit={limit}").status_code == 200


def test_only_the_project_s_operators_look(project: Project, admin: httpx.Client) -> None:
    write_mail(project, "recovery", new_email())
    base = f"/api/projects/{project.id}/mails"
    mail = f"{base}/{admin.get(base).json()['mails'][0]['id']}"
    other = Project(project.site)
    with project.site.client() as nobody, operator(project.site, {other: ["owner"]}) as stranger:
        for path in (base, mail, f"{mail}/html"):
            assert_error(nobody.get(path), 401, "general_unauthorized_scope")
            assert_error(stranger.get(path), 404, "project_not_found")
        assert_error(nobody.post(f"{mail}/retry"), 401, "general_unauthorized_scope")
        assert_error(stranger.post(f"{mail}/retry"), 404, "project_not_found")
        # The right project's operator, the other project's mail.
        path = mail.replace(project.id, other.id)
        for missing in (stranger.get(path), stranger.get(f"{path}/html")):
            assert_error(missing, 404, "message_not_found")
        assert stranger.get(base.replace(project.id, other.id)).json()["mails"] == []
    with project.site.client(cookies=dict(project.sign_up().cookies)) as of_the_project:
        assert_error(of_the_project.get(base), 401, "general_unauthorized_scope")
    assert_error(admin.get(f"{base}/nothing"), 404, "message_not_found")
    assert_error(admin.get("/api/projects/nothing/mails"), 404, "project_not_found")


def test_who_may_look_only_sees_no_secret(project: Project) -> None:
    write_mail(project, "recovery", new_email())
    with operator(project.site, {project: ["analyst"]}) as client:
        base = f"/api/projects/{project.id}/mails"
        (listed,) = client.get(base).json()["mails"]
        shown = client.get(f"{base}/{listed['id']}").json()
        assert (shown["text"], shown["html"]) == (None, None)
        assert_error(client.get(f"{base}/{listed['id']}/html"), 404, "message_not_found")
        refused = client.post(f"{base}/{listed['id']}/retry")
        assert_error(refused, 401, "general_unauthorized_scope")


def test_a_second_factor_is_asked_for(project: Project) -> None:
    with operator(project.site, {project: ["owner"]}, has_mfa=True) as client:
        answer = client.get(f"/api/projects/{project.id}/mails")
        assert_error(answer, 401, "user_more_factors_required")


def test_a_page_of_another_site_sends_nothing(project: Project, admin: httpx.Client) -> None:
    write_mail(project, "recovery", new_email())
    base = f"/api/projects/{project.id}/mails"
    mail_id = admin.get(base).json()["mails"][0]["id"]
    answer = admin.post(f"{base}/{mail_id}/retry", headers={"Origin": "https://evil.example"})
    assert_error(answer, 403, "general_unknown_origin")


def test_without_a_server_there_is_nothing_to_try(project: Project, admin: httpx.Client) -> None:
    write_mail(project, "recovery", new_email())
    base = f"/api/projects/{project.id}/mails"
    mail_id = admin.get(base).json()["mails"][0]["id"]
    assert_error(admin.post(f"{base}/{mail_id}/retry"), 409, "general_state_conflict")


def test_try_again(mail_site: Site, offices: Offices) -> None:
    project, email = Project(mail_site), f"later5-{new_email()}"
    write_mail(project, "recovery", email)
    for attempt in range(1, 5):
        wait_for_attempt(project, email, attempt)
        let_time_pass(project, email)
    wait_for(project, email, "failed")
    base = f"/api/projects/{project.id}/mails"
    with operator(mail_site, {project: ["developer"]}) as client:
        (failed,) = client.get(base, params={"status": "failed"}).json()["mails"]
        assert failed["answer"] == "451 4.7.1 come again later"
        assert LINK in client.get(f"{base}/{failed['id']}").json()["text"]
        again = client.post(f"{base}/{failed['id']}/retry")
        assert again.status_code == 200
        assert (again.json()["status"], again.json()["attempts"]) == ("queued", 0)
        wait_for(project, email, "sent")
        sent = client.get(f"{base}/{failed['id']}").json()
        assert (sent["text"], sent["html"]) == (None, None)
        assert sent["sent_at"]
        refused = client.post(f"{base}/{failed['id']}/retry")
        assert_error(refused, 409, "general_state_conflict")
    assert len(offices.instance.mails_to(email)) == 1


def test_the_console_s_own_mails(running_site: Site) -> None:
    ann, bob = new_email(), new_email()
    base = f"/api/projects/{CONSOLE}/mails"
    with (
        operator(running_site, email=ann) as one,
        operator(running_site, email=bob) as other,
        operator(running_site, labels=["owner"]) as owner,
        running_site.client() as nobody,
    ):

        def work() -> None:
            tenant = load_tenant(CONSOLE)
            assert tenant
            for email in (ann, bob):
                send_mail(tenant, "recovery", email, locale="en", values={"redirect": LINK})

        within(running_site, work)
        (mine,) = one.get(base).json()["mails"]
        assert mine["recipient"] == ann
        assert LINK in one.get(f"{base}/{mine['id']}").json()["text"]
        assert_error(other.get(f"{base}/{mine['id']}"), 404, "message_not_found")
        seen = {mail["recipient"] for mail in owner.get(base).json()["mails"]}
        assert {ann, bob} <= seen
        assert LINK in owner.get(f"{base}/{mine['id']}").json()["text"]
        assert_error(nobody.get(base), 401, "general_unauthorized_scope")
        # With a mail server, to have read a mail proves that its address is one's own.
        running_site.sql("UPDATE mails SET status = 'failed' WHERE recipient = :to", to=ann)
        assert one.get(base).json()["mails"] == []
        assert_error(one.get(f"{base}/{mine['id']}"), 404, "message_not_found")
