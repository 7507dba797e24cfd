"""A browser on its way through a sign-in."""

import json
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx

from raindrop.core.secrets import Vault
from tests.contract.recorder import ContractClient
from tests.support.site import Site
from tests.support.v1 import Project

SUCCESS, FAILURE = "http://localhost:3000/done?x=1", "http://localhost:3000/failed"
WELL_KNOWN = "/.well-known/openid-configuration"


def new_project(site: Site, provider_url: str, **changes: Any) -> Project:
    """A project whose users can sign in at an OpenID provider."""
    secret = json.dumps({"clientSecret": "hush", "wellKnownEndpoint": provider_url + WELL_KNOWN})
    given = {"app_id": "client", "secret": Vault(site.settings).encrypt(secret), "is_enabled": True}
    return Project(site, oauth={"oidc": given | changes})


class Browser:
    """Sends what a browser sends: the project in the address, no header of ours."""

    def __init__(self, project: Project, signed_in: httpx.Client | None = None) -> None:
        self.project = project
        self.client = ContractClient(base_url=project.site.url, timeout=30, trust_env=False)
        if signed_in:
            self.client.cookies.update(signed_in.cookies)

    def start(self, kind: str = "sessions", provider: str = "oidc", **given: Any) -> httpx.Response:
        query = {"project": self.project.id, "success": SUCCESS, "failure": FAILURE, **given}
        headers = query.pop("headers", {})
        path = f"/v1/account/{kind}/oauth2/{provider}"
        return self.client.get(path, params=query, headers=headers)

    def leave(self, kind: str = "sessions", **given: Any) -> str:
        """The provider's sign-in page."""
        answer = self.start(kind, **given)
        assert answer.status_code == 301, answer.text
        return answer.headers["location"]

    def come_back(self, address: str) -> httpx.Response:
        return self.client.get(address)

    def account(self) -> httpx.Response:
        return self.client.get("/v1/account", params={"project": self.project.id})

    def sessions(self) -> list[dict[str, Any]]:
        answer = self.client.get("/v1/account/sessions", params={"project": self.project.id})
        return answer.json()["sessions"]

    def identities(self) -> list[dict[str, Any]]:
        answer = self.client.get("/v1/account/identities", params={"project": self.project.id})
        return answer.json()["identities"]


def error_in(response: httpx.Response) -> str:
    """The type of the error with which the browser was sent to the page for failures."""
    assert response.status_code == 302, response.text
    location = response.headers["location"]
    assert location.startswith(FAILURE), location
    told = json.loads(parse_qs(urlsplit(location).query)["error"][0])
    assert set(told) == {"message", "type", "code"}
    return told["type"]


def query_of(address: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}
