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

ATTRIBUTE_KINDS: dict[str, dict[str, Any]] = {
    "string": {"size": 100}, "integer": {}, "float": {}, "boolean": {}, "datetime": {},
    "email": {}, "url": {}, "ip": {}, "enum": {"elements": ["red", "green"]},
}  # fmt: skip
GEOMETRIES = ("point", "line", "polygon")
"""Kinds of attributes that only MariaDB keeps."""
RELATION, INDEX, FREE = "a_relation", "by_string", "free"
"""Keys of the collection's relationship, its index, and the attribute that no index needs."""


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
        self.ids |= self._make_collection()
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
        if operation.service in ("databases", "tablesDB") and operation.template.endswith("/logs"):
            return self.key
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
        if operation.service in ("databases", "tablesDB") and parameter == "key":
            return _key_for(operation)
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

    def _make_collection(self) -> dict[str, str]:
        """A collection with an attribute of every kind, a relationship, an index, a document, and a
        transaction; a table in the other words."""
        database = _made(self.key, "/v1/databases", {"databaseId": "unique()", "name": "Data"})
        place = f"/v1/databases/{database['$id']}/collections"
        body = {
            "collectionId": "unique()",
            "name": "Things",
            "permissions": ['read("users")', 'create("users")', 'update("users")'],
        }
        things = _made(self.key, place, body)["$id"]
        kinds = ATTRIBUTE_KINDS | (
            {} if self.site.settings.is_sqlite else {key: {} for key in GEOMETRIES}
        )
        path = f"{place}/{things}/attributes"
        for kind, options in kinds.items():
            body = {"key": f"a_{kind}", "required": False, **options}
            _made(self.key, f"{path}/{kind}", body, status=202)
        _made(self.key, f"{path}/string", {"key": FREE, "required": False, "size": 9}, status=202)
        relation = {"relatedCollectionId": things, "type": "manyToMany", "key": RELATION}
        _made(self.key, f"{path}/relationship", relation, status=202)
        self._wait_for(path, "attributes")
        index = {"key": INDEX, "type": "key", "attributes": ["a_string"]}
        _made(self.key, f"{place}/{things}/indexes", index, status=202)
        self._wait_for(f"{place}/{things}/indexes", "indexes")
        document = {"documentId": "unique()", "data": {"a_string": "x", "a_integer": 1}}
        made = _made(self.key, f"{place}/{things}/documents", document)["$id"]
        transaction = _made(self.key, "/v1/databases/transactions", {"ttl": 3600})["$id"]
        return {
            "databaseId": database["$id"],
            "collectionId": things,
            "tableId": things,
            "documentId": made,
            "rowId": made,
            "attribute": "a_integer",
            "column": "a_integer",
            "transactionId": transaction,
        }

    def _wait_for(self, path: str, name: str) -> None:
        deadline = time.monotonic() + 30
        while any(part["status"] == "processing" for part in self.key.get(path).json()[name]):
            assert time.monotonic() < deadline, f"{path} is not made"
            time.sleep(0.1)

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


def _key_for(operation: Operation) -> str:
    """The key of an attribute or index that the operation is for."""
    _, _, rest = operation.template.partition("{collectionId}")
    rest = rest or operation.template.partition("{tableId}")[2]
    _, kind, *more = rest.split("/")[0:3]
    if kind == "indexes":
        return INDEX
    if operation.template.endswith("/relationship"):
        return RELATION
    return f"a_{more[0]}" if more and more[0] in (*ATTRIBUTE_KINDS, *GEOMETRIES) else FREE


def _made(
    client: ContractClient, path: str, body: dict[str, Any], *, status: int = 201
) -> dict[str, Any]:
    answer = client.post(path, json=body)
    assert answer.status_code == status, answer.text
    found: dict[str, Any] = answer.json()
    return found
