"""What the app serves under /v1 is what the contract has, with its scopes and rate limits."""

import re
from collections.abc import Iterator

import pytest
from flask import Flask

from raindrop.config import HOME
from tests.contract.contract import Contract, Operation, load_contract
from tests.contract.report import make_app
from tests.contract.routes import extra_routes, served_operations, served_views

pytestmark = pytest.mark.contract


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Flask:
    return make_app(tmp_path_factory.mktemp("var"))


@pytest.fixture(scope="module")
def contract() -> Contract:
    return load_contract()


def test_every_route_under_v1_is_in_the_contract(app: Flask, contract: Contract) -> None:
    assert extra_routes(app, contract) == []


def test_every_operation_asks_for_its_scope(app: Flask, contract: Contract) -> None:
    wrong = {
        operation.id: getattr(view, "allowed_scopes", None)
        for operation, view in views(app, contract)
        if not is_scope_asked(operation, set(getattr(view, "allowed_scopes", ())))
    }
    assert wrong == {}


def is_scope_asked(operation: Operation, allowed: set[str]) -> bool:
    """Databases are asked for in two sets of words: the scope of either is enough in both."""
    if operation.service != "databases":
        return allowed == operation.scopes
    twins = {"collections": "tables", "documents": "rows", "tables": "collections"}
    others = {
        f"{twins.get(noun, noun)}.{verb}"
        for noun, _, verb in (scope.partition(".") for scope in operation.scopes)
    }
    both = operation.scopes | others | {scope.replace("rows", "documents") for scope in others}
    return operation.scopes <= allowed <= both | {s.replace("rows", "documents") for s in both}


def test_every_operation_has_its_rate_limit(app: Flask, contract: Contract) -> None:
    wrong = {
        operation.id: getattr(view, "rate_limit", None)
        for operation, view in views(app, contract)
        if getattr(view, "rate_limit", None) != asked(operation)
    }
    assert wrong == {}


def test_what_the_document_says_of_each_service(app: Flask, contract: Contract) -> None:
    text = (HOME / "docs" / "compatibility.md").read_text()
    told = re.findall(r"^\| (\w+) \| (\d+) of (\d+) \|", text, re.MULTILINE)
    served = served_operations(app, contract)
    counted = {
        service: (
            sum(o.service == service for o in map(contract.by_id.get, served) if o),
            sum(o.service == service for o in contract.operations),
        )
        for service in contract.services
    }
    assert {name: (int(done), int(all_)) for name, done, all_ in told} == {
        service: numbers for service, numbers in counted.items() if numbers[0]
    }


def views(app: Flask, contract: Contract) -> Iterator[tuple[Operation, object]]:
    found = list(served_views(app, contract))
    assert found
    return iter(found)


def asked(operation: Operation) -> tuple[int, int, tuple[str, ...]] | None:
    limit = operation.rate_limit
    return (limit.limit, limit.period_s, limit.keys) if limit else None
