"""Bodies and addresses that no client sends: refused in the contract's words, never a 500."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from tests.contract.contract import Operation, load_contract
from tests.contract.recorder import ContractClient
from tests.contract.report import make_app
from tests.contract.routes import served_views
from tests.support.operators import Operator
from tests.support.site import Site
from tests.support.v1 import Project

pytestmark = pytest.mark.contract

JSON = "application/json"
DEEP = b"[" * 100_000
RAW_BODIES: tuple[tuple[str, bytes], ...] = (
    (JSON, b"{"),
    (JSON, b"\xff\xfe{}"),
    (JSON, b"[]"),
    (JSON, b'"text"'),
    (JSON, b"null"),
    (JSON, DEEP),
    (JSON, b'{"a":' * 50_000),
    (JSON, b'{"userId": "' + b"x" * 100_000 + b'"}'),
    ("text/plain", b"hello"),
    ("application/xml", b"<a/>"),
    ("multipart/form-data", b"no boundary"),
    ("multipart/form-data; boundary=b", b"--b\r\nnothing"),
    ("application/x-www-form-urlencoded", b"%ff%fe=%00&a=1&a=2"),
)
STRANGE_VALUES: tuple[Any, ...] = (
    7, -1, 1.5, 10**400, True, "", "\0", "\ud800", "x" * 70_000, [], ["\0"], [[]], {}, {"$ne": 1},
    {"": {"": {}}}, "unique()", "../../etc", "'; DROP TABLE users; --", "${7*7}", "{{7*7}}",
)  # fmt: skip
STRANGE_QUERIES = (
    "queries[0]=", "queries[]=%00", "queries[0]={}", "queries[0]=[]", "queries[0]=%ff",
    "queries[0]={%22method%22:%22equal%22}", "queries=x&queries=y", "search=%00", "total=maybe",
    "queries[0]={%22method%22:%22limit%22,%22values%22:[1e400]}", "search=" + "x" * 300,
    "queries[0]={%22method%22:%22orderAsc%22,%22attribute%22:%22password%22}",
    "queries[0]=" + "[" * 3000,
    "&".join(f"queries[{number}]=x" for number in range(200)),
)  # fmt: skip


@pytest.fixture(scope="module")
def operations(tmp_path_factory: pytest.TempPathFactory) -> list[Operation]:
    """What is served, but for what would end the clients that ask."""
    folder: Path = tmp_path_factory.mktemp("var")
    found = [operation for operation, _ in served_views(make_app(folder), load_contract())]
    assert len(found) > 100
    return [each for each in found if each.id not in ("accountDelete", "projectsDelete")]


@pytest.fixture(scope="module")
def clients(running_site: Site) -> dict[str, ContractClient]:
    """A key with every scope, somebody who is signed in, a guest and an operator."""
    project = Project(running_site)
    return {
        "key": project.key(),
        "session": project.sign_up(),
        "guest": project.guest(),
        "operator": Operator(running_site).client,
    }


def client_for(operation: Operation, clients: dict[str, ContractClient]) -> ContractClient:
    """Whoever gets farthest."""
    if operation.service == "projects":
        return clients["operator"]
    if operation.service == "account" and "account" in operation.scopes:
        return clients["session"]
    return clients["key"]


def address(operation: Operation) -> str:
    return re.sub(r"\{\w+\}", "nobody", operation.template)


def is_writing(operation: Operation) -> bool:
    return operation.method in ("POST", "PUT", "PATCH")


def test_bodies_that_are_none(
    operations: list[Operation], clients: dict[str, ContractClient]
) -> None:
    for operation in filter(is_writing, operations):
        client = client_for(operation, clients)
        for media_type, body in RAW_BODIES:
            answer = client.request(
                operation.method,
                address(operation),
                content=body,
                headers={"Content-Type": media_type},
            )
            assert answer.status_code < 500, (operation.id, media_type, body[:40], answer.text)


def test_values_of_every_kind(
    operations: list[Operation], clients: dict[str, ContractClient]
) -> None:
    """Each argument of each operation, with the values that break what trusts them."""
    for operation in filter(is_writing, operations):
        client = client_for(operation, clients)
        for value in STRANGE_VALUES:
            body = json.dumps(dict.fromkeys(operation.arguments, value))
            answer = client.request(
                operation.method,
                address(operation),
                content=body,
                headers={"Content-Type": JSON},
            )
            assert answer.status_code < 500, (operation.id, repr(value)[:60], answer.text)


def test_strange_queries(operations: list[Operation], clients: dict[str, ContractClient]) -> None:
    for operation in operations:
        if operation.method != "GET":
            continue
        client = client_for(operation, clients)
        for query in STRANGE_QUERIES:
            answer = client.get(f"{address(operation)}?{query}")
            assert answer.status_code < 500, (operation.id, query[:60], answer.text)


def test_strange_ids(operations: list[Operation], clients: dict[str, ContractClient]) -> None:
    for operation in operations:
        if "{" not in operation.template:
            continue
        client = client_for(operation, clients)
        for value in ("%00", "%ff", "x" * 300, "%F0%9F%98%80", "'", "unique()"):
            path = re.sub(r"\{\w+\}", value, operation.template)
            answer = client.request(operation.method, path, json={})
            assert answer.status_code < 500, (operation.id, value[:20], answer.text)


def test_ten_megabytes(clients: dict[str, ContractClient]) -> None:
    body = b'{"name": "' + b"x" * 10_000_000 + b'"}'
    for path in ("/v1/account", "/v1/users", "/v1/teams"):
        answer = clients["key"].post(path, content=body, headers={"Content-Type": JSON})
        assert answer.status_code == 400
        assert answer.json()["type"] == "general_argument_invalid"


@pytest.mark.parametrize("header", ["X-HTTP-Method-Override", "X-Method-Override", "_method"])
def test_a_method_is_what_it_is(running_site: Site, header: str) -> None:
    client = Project(running_site).sign_up()
    account = client.get("/v1/account", headers={header: "DELETE"}, params={"_method": "DELETE"})
    assert account.status_code == 200
    assert client.get("/v1/account").status_code == 200
