"""A project to test with, and clients that speak to it under /v1."""

import itertools
import json
import secrets
import time
from typing import Any

from raindrop.core.access import KEY_SCOPES
from raindrop.core.formats import new_id
from raindrop.core.secrets import digest
from tests.contract.recorder import ContractClient
from tests.support.site import Site

PASSWORD = "correct horse 1"

_numbers = itertools.count(1)


class Project:
    """A project made beside the server; its clients are checked against the contract."""

    def __init__(self, site: Site, **settings: Any) -> None:
        """
        Args:
            settings: of ``ProjectSettings`` (core/tenancy.py).
        """
        self.site = site
        self.id = new_id()
        self._now = time.strftime("%Y-%m-%d %H:%M:%S")
        site.sql(
            "INSERT INTO projects (public_id, name, team_id, details, settings, created_at,"
            " updated_at) VALUES (:id, 'Test', :team, '{}', :settings, :now, :now)",
            id=self.id,
            team=f"t{self.id}"[:36],
            settings=json.dumps(settings),
            now=self._now,
        )
        self.number = site.sql("SELECT id FROM projects WHERE public_id = :id", id=self.id)[0]["id"]

    def guest(self, **headers: str) -> ContractClient:
        """A visitor; cookies that it is given stay with it."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return ContractClient(
            base_url=self.site.url,
            timeout=30,
            trust_env=False,
            headers={"X-Appwrite-Project": self.id, **named},
        )

    def key(self, *scopes: str) -> ContractClient:
        """A client with a new key; without scopes it has all."""
        secret = f"standard_{secrets.token_hex(32)}"
        self.site.sql(
            "INSERT INTO `keys` (project_id, public_id, name, scopes, secret_digest, is_dev, sdks,"
            " created_at, updated_at) VALUES (:project, :id, 'test', :scopes, :digest, 0, '[]',"
            " :now, :now)",
            project=self.number,
            id=new_id(),
            scopes=json.dumps(scopes or KEY_SCOPES),
            digest=digest(secret),
            now=self._now,
        )
        return self.guest(X_Appwrite_Key=secret)

    def sign_up(self, email: str = "", name: str = "Ann") -> ContractClient:
        """A new user, signed in with e-mail and ``PASSWORD``."""
        client = self.guest()
        body = {"userId": "unique()", "email": email or new_email(), "password": PASSWORD}
        made = client.post("/v1/account", json=body | {"name": name})
        assert made.status_code == 201, made.text
        signed_in = client.post("/v1/account/sessions/email", json=body)
        assert signed_in.status_code == 201, signed_in.text
        return client


def new_email() -> str:
    """An address that no other test has."""
    return f"person{next(_numbers)}-{secrets.token_hex(4)}@example.test"


def error_of(response: Any) -> tuple[int, str]:
    """Status and type of a refusal."""
    return response.status_code, response.json()["type"]
