"""Every operation that is served refuses as the contract has it: nobody, a key without the scope,
another project's ids, ids of nothing, arguments of which one is wrong."""

import re
from collections.abc import Iterator
from typing import Any

import pytest

from tests.contract.arguments import body_of, wrong_bodies, wrong_queries
from tests.contract.contract import (
    BAD_ARGUMENT,
    MISSING_SCOPE,
    NO_CREDENTIALS,
    NOT_FOUND,
    OTHER_PROJECT,
    Operation,
    load_contract,
    parameters_of,
)
from tests.contract.report import is_of_arguments, make_app
from tests.contract.routes import served_operations
from tests.contract.world import NO_SUCH_THING, World
from tests.support.site import Site
from tests.support.v1 import error_of

pytestmark = pytest.mark.contract

NOT_SERVED = {
    (405, "general_not_implemented"),
    (503, "general_phone_disabled"),
    (501, "general_usage_disabled"),
    (404, "avatar_set_not_found"),
}


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> list[Operation]:
    contract = load_contract()
    names = served_operations(make_app(tmp_path_factory.mktemp("var")), contract)
    return [operation for operation in contract.operations if operation.id in names]


@pytest.fixture(scope="module")
def world(running_site: Site) -> World:
    return World(running_site)


def expecting(case: str, served: list[Operation]) -> Iterator[Operation]:
    found = [operation for operation in served if case in operation.expected_cases]
    assert found
    return iter(found)


def send(client: Any, operation: Operation, path: str, body: Any = None) -> Any:
    return client.request(operation.method, path, json=body)


def test_nobody_may(world: World, served: list[Operation]) -> None:
    guest = world.guest()
    for operation in expecting(NO_CREDENTIALS, served):
        answer = send(guest, operation, world.path_of(operation), body_of(operation))
        assert error_of(answer) == (401, "general_unauthorized_scope"), operation.id


def test_a_key_needs_the_scope(world: World, served: list[Operation]) -> None:
    narrow = world.keyed("health.read")
    for operation in expecting(MISSING_SCOPE, served):
        answer = send(narrow, operation, world.path_of(operation), body_of(operation))
        assert error_of(answer) == (401, "general_unauthorized_scope"), operation.id


def test_another_projects_things_are_not_there(
    world: World, served: list[Operation], running_site: Site
) -> None:
    """Each id by itself: of two in a path also the second alone is another project's."""
    other = World(running_site)
    for operation in expecting(OTHER_PROJECT, served):
        client = world.client_for(operation)
        for name in id_names(operation):
            path = world.path_of(operation, **{name: other.id_for(operation, name)})
            with client.case(OTHER_PROJECT):
                answer = send(client, operation, path, body_of(operation))
            check_not_found(operation, answer)


def test_what_is_not_there(world: World, served: list[Operation]) -> None:
    for operation in expecting(NOT_FOUND, served):
        client = world.client_for(operation)
        for name in id_names(operation):
            path = world.path_of(operation, **{name: NO_SUCH_THING})
            answer = send(client, operation, path, body_of(operation))
            check_not_found(operation, answer)


def test_wrong_arguments(world: World, served: list[Operation]) -> None:
    """Of arguments that are right but for one; all that are let pass are told at once."""
    passed: list[tuple[str, str, str]] = []
    for operation in expecting(BAD_ARGUMENT, served):
        client = world.client_for(operation)
        path = world.path_of(operation)
        answers = [
            (name, send(client, operation, path, body)) for name, body in wrong_bodies(operation)
        ]
        answers += [
            (name, send(client, operation, f"{path}?{query}"))
            for name, query in wrong_queries(operation)
        ]
        passed += [(operation.id, name, a.text) for name, a in answers if not is_refused(a)]
    assert passed == []


def test_what_is_not_served_says_so(world: World, served: list[Operation]) -> None:
    services = {operation.service for operation in served}
    for operation in load_contract().operations:
        if operation in served:
            continue
        path = re.sub(r"\{\w+\}", "x", operation.template)
        status, kind = error_of(send(world.client_for(operation), operation, path))
        if operation.service in services:
            assert (status, kind) in NOT_SERVED, operation.id
        else:
            assert (status, kind) == (404, "general_route_not_found"), operation.id


def test_everything_is_still_there(world: World, served: list[Operation]) -> None:
    """What was refused changed nothing."""
    for operation in served:
        if operation.names_a_resource and operation.method == "GET":
            answer = send(world.client_for(operation), operation, world.path_of(operation))
            is_without = operation.id == "usersGetMfaRecoveryCodes"
            assert answer.status_code == (404 if is_without else 200), (operation.id, answer.text)


def id_names(operation: Operation) -> list[str]:
    """What must be there; an upsert makes what is not."""
    names = [name for name in parameters_of(operation.template) if name.endswith("Id")]
    is_upsert = operation.id in ("databasesUpsertDocument", "tablesDBUpsertRow")
    return names[:-1] if is_upsert else names


def check_not_found(operation: Operation, answer: Any) -> None:
    assert answer.is_error, (operation.id, answer.request.url, answer.text)
    status, kind = error_of(answer)
    assert status == 404, (operation.id, answer.request.url, answer.text)
    assert kind.endswith("_not_found"), (operation.id, answer.text)
    assert kind != "general_route_not_found", operation.id


def is_refused(answer: Any) -> bool:
    return answer.status_code == 400 and is_of_arguments(answer.json()["type"])
