"""What GitHub and Google answer, as their documentation has it, read by their adapters."""

import dataclasses
from collections.abc import Iterator
from typing import Any

import pytest

from raindrop.accounts import exchanges, providers
from raindrop.accounts.exchanges import Client, Provider, ProviderFailed, ProviderRefused, Tokens
from raindrop.core import addresses
from tests.support.providers import FakeProvider

# https://docs.github.com/en/rest/users/users and …/users/emails
GITHUB_USER = {
    "login": "octocat",
    "id": 583231,
    "node_id": "MDQ6VXNlcjE=",
    "name": "monalisa octocat",
    "email": "public@github.test",
    "type": "User",
}
GITHUB_EMAILS = [
    {"email": "old@github.test", "primary": False, "verified": True, "visibility": None},
    {"email": "octocat@github.test", "primary": True, "verified": True, "visibility": "private"},
]
CLIENT = Client("client", "hush")


@pytest.fixture(autouse=True)
def opened(fake: FakeProvider, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("RAINDROP_OUTBOUND_ALLOW", fake.url.removeprefix("http://"))
    addresses.openings.cache_clear()
    yield
    monkeypatch.undo()
    addresses.openings.cache_clear()


@pytest.fixture
def github(fake: FakeProvider) -> Provider:
    """GitHub's adapter at another address."""
    fake.answers |= {"/user": (200, GITHUB_USER), "/user/emails": (200, GITHUB_EMAILS)}
    return dataclasses.replace(
        providers.GITHUB_PROVIDER,
        token_url=f"{fake.url}/login/oauth/access_token",
        userinfo_url=f"{fake.url}/user",
        emails_url=f"{fake.url}/user/emails",
    )


def exchange(provider: Provider) -> Tokens:
    return exchanges.exchange(
        provider, CLIENT, code="c", verifier="v" * 43, redirect_uri="https://a.example/back"
    )


def read(provider: Provider, tokens: Tokens, nonce: str = "") -> providers.Profile:
    return providers.read_profile(provider, CLIENT, tokens, nonce)


def test_github(github: Provider, fake: FakeProvider) -> None:
    answer = {"access_token": "gho_16C7e42F", "scope": "user:email", "token_type": "bearer"}
    fake.answers["/login/oauth/access_token"] = 200, answer
    tokens = exchange(github)
    assert (tokens.access, tokens.refresh, tokens.expires_at) == ("gho_16C7e42F", "", None)
    profile = read(github, tokens)
    assert profile == providers.Profile("583231", "octocat@github.test", True, "monalisa octocat")
    (_, headers, form), *asked = fake.seen
    assert headers["Accept"] == "application/json"
    assert form == {
        "grant_type": ["authorization_code"],
        "code": ["c"],
        "redirect_uri": ["https://a.example/back"],
        "code_verifier": ["v" * 43],
        "client_id": ["client"],
        "client_secret": ["hush"],
    }
    assert [each[1]["Authorization"] for each in asked] == ["Bearer gho_16C7e42F"] * 2


@pytest.mark.parametrize(
    "emails",
    [
        [],
        [{"email": "a@b.test", "primary": True, "verified": False}],
        [{"email": "a@b.test", "primary": False, "verified": True}],
        [{"email": "a@b.test", "primary": "yes", "verified": "yes"}, "a@b.test", None],
    ],
)
def test_github_knows_no_verified_address(
    github: Provider, fake: FakeProvider, emails: list[Any]
) -> None:
    fake.answers["/user/emails"] = 200, emails
    profile = read(github, Tokens("t"))
    assert (profile.email, profile.is_email_verified) == ("", False)


@pytest.mark.parametrize(
    ("path", "answer"),
    [
        ("/user", (401, {"message": "Bad credentials"})),
        ("/user", (200, {"id": None})),
        ("/user", (200, {"id": True})),
        ("/user", (200, {"login": "octocat"})),
        ("/user/emails", (403, {"message": "Resource not accessible"})),
        ("/user/emails", (200, {"email": "a@b.test"})),
    ],
)
def test_github_answers_otherwise(
    github: Provider, fake: FakeProvider, path: str, answer: Any
) -> None:
    fake.answers[path] = answer
    with pytest.raises(ProviderFailed):
        read(github, Tokens("t"))


def test_github_refuses_a_code(github: Provider, fake: FakeProvider) -> None:
    refusal = {"error": "bad_verification_code", "error_description": "The code is incorrect."}
    fake.answers["/login/oauth/access_token"] = 200, refusal
    with pytest.raises(ProviderRefused):
        exchange(github)


@pytest.fixture
def google(fake: FakeProvider) -> Provider:
    """Google's adapter, from metadata of the form of Google's, at another address."""
    return providers.read_metadata(
        providers.GOOGLE,
        {
            "issuer": fake.url,
            "authorization_endpoint": "https://accounts.google.com/o/oauth2/v2/auth",
            "token_endpoint": f"{fake.url}/token",
            "userinfo_endpoint": f"{fake.url}/v1/userinfo",
            "jwks_uri": f"{fake.url}/jwks",
            "token_endpoint_auth_methods_supported": ["client_secret_post", "client_secret_basic"],
            "code_challenge_methods_supported": ["plain", "S256"],
        },
        providers.GOOGLE_EXTRA,
    )


def test_google(google: Provider, fake: FakeProvider) -> None:
    fake.nonce = "n"
    fake.claims = {
        "sub": "10769150350006150715113082367",
        "azp": "client",
        "email": "jsmith@google.test",
        "email_verified": True,
        "name": "J. Smith",
        "hd": "google.test",
    }
    tokens = exchange(google)
    assert read(google, tokens, "n") == providers.Profile(
        "10769150350006150715113082367", "jsmith@google.test", True, "J. Smith"
    )
    assert "Authorization" not in fake.seen[0][1]
    assert google.extra == {"access_type": "offline"}


def test_a_provider_that_takes_the_secret_in_a_header(google: Provider, fake: FakeProvider) -> None:
    exchange(dataclasses.replace(google, sends_basic=True))
    _, headers, form = fake.seen[0]
    assert headers["Authorization"].startswith("Basic ")
    assert "client_secret" not in form


def test_secrets_stay_out_of_texts() -> None:
    assert "hush" not in repr(CLIENT)
    assert "at-1" not in repr(Tokens("at-1", "rt-1", "id-1"))
