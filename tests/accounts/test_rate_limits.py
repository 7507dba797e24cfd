"""The contract's rate limits hold against what people try."""

from typing import Any

import httpx
import pytest

from tests.support.site import Site
from tests.support.v1 import Project, error_of, new_email

pytestmark = pytest.mark.contract

LIMITED = (429, "general_rate_limit_exceeded")
SIGN_IN = "/v1/account/sessions/email"


@pytest.fixture
def project(running_site: Site) -> Project:
    return Project(running_site)


def try_password(project: Project, email: str, path: str = SIGN_IN, **more: Any) -> httpx.Response:
    body = {"email": email, "password": "wrong password"}
    return project.guest().post(path, json=body, **more)


def test_ten_passwords_an_hour(project: Project) -> None:
    email = new_email()
    for number in range(10):
        answer = try_password(project, email)
        assert answer.status_code == 401
        assert answer.headers["X-RateLimit-Remaining"] == str(9 - number)
    refused = try_password(project, email)
    assert error_of(refused) == LIMITED
    assert int(refused.headers["Retry-After"]) > 3000
    tricks: list[dict[str, Any]] = [
        {"path": f"{SIGN_IN}?x=1"},
        {"path": f"{SIGN_IN}?email=other@example.test"},
        {"headers": {"X-HTTP-Method-Override": "PUT"}},
        {"headers": {"X-Forwarded-For": "203.0.113.7"}},
        {"headers": {"X-Real-IP": "203.0.113.7", "Forwarded": "for=203.0.113.7"}},
        {"headers": {"User-Agent": "another"}},
    ]
    for trick in tricks:
        assert error_of(try_password(project, email, **trick)) == LIMITED, trick
    for spelling in (email.upper(), f" {email} "):
        assert error_of(try_password(project, spelling)) == LIMITED
    form = {"email": email, "password": "wrong password"}
    assert error_of(project.guest().post(SIGN_IN, data=form)) == LIMITED
    assert try_password(project, new_email()).status_code == 401
    assert try_password(Project(project.site), email).status_code == 401


def test_ten_recoveries_an_hour_from_one_place(project: Project) -> None:
    def ask(**headers: str) -> httpx.Response:
        body = {"email": new_email(), "url": "http://localhost/x"}
        return project.guest(**headers).post("/v1/account/recovery", json=body)

    for _ in range(10):
        assert ask().status_code == 201
    assert error_of(ask()) == LIMITED
    assert error_of(ask(X_Forwarded_For="203.0.113.7")) == LIMITED
    with project.key("sessions.write") as server:
        body = {"email": new_email(), "url": "http://localhost/x"}
        assert server.post("/v1/account/recovery", json=body).status_code == 201


def test_ten_redemptions_an_hour(project: Project) -> None:
    def redeem(user_id: str) -> httpx.Response:
        body = {"userId": user_id, "secret": "0" * 64}
        return project.guest().post("/v1/account/sessions/token", json=body)

    for _ in range(10):
        assert error_of(redeem("ann")) == (401, "user_invalid_token")
    assert error_of(redeem("ann")) == LIMITED
    assert error_of(redeem("ANN ")) == LIMITED
    assert error_of(redeem("bob")) == (401, "user_invalid_token")
