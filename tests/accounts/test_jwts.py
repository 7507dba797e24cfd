"""Tokens that stand for a session."""

import base64
import json

import pytest

from raindrop.core.secrets import Vault
from tests.support.site import Site
from tests.support.v1 import Project, error_of

pytestmark = pytest.mark.contract

JWTS = "/v1/account/jwts"
INVALID = (401, "user_jwt_invalid")


@pytest.fixture
def project(running_site: Site) -> Project:
    return Project(running_site)


def parts_of(token: str) -> tuple[dict[str, object], dict[str, object]]:
    def read(text: str) -> dict[str, object]:
        return json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))

    header, claims, _ = token.split(".")
    return read(header), read(claims)


def test_a_token_acts_for_its_session(project: Project) -> None:
    client = project.sign_up()
    account = client.get("/v1/account").json()
    made = client.post(JWTS)
    assert made.status_code == 201
    _, claims = parts_of(made.json()["jwt"])
    assert claims["userId"] == account["$id"]
    assert claims["exp"] - claims["iat"] == 15 * 60  # type: ignore[operator]
    with project.guest(X_Appwrite_JWT=made.json()["jwt"]) as server:
        assert server.get("/v1/account").json() == account
        session = server.get("/v1/account/sessions/current").json()
        assert session["$id"] == claims["sessionId"]
        # It makes no other: that would never end.
        assert error_of(server.post(JWTS)) == (404, "user_session_not_found")
    assert client.delete("/v1/account/sessions/current").status_code == 204
    with project.guest(X_Appwrite_JWT=made.json()["jwt"]) as server:
        assert error_of(server.get("/v1/account")) == INVALID


def test_it_is_of_its_project(project: Project) -> None:
    token = project.sign_up().post(JWTS).json()["jwt"]
    with (
        Project(project.site).guest(X_Appwrite_JWT=token) as stranger,
        stranger.case("other project"),
    ):
        assert error_of(stranger.get("/v1/account")) == INVALID


def test_tokens_of_others(project: Project) -> None:
    token = project.sign_up().post(JWTS).json()["jwt"]
    header, claims = parts_of(token)

    def encode(part: dict[str, object]) -> str:
        return base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=")

    signature = token.rpartition(".")[2]
    altered = f"{encode(header)}.{encode(claims | {'userId': 'somebody'})}.{signature}"
    unsigned = f"{encode({'alg': 'none', 'typ': 'JWT'})}.{encode(claims)}."
    for forged in (altered, unsigned, "x", f"{token}x", "a.b.c"):
        with project.guest(X_Appwrite_JWT=forged) as client:
            assert error_of(client.get("/v1/account")) == INVALID


def test_an_expired_one(project: Project) -> None:
    from joserfc import jwt
    from joserfc.jwk import OctKey

    _, claims = parts_of(project.sign_up().post(JWTS).json()["jwt"])
    key = OctKey.import_key(Vault(project.site.settings).derive("jwt"))
    header, fresh = {"alg": "HS256"}, jwt.encode({"alg": "HS256"}, claims, key)
    with project.guest(X_Appwrite_JWT=fresh) as client:
        assert client.get("/v1/account").status_code == 200
    with project.guest(X_Appwrite_JWT=jwt.encode(header, claims | {"exp": 1}, key)) as client:
        assert error_of(client.get("/v1/account")) == INVALID


def test_where_they_are_switched_off(running_site: Site) -> None:
    client = Project(running_site, methods_off=["jwt"]).sign_up()
    assert error_of(client.post(JWTS)) == (501, "user_auth_method_unsupported")
