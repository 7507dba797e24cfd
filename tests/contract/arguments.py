"""Arguments that an operation takes, and the same with one of them wrong."""

import json
from collections.abc import Iterator
from functools import cache
from typing import Any
from urllib.parse import urlencode

from tests.contract.contract import BASE, DATA, Operation
from tests.contract.world import FUTURE

PASSWORD = "right horse 1"
VALUES: dict[str, Any] = {
    "userId": "unique()",
    "teamId": "unique()",
    "targetId": "unique()",
    "projectId": "unique()",
    "email": "cid@example.test",
    "password": PASSWORD,
    "name": "Cid",
    "number": "+4930123456",
    "phone": "+4930123456",
    "url": "http://localhost/page",
    "roles": ["reader"],
    "labels": ["vip"],
    "prefs": {"a": 1},
    "status": True,
    "enabled": True,
    "alerts": True,
    "userName": True,
    "userEmail": True,
    "emailVerification": True,
    "phoneVerification": True,
    "mfa": False,
    "providerType": "email",
    "identifier": "cid@example.test",
    "expire": FUTURE,
    "scopes": ["users.read"],
    "secret": "secret",
    "otp": "123456",
    "factor": "email",
    "challengeId": "nothing",
    "text": "text",
    "type": "web",
    "hostname": "app.example",
    "provider": "github",
    "api": "rest",
    "service": "users",
    "duration": 3600,
    "limit": 10,
    "subject": "Subject",
    "message": "Message",
    "emails": ["cid@example.test"],
    "senderName": "Cid",
    "senderEmail": "cid@example.test",
    "host": "mail.example.test",
    "passwordSalt": "c2FsdA==",
    "passwordCpu": 16,
    "passwordMemory": 8,
    "passwordParallel": 1,
    "passwordLength": 32,
    "passwordSaltSeparator": "Bw==",
    "passwordSignerKey": "c2lnbmVy",
    "databaseId": "unique()",
    "collectionId": "unique()",
    "tableId": "unique()",
    "key": "new",
    "required": False,
    "default": None,
    "size": 10,
    "elements": ["red"],
    "attributes": ["a_string"],
    "columns": ["a_string"],
    "relatedCollectionId": "nothing",
    "relatedTableId": "nothing",
    "data": {"a_string": "x"},
    "documents": [{"a_string": "x"}],
    "rows": [{"a_string": "x"}],
}
"""By name, for the arguments that are required."""
CHANGES = {
    "databasesUpdateDocument", "databasesUpsertDocument", "databasesUpdateDocuments",
    "tablesDBUpdateRow", "tablesDBUpsertRow", "tablesDBUpdateRows",
}  # fmt: skip
OPERATION = {"action": "delete"} | dict.fromkeys(
    ("databaseId", "collectionId", "tableId", "documentId", "rowId"), "nothing"
)
"""One of a transaction, which could not be done."""
OTHER_TYPES = {"relationship": "oneToOne", "indexes": "key"}
"""What ``type`` is where a path ends so."""
WRONG_OF_TYPE: dict[str, Any] = {
    "string": {"a": 1},
    "integer": "many",
    "number": "many",
    "boolean": "perhaps",
    "array": 7,
    "object": 7,
}
WRONG_IN_QUERY: dict[str, str] = {
    "queries": urlencode({"queries[0]": "nonsense"}),
    "total": "total=perhaps",
    "search": f"search={'x' * 257}",
    "width": "width=wide",
    "height": "height=-1",
    "quality": "quality=101",
    "size": "size=0",
    "margin": "margin=11",
    "download": "download=perhaps",
    "background": "background=colour",
    "name": f"name={'x' * 129}",
    "text": f"text={'x' * 513}",
    "url": "url=nonsense",
    "success": "success=javascript:alert(1)",
    "failure": "failure=https://stranger.example/",
    "scopes": "scopes=one",
    "transactionId": f"transactionId={'x' * 37}",
}
"""What each argument of a query may not be."""


def body_of(operation: Operation) -> dict[str, Any] | None:
    """What the operation needs; ``None`` where it takes no body."""
    schema = _body_schema(operation)
    if schema is None:
        return None
    values = VALUES
    if kind := OTHER_TYPES.get(operation.template.rpartition("/")[2]):
        values = VALUES | {"type": kind}
    if operation.method == "PATCH" and operation.template.endswith("/{transactionId}"):
        return {"rollback": True}  # one of the two must be
    if operation.id in ("databasesCreateDocument", "tablesDBCreateRow"):
        name = "rowId" if operation.service == "tablesDB" else "documentId"
        return {name: "unique()", "data": VALUES["data"]}  # one, where it could be many
    if operation.id in CHANGES:
        return {"data": VALUES["data"]}  # data or permissions must be
    if operation.template.endswith("/{transactionId}/operations"):
        return {"operations": [OPERATION]}
    return {name: values[name] for name in schema.get("required", [])}


def wrong_bodies(operation: Operation) -> Iterator[tuple[str, dict[str, Any]]]:
    """Bodies with one argument of a wrong type, and without one that is required; one that may be
    null is missing and null alike."""
    schema, right = _body_schema(operation), body_of(operation)
    if schema is None or right is None:
        return
    for name, notes in schema["properties"].items():
        yield name, right | {name: WRONG_OF_TYPE[notes["type"]]}
    for missing in (name for name in right if not schema["properties"][name].get("x-nullable")):
        yield missing, {name: value for name, value in right.items() if name != missing}


def wrong_queries(operation: Operation) -> Iterator[tuple[str, str]]:
    """Query strings in which one argument is wrong."""
    parameters = _notes(operation).get("parameters", [])
    asked = [each for each in parameters if each["in"] == "query"]
    needed = {each["name"]: VALUES[each["name"]] for each in asked if each["required"]}
    for name in (each["name"] for each in asked):
        rest = {key: value for key, value in needed.items() if key != name}
        yield name, "&".join([WRONG_IN_QUERY[name], *([urlencode(rest)] if rest else [])])
        if name in needed:
            yield name, urlencode(rest)


def _body_schema(operation: Operation) -> dict[str, Any] | None:
    content = _notes(operation).get("requestBody", {}).get("content", {})
    schemas = [media["schema"] for media in content.values()]
    return schemas[0] if schemas else None


def _notes(operation: Operation) -> dict[str, Any]:
    path = operation.template.removeprefix(BASE)
    notes: dict[str, Any] = _document()["paths"][path][operation.method.lower()]
    return notes


@cache
def _document() -> dict[str, Any]:
    document: dict[str, Any] = json.loads((DATA / "appwrite-1.8.openapi.json").read_text())
    return document
