"""What must not work on the way to a provider and back."""

import base64
import hmac
import json
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pyotp
import pytest
from joserfc.jwk import RSAKey

from raindrop.core.secrets import Vault
from tests.accounts.oauth.browser import (
    FAILURE,
    SUCCESS,
    WELL_KNOWN,
    Browser,
    error_in,
    new_project,
    query_of,
)
from tests.support.providers import FakeProvider, RealProvider
from tests.support.site import Site, free_port
from tests.support.v1 import Project, error_of, new_email

pytestmark = pytest.mark.contract

BAD_RETURN = (400, "user_oauth2_bad_request")


def arrive(browser: Browser, fake: FakeProvider, **given: object) -> Any:
    return browser.come_back(fake.sign_in(browser.leave(**given)))


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


# The provider


@pytest.mark.parametrize("kind", ["sessions", "tokens"])
def test_providers_that_are_not_there(oauth_site: Site, fake: FakeProvider, kind: str) -> None:
    off = (412, "project_provider_disabled")
    for changes in ({"is_enabled": False}, {"app_id": ""}, {"secret": ""}):
        project = new_project(oauth_site, fake.url, **changes)
        assert error_of(Browser(project).start(kind)) == off
    bare = Project(oauth_site)
    for name in ("oidc", "github", "google"):
        assert error_of(Browser(bare).start(kind, name)) == off
    for name in ("apple", "nothing", "mock", "OIDC"):
        refused = Browser(bare).start(kind, name)
        assert error_of(refused) == (400, "project_provider_unsupported")


def test_it_is_switched_off_meanwhile(other: Project, fake: FakeProvider) -> None:
    browser = Browser(other)
    back = fake.sign_in(browser.leave())
    sql = "UPDATE projects SET settings = '{}' WHERE id = :id"
    other.site.sql(sql, id=other.number)
    other.site.cache.flushall()
    assert error_in(browser.come_back(back)) == "project_provider_disabled"


@pytest.mark.parametrize(
    "changes",
    [
        {"nonce": "another"},
        {"nonce": None},
        {"aud": "another"},
        {"aud": ["another"]},
        {"aud": ["client", "another"], "azp": "another"},
        {"iss": "https://evil.example"},
        {"iss": None},
        {"exp": int(time.time()) - 3600},
        {"exp": None},
        {"iat": int(time.time()) + 3600},
        {"sub": None},
    ],
)
def test_an_id_token_that_is_not_for_this(
    other: Project, fake: FakeProvider, changes: dict[str, Any]
) -> None:
    browser = Browser(other)
    back = fake.sign_in(browser.leave())
    fake.answers["/token"] = fake.tokens(fake.id_token(**changes))
    assert error_in(browser.come_back(back)) == "user_oauth2_unauthorized"
    assert browser.account().status_code == 401


@pytest.mark.parametrize("how", ["another key", "no signature", "client's secret", "public key"])
def test_an_id_token_that_somebody_else_signed(
    other: Project, fake: FakeProvider, how: str
) -> None:
    browser = Browser(other)
    back = fake.sign_in(browser.leave())
    token = fake.id_token()
    _, claims, _ = token.split(".")
    if how == "another key":
        token = fake.id_token(RSAKey.generate_key(2048))
    elif how == "no signature":
        token = f"eyJhbGciOiJub25lIn0.{claims}."
    else:
        secret = b"hush" if how == "client's secret" else fake.key.as_pem(private=False)
        token = _signed_by_secret(fake, secret)
    fake.answers["/token"] = fake.tokens(token)
    assert error_in(browser.come_back(back)) == "user_oauth2_unauthorized"


def _signed_by_secret(fake: FakeProvider, secret: bytes) -> str:
    header = _base64(b'{"alg":"HS256","kid":"first"}')
    signed = f"{header}.{fake.id_token().split('.')[1]}"
    return f"{signed}.{_base64(hmac.digest(secret, signed.encode(), 'sha256'))}"


def _base64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def test_userinfo_of_another_person(other: Project, fake: FakeProvider) -> None:
    fake.claims = {"sub": "s1"}
    fake.answers["/userinfo"] = 200, {"sub": "s2", "email": new_email(), "email_verified": True}
    assert error_in(arrive(Browser(other), fake)) == "user_oauth2_unauthorized"
    fake.answers["/userinfo"] = 200, {"sub": "s1", "email": new_email(), "email_verified": True}
    assert arrive(Browser(other), fake).headers["location"] == SUCCESS


@pytest.mark.parametrize(
    ("path", "answer", "told"),
    [
        ("/token", (500, {}), "user_oauth2_provider_error"),
        ("/token", (200, b"<html>"), "user_oauth2_provider_error"),
        ("/token", (200, []), "user_oauth2_provider_error"),
        ("/token", (200, {"access_token": 7}), "user_oauth2_provider_error"),
        ("/token", (200, b"[" * 100_000), "user_oauth2_provider_error"),
        ("/token", (200, b" " * 300_000), "user_oauth2_provider_error"),
        ("/token", (302, {}), "user_oauth2_unauthorized"),
        ("/token", (400, {"error": "invalid_grant"}), "user_oauth2_unauthorized"),
        ("/token", (200, {"error": "bad_verification_code"}), "user_oauth2_unauthorized"),
        ("/token", (200, {"access_token": "a", "id_token": "x.y.z"}), "user_oauth2_unauthorized"),
        ("/token", (200, {"access_token": "a"}), "user_oauth2_unauthorized"),
        ("/jwks", (500, {}), "user_oauth2_provider_error"),
        ("/jwks", (200, {"keys": 7}), "user_oauth2_provider_error"),
        (
            "/jwks",
            (200, {"keys": [{"kty": "RSA", "n": "!", "e": 1}]}),
            "user_oauth2_provider_error",
        ),
        ("/jwks", (200, {"keys": []}), "user_oauth2_provider_error"),
        ("/userinfo", (200, b"\xff"), "user_oauth2_provider_error"),
    ],
)
def test_a_provider_that_is_broken(
    other: Project, fake: FakeProvider, path: str, answer: Any, told: str
) -> None:
    fake.answers[path] = answer
    if path == "/userinfo":
        fake.claims = {"sub": "s1"}
    browser = Browser(other)
    assert error_in(arrive(browser, fake)) == told
    assert browser.account().status_code == 401


@pytest.mark.parametrize(
    "answer",
    [
        (500, {}),
        (200, {}),
        (200, []),
        (302, {}),
        (200, {"issuer": "x", "authorization_endpoint": "javascript:alert(1)"}),
        (200, {"issuer": "x", "authorization_endpoint": "https://a.example\r\nX: y"}),
    ],
)
def test_metadata_that_is_none(other: Project, fake: FakeProvider, answer: Any) -> None:
    fake.answers[WELL_KNOWN] = answer
    assert error_of(Browser(other).start()) == (424, "user_oauth2_provider_error")


def test_a_slow_provider_holds_nobody_up(other: Project, fake: FakeProvider) -> None:
    def slowly() -> Any:
        time.sleep(12)
        return 200, {}

    browser = Browser(other)
    back = fake.sign_in(browser.leave())
    fake.answers["/token"] = slowly
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(browser.come_back, back)
        time.sleep(1)
        began = time.monotonic()
        other.sign_up()  # a write: no lock is held
        assert time.monotonic() - began < 3
        assert error_in(waiting.result()) == "user_oauth2_provider_error"
        assert time.monotonic() - began < 11


@pytest.mark.parametrize("host", ["127.0.0.1", "169.254.169.254", "localhost", "[::1]"])
def test_a_private_address_is_not_called(oauth_site: Site, host: str) -> None:
    project = new_project(oauth_site, f"http://{host}:{free_port()}")
    refused = Browser(project).start()
    assert error_of(refused) == (424, "user_oauth2_provider_error")


def test_a_secret_that_is_no_json(oauth_site: Site) -> None:
    for secret in ("plain", "[]", '{"clientSecret": 7}'):
        kept = Vault(oauth_site.settings).encrypt(secret)
        project = new_project(oauth_site, "", secret=kept)
        assert Browser(project).start().status_code in (412, 424)


def test_addresses_by_hand(oauth_site: Site, fake: FakeProvider) -> None:
    """Without metadata the person is whom the provider's userinfo names."""
    settings = {
        "clientSecret": "hush",
        "authorizationEndpoint": f"{fake.url}/authorize?tenant=1",
        "tokenEndpoint": f"{fake.url}/token",
        "userinfoEndpoint": f"{fake.url}/userinfo",
    }
    kept = Vault(oauth_site.settings).encrypt(json.dumps(settings))
    browser = Browser(new_project(oauth_site, "", secret=kept))
    email = new_email()
    fake.answers["/userinfo"] = 200, {"sub": "u9", "email": email, "email_verified": True}
    location = browser.leave()
    assert parse_qs(urlsplit(location).query)["tenant"] == ["1"]
    assert browser.come_back(fake.sign_in(location)).headers["location"] == SUCCESS
    assert browser.account().json()["email"] == email


def test_no_secret_in_any_log(other: Project, fake: FakeProvider) -> None:
    browser = Browser(other)
    back = fake.sign_in(browser.leave()).replace("code=c1", "code=verysecretcode")
    arrived = browser.come_back(back)
    assert arrived.headers["location"] == SUCCESS
    fake.answers["/token"] = 400, {"error": "invalid_grant"}
    failed = Browser(other)
    assert failed.come_back(fake.sign_in(failed.leave())).headers["location"].startswith(FAILURE)
    time.sleep(1.5)  # nginx writes its log once a second
    logs = [path for path in (other.site.var / "log").rglob("*") if path.is_file()]
    assert logs
    text = b"".join(path.read_bytes() for path in logs)
    for secret in ("verysecretcode", query_of(back)["state"], "at-1", "rt-1", "hush"):
        assert secret.encode() not in text
