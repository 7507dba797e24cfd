"""Operators of the console, their teams and projects, through the API."""

import secrets
import time
from typing import Any

import httpx

from raindrop.core.formats import new_id
from tests.contract.recorder import ContractClient
from tests.support.site import Site
from tests.support.v1 import PASSWORD, new_email

CONSOLE = "console"


def new_address() -> str:
    """An address of this machine that no other client has: limits count by address."""
    return (
        f"127.{secrets.randbelow(200) + 20}.{secrets.randbelow(256)}.{secrets.randbelow(254) + 1}"
    )


def visitor(site: Site, project_id: str, address: str, **headers: str) -> ContractClient:
    """A client without credentials that comes from an address of its own."""
    return ContractClient(
        base_url=site.url,
        timeout=30,
        transport=httpx.HTTPTransport(local_address=address),
        headers={"X-Appwrite-Project": project_id, **headers},
    )


class Operator:
    """Somebody who is signed in to the console. The instance must have open sign-up."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.id = new_id()
        self.email = new_email()
        self._address = new_address()
        self._body = {"userId": self.id, "email": self.email, "password": PASSWORD}
        made = self._guest().post("/v1/account", json=self._body | {"name": "Olga"})
        assert made.status_code == 201, made.text
        self.client = self.sign_in()

    def sign_in(self, project_id: str = CONSOLE, **headers: str) -> ContractClient:
        """A new session, for the console or, with ``admin``, at work in a project."""
        client = self._guest()
        signed_in = client.post("/v1/account/sessions/email", json=self._body)
        assert signed_in.status_code == 201, signed_in.text
        client.headers["X-Appwrite-Project"] = project_id
        client.headers.update({name.replace("_", "-"): value for name, value in headers.items()})
        return client

    def admin_of(self, project_id: str) -> ContractClient:
        """A client in admin mode."""
        return self.sign_in(project_id, X_Appwrite_Mode="admin")

    def join(self, team_id: str = "", *roles: str) -> str:
        """Become the owner of a new team of the console, or a member of one without the mail of an
        invitation; its id."""
        now = time.strftime("%Y-%m-%d %H:%M:%S")
        console = self.site.sql("SELECT id FROM projects WHERE public_id = 'console'")[0]["id"]
        if not team_id:
            made = self.client.post("/v1/teams", json={"teamId": "unique()", "name": "Team"})
            assert made.status_code == 201, made.text
            return made.json()["$id"]
        quoted = ", ".join(f'"{role}"' for role in roles or ("owner",))
        self.site.sql(
            "INSERT INTO memberships (project_id, public_id, team_id, user_id, roles,"
            " is_confirmed, invited_at, joined_at, created_at, updated_at) SELECT :console, :id,"
            " (SELECT id FROM teams WHERE public_id = :team), (SELECT id FROM users WHERE"
            " public_id = :user), :roles, 1, :now, :now, :now, :now",
            console=console,
            id=new_id(),
            team=team_id,
            user=self.id,
            roles=f"[{quoted}]",
            now=now,
        )
        self.client = self.sign_in()
        return team_id

    def create_project(self, team_id: str = "", **fields: Any) -> "OwnedProject":
        """A project of the operator's, of a new team by default."""
        body = {
            "projectId": f"p{secrets.token_hex(6)}",
            "name": "Project",
            "teamId": team_id or self.join(),
            **fields,
        }
        made = self.client.post("/v1/projects", json=body)
        assert made.status_code == 201, made.text
        return OwnedProject(self, made.json()["$id"], body["teamId"])

    def _guest(self) -> ContractClient:
        return visitor(self.site, CONSOLE, self._address)


class OwnedProject:
    """A project made by an operator."""

    def __init__(self, owner: Operator, project_id: str, team_id: str) -> None:
        self.owner = owner
        self.site = owner.site
        self.id = project_id
        self.team_id = team_id
        self.path = f"/v1/projects/{project_id}"

    @property
    def console(self) -> ContractClient:
        """The owner's client of the console."""
        return self.owner.client

    def get(self) -> dict[str, Any]:
        """The project as the owner sees it."""
        answer = self.console.get(self.path)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def key_secret(self, *scopes: str, **fields: Any) -> str:
        """A new key's secret."""
        body = {"name": "key", "scopes": list(scopes), **fields}
        made = self.console.post(f"{self.path}/keys", json=body)
        assert made.status_code == 201, made.text
        return made.json()["secret"]

    def guest(self, **headers: str) -> ContractClient:
        """A visitor of the project."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return visitor(self.site, self.id, new_address(), **named)

    def sign_up(self) -> ContractClient:
        """A signed-in user of the project."""
        client = self.guest()
        body = {"userId": "unique()", "email": new_email(), "password": PASSWORD}
        assert client.post("/v1/account", json=body).status_code == 201
        assert client.post("/v1/account/sessions/email", json=body).status_code == 201
        return client

    def rows(self, table: str) -> int:
        """How many rows a table has of the project."""
        (row,) = self.site.sql(
            f"SELECT count(*) AS n FROM `{table}` WHERE project_id IN"
            " (SELECT id FROM projects WHERE public_id = :id)",
            id=self.id,
        )
        return row["n"]
