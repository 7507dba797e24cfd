"""Signing in at a real OpenID provider, from the app's page and back to it."""

import json
import time

import httpx
import pytest

from raindrop.core.secrets import digest
from tests.accounts.oauth.browser import FAILURE, SUCCESS, Browser, error_in, query_of
from tests.support.providers import RealProvider
from tests.support.v1 import Project, error_of, new_email

pytestmark = pytest.mark.contract


def someone(provider: RealProvider, **claims: object) -> tuple[str, str]:
    """A new person at the provider: subject and e-mail."""
    email = new_email()
    sub = email.partition("@")[0]
    known = {"email": email, "email_verified": True, "name": "Ann Ng"}
    provider.register(sub, **known | claims)
    return sub, email


def sign_in(browser: Browser, provider: RealProvider, sub: str, **given: object) -> httpx.Response:
    return browser.come_back(provider.sign_in(browser.leave(**given), sub))


def test_a_new_user(project: Project, provider: RealProvider) -> None:
    browser = Browser(project)
    sub, email = someone(provider)
    arrived = sign_in(browser, provider, sub)
    assert (arrived.status_code, arrived.headers["location"]) == (302, SUCCESS)
    assert arrived.content == b""
    account = browser.account().json()
    assert (account["email"], account["emailVerification"], account["name"]) == (
        email, True, "Ann Ng"
    )  # fmt: skip
    (session,) = browser.sessions()
    assert (session["provider"], session["providerUid"]) == ("oidc", sub)
    assert session["factors"] == ["oauth2"]
    (identity,) = browser.identities()
    assert (identity["providerUid"], identity["providerEmail"]) == (sub, email)
    assert identity["providerAccessToken"] == session["providerAccessToken"] != ""
    assert identity["providerRefreshToken"] == session["providerRefreshToken"] != ""
    assert identity["providerAccessTokenExpiry"] > identity["$createdAt"]


def test_tokens_are_secret_at_rest(project: Project, provider: RealProvider) -> None:
    browser = Browser(project)
    sign_in(browser, provider, someone(provider)[0])
    (identity,) = browser.identities()
    site = project.site
    for table in ("identities", "sessions"):
        sql = f"SELECT access_token, refresh_token FROM {table} WHERE project_id = :id"
        (row,) = site.sql(sql, id=project.number)
        assert identity["providerAccessToken"] not in row["access_token"]
        assert identity["providerRefreshToken"] not in row["refresh_token"]
    events = site.sql("SELECT payload FROM events WHERE project_id = :id", id=project.number)
    text = json.dumps([row["payload"] for row in events])
    assert len(events) >= 3
    assert identity["providerAccessToken"] not in text
    assert identity["providerRefreshToken"] not in text
    cached = b"".join(site.cache.dump(key) or b"" for key in site.cache.scan_iter())
    assert identity["providerAccessToken"].encode() not in cached


def test_the_same_user_again(project: Project, provider: RealProvider) -> None:
    sub, _ = someone(provider)
    first, second = Browser(project), Browser(project)
    for browser in (first, second):
        sign_in(browser, provider, sub)
    assert first.account().json()["$id"] == second.account().json()["$id"]
    assert len(first.identities()) == 1
    assert len(first.sessions()) == 2


def test_a_token_for_the_app(project: Project, provider: RealProvider) -> None:
    browser = Browser(project)
    arrived = sign_in(browser, provider, someone(provider)[0], kind="tokens")
    location = arrived.headers["location"]
    assert location.startswith("http://localhost:3000/done?x=1&")
    told = query_of(location)
    assert set(told) == {"x", "userId", "secret"}
    assert browser.account().status_code == 401
    (token,) = project.site.sql(
        "SELECT type, secret_digest FROM tokens WHERE project_id = :id", id=project.number
    )
    assert (token["type"], token["secret_digest"]) == ("oauth2", digest(told["secret"]))
    body = {"userId": told["userId"], "secret": told["secret"]}
    app = project.guest()
    assert app.post("/v1/account/sessions/token", json=body).json()["factors"] == ["oauth2"]
    again = project.guest().post("/v1/account/sessions/token", json=body)
    assert error_of(again) == (401, "user_invalid_token")


def test_a_server_asks_for_its_visitor(project: Project, provider: RealProvider) -> None:
    query = {"success": SUCCESS, "failure": FAILURE}
    with project.key("sessions.write") as server:
        asked = server.get("/v1/account/tokens/oauth2/oidc", params=query)
    assert asked.status_code == 301
    assert "set-cookie" not in asked.headers
    browser = Browser(project)
    began = browser.client.get(asked.headers["location"])
    assert began.status_code == 302
    sub, _ = someone(provider)
    arrived = browser.come_back(provider.sign_in(began.headers["location"], sub))
    assert query_of(arrived.headers["location"])["secret"]


def test_an_app_is_called_with_the_session(project: Project, provider: RealProvider) -> None:
    sub, _ = someone(provider)
    scheme = f"appwrite-callback-{project.id}://"
    arrived = sign_in(Browser(project), provider, sub, success=f"{scheme}home", failure="")
    location = arrived.headers["location"]
    assert location.startswith(f"{scheme}home?")
    assert "a_session_" not in arrived.headers.get("set-cookie", "")
    told = query_of(location)
    assert told["key"] == f"a_session_{project.id}"
    with project.guest(X_Appwrite_Session=told["secret"]) as app:
        assert app.get("/v1/account").status_code == 200


def test_an_app_that_names_no_page(project: Project, provider: RealProvider) -> None:
    sub, _ = someone(provider)
    arrived = sign_in(Browser(project), provider, sub, success="", failure="")
    assert arrived.status_code == 200
    assert f'href="appwrite-callback-{project.id}://127.0.0.1' in arrived.text
    assert arrived.headers["cache-control"] == "no-store"
    browser = Browser(project)
    denied = browser.come_back(provider.deny(browser.leave(success="", failure="")))
    assert "error=%7B" in denied.text


def test_the_provider_is_asked_for_what_is_needed(project: Project) -> None:
    asked = query_of(Browser(project).leave(**{"scopes[0]": "address", "scopes[1]": "email"}))
    assert asked["scope"] == "openid email profile address"
    assert asked["code_challenge_method"] == "S256"
    assert len(asked["code_challenge"]) == 43
    assert asked["redirect_uri"] == f"{project.site.url}/api/oauth2/oidc/callback/{project.id}"
    refused = Browser(project).start(**{"scopes[0]": "a b"})
    assert error_of(refused) == (400, "general_argument_invalid")


def test_a_provider_that_answers_with_a_form(project: Project, provider: RealProvider) -> None:
    browser = Browser(project)
    back = provider.sign_in(browser.leave(), someone(provider)[0])
    path = back.partition("?")[0]
    # Browsers send no Lax cookie with another site's form.
    once = httpx.post(path, data=query_of(back), trust_env=False)
    assert once.status_code == 303
    assert browser.come_back(once.headers["location"]).headers["location"] == SUCCESS


def test_the_person_says_no(project: Project, provider: RealProvider) -> None:
    browser = Browser(project)
    denied = browser.come_back(provider.deny(browser.leave()))
    assert error_in(denied) == "user_oauth2_provider_error"
    assert browser.account().status_code == 401


def test_a_signed_in_user_adds_an_identity(project: Project, provider: RealProvider) -> None:
    signed_in = project.sign_up()
    browser = Browser(project, signed_in)
    sub, _ = someone(provider)
    assert sign_in(browser, provider, sub).headers["location"] == SUCCESS
    me = signed_in.get("/v1/account").json()["$id"]
    assert browser.account().json()["$id"] == me
    assert [identity["userId"] for identity in browser.identities()] == [me]
    again = Browser(project)
    sign_in(again, provider, sub)
    assert again.account().json()["$id"] == me


def test_an_identity_of_somebody_else_is_not_taken(
    project: Project, provider: RealProvider
) -> None:
    sub, _ = someone(provider)
    sign_in(Browser(project), provider, sub)
    thief = Browser(project, project.sign_up())
    assert error_in(sign_in(thief, provider, sub)) == "user_already_exists"
    assert thief.identities() == []


def test_an_identity_is_taken_away(project: Project, provider: RealProvider) -> None:
    browser = Browser(project)
    sub, email = someone(provider)
    sign_in(browser, provider, sub)
    (identity,) = browser.identities()
    path = f"/v1/account/identities/{identity['$id']}"
    query = {"project": project.id}
    missing = (404, "user_identity_not_found")
    assert error_of(project.sign_up().delete(path)) == missing
    assert browser.client.delete(path, params=query).status_code == 204
    assert error_of(browser.client.delete(path, params=query)) == missing
    assert browser.identities() == []
    # The address is verified by both: it is the same user, with a new identity.
    again = Browser(project)
    sign_in(again, provider, sub)
    assert again.account().json()["email"] == email
    assert len(again.identities()) == 1


def test_administrators(project: Project, provider: RealProvider) -> None:
    people = [someone(provider) for _ in range(2)]
    users = []
    for sub, _ in people:
        browser = Browser(project)
        sign_in(browser, provider, sub)
        users.append(browser.account().json()["$id"])
    with project.key("users.read", "users.write") as admin:
        found = admin.get("/v1/users/identities").json()
        assert [each["userId"] for each in found["identities"]] == users
        equal = {"method": "equal", "attribute": "userId", "values": [users[1]]}
        found = admin.get("/v1/users/identities", params={"queries[0]": json.dumps(equal)}).json()
        assert [each["providerUid"] for each in found["identities"]] == [people[1][0]]
        identity = found["identities"][0]["$id"]
        found = admin.get("/v1/users/identities", params={"search": people[0][1]}).json()
        assert (found["total"], found["identities"][0]["userId"]) == (1, users[0])
        wrong = {"queries[0]": json.dumps({**equal, "attribute": "secret"})}
        refused = admin.get("/v1/users/identities", params=wrong)
        assert error_of(refused) == (400, "general_query_invalid")
        path = f"/v1/users/identities/{identity}"
        missing = (404, "user_identity_not_found")
        with Project(project.site).key() as other, other.case("other project"):
            assert error_of(other.delete(path)) == missing
            assert other.get("/v1/users/identities").json()["total"] == 0
        with project.key("teams.read") as poor, poor.case("missing scope"):
            assert poor.delete(path).status_code == 401
            assert poor.get("/v1/users/identities").status_code == 401
        assert admin.delete(path).status_code == 204
        assert error_of(admin.delete(path)) == missing


def test_nobody_has_identities(project: Project) -> None:
    for method, path in (("GET", ""), ("DELETE", "/x")):
        refused = project.guest().request(method, f"/v1/account/identities{path}")
        assert error_of(refused) == (401, "general_unauthorized_scope")


def test_tokens_are_renewed(project: Project, provider: RealProvider) -> None:
    browser = Browser(project)
    sub, _ = someone(provider)
    sign_in(browser, provider, sub)
    (before,) = browser.sessions()
    time.sleep(1)
    path, query = "/v1/account/sessions/current", {"project": project.id}
    after = browser.client.patch(path, params=query).json()
    assert after["providerAccessToken"] != before["providerAccessToken"]
    assert after["providerAccessTokenExpiry"] > before["providerAccessTokenExpiry"]
    assert after["providerRefreshToken"]
    (identity,) = browser.identities()
    assert identity["providerAccessToken"] == after["providerAccessToken"]
    httpx.post(f"{provider.url}/users/{sub}/revoke-tokens", trust_env=False).raise_for_status()
    refused = browser.client.patch(path, params=query)
    assert error_of(refused) == (401, "user_oauth2_unauthorized")
    kept = browser.client.get(path, params=query).json()
    assert kept["providerAccessToken"] == after["providerAccessToken"]


def test_a_session_without_a_provider_lasts_longer(project: Project) -> None:
    assert project.sign_up().patch("/v1/account/sessions/current").status_code == 200
