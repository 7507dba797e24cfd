"""Every list that is served, as client libraries ask for it: counts, pages, both spellings."""

import json
import re
from typing import Any

import pytest

from tests.contract.contract import Operation, load_contract
from tests.contract.recorder import ContractClient
from tests.contract.report import make_app
from tests.contract.routes import served_operations
from tests.contract.world import World
from tests.support.site import Site

pytestmark = pytest.mark.contract

TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+00:00")
LOGS = re.compile(r"Logs$")


@pytest.fixture(scope="module")
def lists(tmp_path_factory: pytest.TempPathFactory) -> list[Operation]:
    contract = load_contract()
    names = served_operations(make_app(tmp_path_factory.mktemp("var")), contract)
    return [o for o in contract.operations if o.id in names and is_list(o)]


@pytest.fixture(scope="module")
def world(running_site: Site) -> World:
    return World(running_site)


def is_list(operation: Operation) -> bool:
    schema = operation.response_schema or {}
    return operation.method == "GET" and str(schema.get("$ref", "")).endswith("List")


def client_and_path(world: World, operation: Operation) -> tuple[ContractClient, str]:
    return world.client_for(operation), world.path_of(operation)


def ask(client: ContractClient, path: str, **arguments: Any) -> tuple[int, list[dict[str, Any]]]:
    answer = client.get(path, params=arguments)
    assert answer.status_code == 200, (path, arguments, answer.text)
    total = answer.json().pop("total")
    (rows,) = (rows for name, rows in answer.json().items() if name != "total")
    return total, rows


def query(method: str, *values: Any) -> str:
    return json.dumps({"method": method, "values": list(values)})


def test_a_total_that_is_not_wanted_is_0(world: World, lists: list[Operation]) -> None:
    asked = [operation for operation in lists if "total" in operation.arguments]
    assert len(asked) > 10
    for operation in asked:
        client, path = client_and_path(world, operation)
        total, rows = ask(client, path, total="true")
        without, same = ask(client, path, total="false")
        assert without == 0, operation.id
        if not LOGS.search(operation.id):  # they fill while we look
            assert total == len(rows), operation.id
            assert same == rows, operation.id


def test_both_spellings_of_queries(world: World, lists: list[Operation]) -> None:
    """``queries[0]=`` and ``queries[]=``, of which client libraries send one or the other."""
    for operation in (each for each in lists if "queries" in each.arguments):
        client, path = client_and_path(world, operation)
        for name in ("queries[0]", "queries[]"):
            total, rows = ask(client, path, **{name: query("limit", 1)})
            assert (len(rows), total >= len(rows)) == (min(total, 1), True), operation.id
        both = {"queries[]": [query("limit", 5), query("offset", 5000)]}
        assert ask(client, path, **both)[1] == [], operation.id


def test_cursors(world: World, lists: list[Operation]) -> None:
    """A page behind the last row is empty, and so is one before the first."""
    asked = [each for each in lists if "queries" in each.arguments and not LOGS.search(each.id)]
    assert len(asked) > 5
    for operation in asked:
        client, path = client_and_path(world, operation)
        total, rows = ask(client, path)
        if not rows:
            continue
        for method, row in (("cursorAfter", rows[-1]), ("cursorBefore", rows[0])):
            found = ask(
                client, path, **{"queries[]": query(method, row.get("$id", row.get("key")))}
            )
            assert found == (total, []), operation.id


def test_empty_lists(world: World, lists: list[Operation], running_site: Site) -> None:
    """A filter that fits nothing, where the list has one."""
    by_id = json.dumps({"method": "equal", "attribute": "$id", "values": ["nothing"]})
    asked = [each for each in lists if "queries" in each.arguments and not LOGS.search(each.id)]
    for operation in asked:
        client, path = client_and_path(world, operation)
        assert ask(client, path, **{"queries[0]": by_id}) == (0, []), operation.id


def test_times_are_of_one_form(world: World, lists: list[Operation]) -> None:
    seen = 0
    for operation in lists:
        client, path = client_and_path(world, operation)
        for row in ask(client, path)[1]:
            for name in ("$createdAt", "$updatedAt", "expire", "time", "registration"):
                if row.get(name):
                    seen += 1
                    assert TIME.fullmatch(row[name]), (operation.id, name, row[name])
    assert seen > 20
