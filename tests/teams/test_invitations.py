"""Inviting people by mail, and their answer."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from tests.contract.recorder import ContractClient
from tests.support.mailbox import read_mails, wait_for_mail
from tests.support.site import Site
from tests.support.v1 import Project, error_of, new_email
from tests.teams.people import id_of, new_team

pytestmark = pytest.mark.contract

PAGE = "http://localhost:5173/join?lang=de#top"


@pytest.fixture
def project(running_site: Site) -> Project:
    return Project(running_site)


class Invitation:
    """One that was mailed."""

    def __init__(self, project: Project, owner: ContractClient, team: str, **body: Any) -> None:
        self.project = project
        self.email = body.setdefault("email", new_email()).lower()
        given = {"roles": ["pilot"], "url": PAGE, **body}
        made = owner.post(f"/v1/teams/{team}/memberships", json=given)
        assert made.status_code == 201, made.text
        self.member = made.json()
        self.link = wait_for_mail(project.site, project.id, self.email, "invitation").link
        query = parse_qs(urlsplit(self.link).query)
        self.query = {name: value for name, (value,) in query.items()}
        self.path = f"/v1/teams/{team}/memberships/{self.query['membershipId']}/status"

    def accept(self, client: httpx.Client, **change: str) -> httpx.Response:
        """Redeem it."""
        body = {"userId": self.query["userId"], "secret": self.query["secret"]} | change
        return client.patch(self.path, json=body)


def test_by_mail_to_a_stranger(project: Project) -> None:
    ann = project.sign_up()
    team = new_team(ann, "Crew & Co")
    invited = Invitation(project, ann, team, name="Zoë")
    assert (invited.member["confirm"], invited.member["joined"]) == (False, "")
    assert invited.link.startswith("http://localhost:5173/join?lang=de&")
    assert invited.link.endswith("#top")
    assert invited.query["teamId"] == team
    assert invited.query["teamName"] == "Crew & Co"
    assert ann.get(f"/v1/teams/{team}").json()["total"] == 1

    zoe = project.guest()
    accepted = invited.accept(zoe)
    assert accepted.status_code == 200
    assert (accepted.json()["confirm"], accepted.json()["roles"]) == (True, ["pilot"])
    account = zoe.get("/v1/account").json()
    assert (account["email"], account["name"]) == (invited.email, "Zoë")
    assert account["emailVerification"]
    assert zoe.get(f"/v1/teams/{team}").json()["total"] == 2
    assert error_of(invited.accept(project.guest())) == (409, "membership_already_confirmed")


def test_by_somebody_who_is_signed_in(project: Project) -> None:
    ann, bob, eve = project.sign_up(), project.sign_up(name="Bob"), project.sign_up(name="Eve")
    team = new_team(ann)
    email = bob.get("/v1/account").json()["email"]
    invited = Invitation(project, ann, team, email=email.upper())
    assert error_of(bob.get(f"/v1/teams/{team}")) == (404, "team_not_found")
    assert error_of(invited.accept(eve)) == (401, "team_invite_mismatch")
    sessions = bob.get("/v1/account/sessions").json()["total"]
    assert invited.accept(bob).status_code == 200
    assert bob.get(f"/v1/teams/{team}").status_code == 200
    assert bob.get("/v1/account/sessions").json()["total"] == sessions


def test_by_the_users_id(project: Project) -> None:
    ann, bob = project.sign_up(), project.sign_up(name="Bob")
    email = bob.get("/v1/account").json()["email"]
    body = {"userId": id_of(bob), "roles": [], "url": PAGE}
    team = new_team(ann)
    assert ann.post(f"/v1/teams/{team}/memberships", json=body).status_code == 201
    assert wait_for_mail(project.site, project.id, email, "invitation")


def test_refusals(project: Project) -> None:
    ann = project.sign_up()
    invited = Invitation(project, ann, new_team(ann))
    guest = project.guest()
    assert error_of(invited.accept(guest, secret="0" * 64)) == (401, "team_invalid_secret")
    assert error_of(invited.accept(guest, userId="other")) == (401, "team_invite_mismatch")
    bad = guest.patch(invited.path, json={"userId": invited.query["userId"]})
    assert error_of(bad) == (400, "general_argument_invalid")
    missing = invited.path.replace(invited.query["membershipId"], "missing")
    assert error_of(guest.patch(missing, json={"userId": "a", "secret": "b"})) == (
        404,
        "membership_not_found",
    )
    other = invited.path.replace(invited.query["teamId"], new_team(ann))
    assert error_of(guest.patch(other, json={"userId": "a", "secret": "b"})) == (
        404,
        "team_membership_mismatch",
    )
    gone = invited.path.replace(invited.query["teamId"], "missing")
    assert error_of(guest.patch(gone, json={"userId": "a", "secret": "b"})) == (
        404,
        "team_not_found",
    )
    with Project(project.site).guest() as stranger, stranger.case("other project"):
        assert error_of(invited.accept(stranger)) == (404, "membership_not_found")
    assert invited.accept(guest).status_code == 200


def test_an_invitation_ends(project: Project) -> None:
    ann = project.sign_up()
    invited = Invitation(project, ann, new_team(ann))
    project.site.sql(
        "UPDATE memberships SET invitation_expires_at = '2026-01-01' WHERE public_id = :id",
        id=invited.query["membershipId"],
    )
    assert error_of(invited.accept(project.guest())) == (401, "team_invalid_secret")


def test_a_new_invitation_replaces_the_old(project: Project) -> None:
    ann = project.sign_up()
    team = new_team(ann)
    first = Invitation(project, ann, team)
    second = Invitation(project, ann, team, email=first.email, roles=["cook"])
    assert second.member["$id"] == first.member["$id"]
    assert error_of(first.accept(project.guest())) == (401, "team_invalid_secret")
    assert second.accept(project.guest()).json()["roles"] == ["cook"]


def test_an_address_that_was_given_up_proves_nothing(project: Project) -> None:
    ann = project.sign_up()
    invited = Invitation(project, ann, new_team(ann))
    project.site.sql(
        "UPDATE users SET email = :email WHERE public_id = :id",
        email=new_email(),
        id=invited.query["userId"],
    )
    assert error_of(invited.accept(project.guest())) == (401, "team_invalid_secret")


def test_of_fifty_at_once_one_wins(project: Project) -> None:
    ann = project.sign_up()
    team = new_team(ann)
    invited = Invitation(project, ann, team)
    guests = [project.guest() for _ in range(50)]
    with ThreadPoolExecutor(50) as pool:
        answers = [answer.status_code for answer in pool.map(invited.accept, guests)]
    assert sorted(answers) == [200] + [409] * 49
    assert ann.get(f"/v1/teams/{team}").json()["total"] == 2
    count = "SELECT count(*) AS n FROM sessions s JOIN users u ON u.id = s.user_id"
    rows = project.site.sql(f"{count} WHERE u.public_id = :id", id=invited.query["userId"])
    assert rows[0]["n"] == 1


def test_one_may_decline(project: Project) -> None:
    ann, bob = project.sign_up(), project.sign_up(name="Bob")
    team = new_team(ann)
    invited = Invitation(project, ann, team, email=bob.get("/v1/account").json()["email"])
    path = invited.path.removesuffix("/status")
    assert bob.delete(path).status_code == 204
    assert ann.get(f"/v1/teams/{team}/memberships").json()["total"] == 1
    assert ann.get(f"/v1/teams/{team}").json()["total"] == 1


@pytest.mark.parametrize(
    "url", ["", "https://evil.example/x", "javascript:alert(1)", "//localhost", "x" * 2049]
)
def test_a_link_leads_to_a_platform_only(project: Project, url: str) -> None:
    ann, email = project.sign_up(), new_email()
    body = {"email": email, "roles": [], "url": url}
    refused = ann.post(f"/v1/teams/{new_team(ann)}/memberships", json=body)
    assert error_of(refused) == (400, "general_argument_invalid")
    assert read_mails(project.site, project.id) == []
    count = "SELECT count(*) AS n FROM users WHERE email = :email"
    assert project.site.sql(count, email=email)[0]["n"] == 0


def test_invitations_that_are_switched_off(running_site: Site) -> None:
    project = Project(running_site, methods_off=["invites"])
    ann = project.sign_up()
    path = f"/v1/teams/{new_team(ann)}/memberships"
    body = {"email": new_email(), "roles": [], "url": PAGE}
    assert error_of(ann.post(path, json=body)) == (501, "user_auth_method_unsupported")
    assert project.key().post(path, json=body).status_code == 201


def test_a_suspended_user_does_not_come_in(project: Project) -> None:
    ann = project.sign_up()
    invited = Invitation(project, ann, new_team(ann))
    project.site.sql(
        "UPDATE users SET is_active = 0 WHERE public_id = :id", id=invited.query["userId"]
    )
    assert error_of(invited.accept(project.guest())) == (401, "user_blocked")


def test_invitations_have_a_limit(project: Project) -> None:
    ann = project.sign_up()
    path = f"/v1/teams/{new_team(ann)}/memberships"
    headers = {"X-Forwarded-For": "203.0.113.9"}
    body = {"email": "nobody", "roles": [], "url": PAGE}
    answers = [ann.post(path, json=body, headers=headers).status_code for _ in range(11)]
    assert answers == [400] * 10 + [429]


def test_nothing_secret_is_left(project: Project) -> None:
    ann = project.sign_up()
    invited = Invitation(project, ann, new_team(ann))
    invited.accept(project.guest())
    rows = project.site.sql(
        "SELECT payload, origin FROM events WHERE project_id = :id", id=project.number
    )
    assert not any(invited.query["secret"] in str(dict(row)) for row in rows)
    assert not any(
        invited.query["secret"] in path.read_text(errors="replace")
        for path in project.site.var.glob("log/*")
    )
