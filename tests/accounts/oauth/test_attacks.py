"""What must not work on the way to a provider and back."""

import pyotp
import pytest

from tests.accounts.oauth.browser import (
    SUCCESS,
    Browser,
    arrive,
    error_in,
    new_project,
    query_of,
)
from tests.support.providers import FakeProvider, RealProvider
from tests.support.v1 import Project, error_of, new_email

pytestmark = pytest.mark.contract

BAD_RETURN = (400, "user_oauth2_bad_request")


# The way back


def test_a_way_back_for_another_browser(other: Project, fake: FakeProvider) -> None:
    """Login CSRF: a victim is sent to the end of the attacker's own sign-in."""
    back = fake.sign_in(Browser(other).leave())
    victim = Browser(other)
    assert error_of(victim.come_back(back)) == BAD_RETURN
    victim.leave()  # a flow of its own does not help
    assert error_of(victim.come_back(back)) == BAD_RETURN
    assert victim.account().status_code == 401
    assert not [path for path, _, _ in fake.seen if path == "/token"]


def test_a_way_back_taken_twice(other: Project, fake: FakeProvider) -> None:
    browser = Browser(other)
    back = fake.sign_in(browser.leave())
    assert browser.come_back(back).headers["location"] == SUCCESS
    assert error_of(browser.come_back(back)) == BAD_RETURN
    assert len(browser.sessions()) == 1


def test_somebody_elses_code(project: Project, provider: RealProvider) -> None:
    """A code that leaked is of no use in a flow of the attacker's own: its nonce is another."""
    provider.register("victim", email=new_email(), email_verified=True)
    leaked = query_of(provider.sign_in(Browser(project).leave(), "victim"))["code"]
    attacker = Browser(project)
    own = query_of(attacker.leave())
    back = f"{own['redirect_uri']}?code={leaked}&state={own['state']}"
    assert error_in(attacker.come_back(back)) == "user_oauth2_unauthorized"
    assert attacker.account().status_code == 401


def test_a_state_of_another_provider_or_project(other: Project, fake: FakeProvider) -> None:
    browser = Browser(other)
    back = fake.sign_in(browser.leave())
    second = new_project(other.site, fake.url)
    for mixed in (back.replace("/oidc/", "/github/"), back.replace(other.id, second.id, 1)):
        assert error_of(browser.come_back(mixed)) == BAD_RETURN
    wrong_issuer = browser.come_back(f"{back}&iss=https%3A%2F%2Fevil.example")
    assert error_in(wrong_issuer) == "user_oauth2_bad_request"
    assert browser.account().status_code == 401


def test_a_forged_state(other: Project, fake: FakeProvider) -> None:
    browser = Browser(other)
    back = fake.sign_in(browser.leave())
    head, claims, signature = query_of(back)["state"].split(".")
    jwt = other.sign_up().cookies[f"a_session_{other.id}"]
    path = back.partition("?")[0]
    for state in ("", "x", f"{head}.{claims}.{signature[::-1]}", f"{head}.{claims}.", jwt):
        assert error_of(browser.client.get(path, params={"state": state, "code": "c"})) == (
            BAD_RETURN
        )
    ticket = {"ticket": query_of(back)["state"]}
    start = path.replace("/callback/", "/start/")
    assert error_of(browser.client.get(start, params=ticket)) == BAD_RETURN


def test_a_state_is_no_token_for_anything_else(other: Project) -> None:
    state = query_of(Browser(other, other.sign_up()).leave())["state"]
    with other.guest(X_Appwrite_JWT=state) as client:
        assert error_of(client.get("/v1/account")) == (401, "user_jwt_invalid")


# Where it leads


@pytest.mark.parametrize(
    "url",
    [
        "https://evil.example/",
        "//evil.example/",
        "/relative",
        "javascript:alert(1)",
        "data:text/html,x",
        "https://localhost@evil.example/",
        "https://evil.example\\@localhost/",
        "https://localhost.evil.example/",
        "https://evil.example#localhost",
        "https:///evil.example",
        "http://local\thost/",
        "http://localhost/\r\nSet-Cookie: a=b",
        "http://ｌocalhost/",
        "appwrite-callback-somebody://x",
        "http://localhost/" + "x" * 2040,
    ],
)
def test_only_to_the_projects_pages(other: Project, url: str) -> None:
    for name in ("success", "failure"):
        for kind in ("sessions", "tokens"):
            refused = Browser(other).start(kind, **{name: url})
            assert error_of(refused) == (400, f"project_invalid_{name}_url"), url


# Who it is


def test_an_address_that_its_user_did_not_verify(other: Project, fake: FakeProvider) -> None:
    """Somebody signed up with the address of another, who comes later through a provider."""
    email = new_email()
    squatter = other.sign_up(email)
    fake.claims["email"] = email
    owner = Browser(other)
    assert error_in(arrive(owner, fake)) == "user_email_already_exists"
    assert owner.account().status_code == 401
    assert squatter.get("/v1/account/identities").json()["total"] == 0


@pytest.mark.parametrize("verified", [False, None, "false", 1, "True"])
def test_an_address_that_the_provider_did_not_verify(
    other: Project, fake: FakeProvider, verified: object
) -> None:
    email = new_email()
    victim = other.sign_up(email)
    sql = "UPDATE users SET is_email_verified = 1 WHERE email = :email"
    other.site.sql(sql, email=email)
    fake.claims |= {"email": email.upper(), "email_verified": verified}
    thief = Browser(other)
    assert error_in(arrive(thief, fake)) == "user_email_already_exists"
    assert thief.account().status_code == 401
    assert victim.get("/v1/account/identities").json()["total"] == 0


def test_an_address_that_both_verified(other: Project, fake: FakeProvider) -> None:
    email = new_email()
    first = other.sign_up(email)
    other.site.sql("UPDATE users SET is_email_verified = 1 WHERE email = :email", email=email)
    fake.claims["email"] = email
    browser = Browser(other)
    assert arrive(browser, fake).headers["location"] == SUCCESS
    assert browser.account().json()["$id"] == first.get("/v1/account").json()["$id"]


def test_a_new_user_of_an_unverified_address(other: Project, fake: FakeProvider) -> None:
    fake.claims |= {"email": new_email(), "email_verified": False}
    browser = Browser(other)
    arrive(browser, fake)
    assert browser.account().json()["emailVerification"] is False


def test_nobody_has_an_address(other: Project, fake: FakeProvider) -> None:
    for sub in ("s1", "s2"):
        fake.claims = {"sub": sub}
        fake.answers["/userinfo"] = 200, {"sub": sub, "email": "not an address"}
        browser = Browser(other)
        assert arrive(browser, fake).headers["location"] == SUCCESS
        assert browser.account().json()["email"] == ""


def test_a_suspended_user(other: Project, fake: FakeProvider) -> None:
    browser = Browser(other)
    arrive(browser, fake)
    sql = "UPDATE users SET is_active = 0 WHERE project_id = :id"
    other.site.sql(sql, id=other.number)
    assert error_in(arrive(Browser(other), fake)) == "user_blocked"


def test_a_second_factor_is_asked_for(other: Project, fake: FakeProvider) -> None:
    browser = Browser(other)
    arrive(browser, fake)
    query = {"project": other.id}
    path = "/v1/account/mfa/authenticators/totp"
    totp = pyotp.TOTP(browser.client.post(path, params=query).json()["secret"])
    browser.client.put(path, params=query, json={"otp": totp.now()})
    browser.client.patch("/v1/account/mfa", params=query, json={"mfa": True})
    again = Browser(other)
    arrive(again, fake)
    assert error_of(again.account()) == (401, "user_more_factors_required")


def test_the_session_that_began_it_must_last(other: Project, fake: FakeProvider) -> None:
    signed_in = other.sign_up()
    browser = Browser(other, signed_in)
    back = fake.sign_in(browser.leave())
    signed_in.delete("/v1/account/sessions/current")
    assert error_in(browser.come_back(back)) == "user_unauthorized"
    count = "SELECT count(*) AS n FROM identities WHERE project_id = :id"
    assert other.site.sql(count, id=other.number)[0]["n"] == 0


def test_a_foreign_page_adds_no_identity(other: Project) -> None:
    browser = Browser(other, other.sign_up())
    foreign = {"Sec-Fetch-Site": "cross-site"}
    for referer in ({}, {"Referer": "https://evil.example/"}):
        refused = browser.start(headers=foreign | referer)
        assert error_of(refused) == (403, "general_unknown_origin")
    known = {**foreign, "Referer": "http://localhost:3000/"}
    assert browser.start(headers=known).status_code == 301
    assert Browser(other).start(headers=foreign).status_code == 301
