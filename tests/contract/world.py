"""A project in which there is one of everything, and clients that may do everything in it."""

import secrets
import time
from typing import Any

from raindrop.core.access import KEY_SCOPES
from raindrop.core.formats import new_id
from tests.contract.contract import Operation, parameters_of
from tests.contract.recorder import ContractClient
from tests.support.operators import Operator, OwnedProject
from tests.support.site import Site
from tests.teams.people import id_of

FUTURE = "2040-01-01T00:00:00.000+00:00"
NO_SUCH_THING = "nothing"
WORDS = {
    "type": "totp",
    "locale": "en",
    "provider": "github",
    "method": "email-password",
    "code": "de",
}
"""What parameters of paths are that are no ids."""


class World:
    """One of everything, made through the API.

    Attributes:
        person: signed in; the owner of the team.
        key: has every scope.
        console: the operator who owns the project.
        ids: parameter of a path → an id, also ``devKeyId`` and the person's own ``mySessionId``
            and ``myIdentityId``.
    """

    def __init__(self, site: Site) -> None:
        self.site = site
        self.operator = Operator(site)
        self.project: OwnedProject = self.operator.create_project()
        self.console: ContractClient = self.operator.client
        self.key = self.keyed(*KEY_SCOPES)
        self.dev_secret, dev_key = self._make_dev_key()
        self.person: ContractClient = self.project.sign_up()
        self.person.headers["X-Appwrite-Dev-Key"] = self.dev_secret
        self.ids = {"projectId": self.project.id, "devKeyId": dev_key}
        self.ids |= self._make_user() | self._make_team() | self._make_console_things()
        me = id_of(self.person)
        self.ids["mySessionId"] = self.person.get("/v1/account/sessions/current").json()["$id"]
        self.ids["myIdentityId"] = self._make_identity(me)

    def guest(self) -> ContractClient:
        """Somebody without credentials whom no rate limit stops."""
        return self.project.guest(X_Appwrite_Dev_Key=self.dev_secret)

    def keyed(self, *scopes: str) -> ContractClient:
        """A client with a new key."""
        return self.project.guest(X_Appwrite_Key=self.project.key_secret(*scopes))

    def client_for(self, operation: Operation) -> ContractClient:
        """Whoever may do the operation to everything here."""
        if operation.service == "projects":
            return self.console
        if "Key" in operation.credentials:
            return self.key
        return self.person if operation.scopes - {"sessions.write", "public"} else self.guest()

    def id_for(self, operation: Operation, parameter: str) -> str:
        """The id of a thing that is there, or a word that the path may have."""
        own = {
            "account": {"sessionId": "mySessionId", "identityId": "myIdentityId"},
            "projects": {"keyId": "devKeyId" if "/dev-keys" in operation.template else "keyId"},
        }
        if operation.service == "projects" and parameter == "type":
            return "verification"
        name = own.get(operation.service, {}).get(parameter, parameter)
        return self.ids.get(name) or WORDS[name]

    def path_of(self, operation: Operation, **others: str) -> str:
        """The operation's path.

        Args:
            others: parameter → what stands there instead.
        """
        path = operation.template
        for name in parameters_of(path):
            path = path.replace(f"{{{name}}}", others.get(name) or self.id_for(operation, name))
        return path

    def _make_dev_key(self) -> tuple[str, str]:
        body = {"name": "dev", "expire": FUTURE}
        made = _made(self.console, f"{self.project.path}/dev-keys", body)
        return made["secret"], made["$id"]

    def _make_user(self) -> dict[str, str]:
        user = new_id()
        body = {"userId": user, "email": f"{user}@example.test", "name": "Bea"}
        _made(self.key, "/v1/users", body)
        session = _made(self.key, f"/v1/users/{user}/sessions", {})
        target = {"targetId": "unique()", "providerType": "email", "identifier": "b@example.test"}
        return {
            "userId": user,
            "sessionId": session["$id"],
            "targetId": _made(self.key, f"/v1/users/{user}/targets", target)["$id"],
            "identityId": self._make_identity(user),
        }

    def _make_team(self) -> dict[str, str]:
        team = _made(self.person, "/v1/teams", {"teamId": "unique()", "name": "Crew"})["$id"]
        path = f"/v1/teams/{team}/memberships"
        members = self.key.get(path).json()["memberships"]
        return {"teamId": team, "membershipId": members[0]["$id"]}

    def _make_console_things(self) -> dict[str, str]:
        key = {"name": "key", "scopes": ["users.read"]}
        web = {"name": "web", "type": "web", "hostname": "app.example"}
        return {
            "keyId": _made(self.console, f"{self.project.path}/keys", key)["$id"],
            "platformId": _made(self.console, f"{self.project.path}/platforms", web)["$id"],
        }

    def _make_identity(self, user: str) -> str:
        """Beside the server: a provider makes them."""
        identity = new_id()
        self.site.sql(
            "INSERT INTO identities (project_id, public_id, user_id, provider, provider_uid,"
            " provider_email, access_token, refresh_token, created_at, updated_at) SELECT"
            " project_id, :id, id, 'github', :uid, 'b@example.test', '', '', :now, :now"
            " FROM users WHERE public_id = :user",
            id=identity,
            uid=secrets.token_hex(8),
            user=user,
            now=time.strftime("%Y-%m-%d %H:%M:%S"),
        )
        return identity


def _made(client: ContractClient, path: str, body: dict[str, Any]) -> dict[str, Any]:
    answer = client.post(path, json=body)
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found
