"""The contract's document as schemathesis takes it: what is served, with ids that exist."""

import json
from collections.abc import Callable
from typing import Any

from tests.contract.contract import BASE, DATA, OF_MANY, OURS, Contract, Operation
from tests.contract.world import NO_SUCH_THING, World

Document = dict[str, Any]


def cut_document(
    contract: Contract, is_wanted: Callable[[Operation], bool], world: World
) -> Document:
    """The document with the wanted operations only, and with the envelope of their refusals.

    Paths lead to things that are there; those of operations that delete lead to none, so that
    the things stay for the others: left to itself, schemathesis finds them in the answers.
    """
    document: Document = json.loads((DATA / "appwrite-1.8.openapi.json").read_text())
    paths: Document = {}
    for path, methods in document["paths"].items():
        for method, notes in methods.items():
            operation = contract.by_id[notes["operationId"]]
            if is_wanted(operation):
                paths.setdefault(path, {})[method] = _operation(notes, operation, contract, world)
    document |= {"paths": paths, "servers": [{"url": BASE}]}
    document["components"] = {"schemas": _nullable(document["components"]["schemas"])}
    return document


def _operation(notes: Document, operation: Operation, contract: Contract, world: World) -> Document:
    found: Document = _nullable(notes)
    del found["security"]  # the run's own headers say who asks
    found["responses"]["default"] = _refusal(contract)
    if operation.id in OF_MANY:
        media = found["responses"]["201"]["content"]["application/json"]
        many = {"$ref": f"#/components/schemas/{OF_MANY[operation.id]}"}
        media["schema"] = {"anyOf": [media["schema"], many]}
    for parameter in found.get("parameters", []):
        if parameter["in"] == "path":
            is_kept = operation.method == "DELETE" and parameter["name"].endswith("Id")
            known = NO_SUCH_THING if is_kept else world.id_for(operation, parameter["name"])
            parameter["schema"] = {"type": "string", "enum": [known]}
        if parameter["schema"].get("type") == "array":
            parameter["name"] += "[]"
    return found


def _refusal(contract: Contract) -> Document:
    """What every answer is that is no success."""
    fields = {
        "message": {"type": "string", "minLength": 1},
        "code": {"type": "integer"},
        "type": {"type": "string", "enum": sorted(contract.error_types | OURS)},
        "version": {"type": "string", "minLength": 1},
    }
    schema = {
        "type": "object",
        "properties": fields,
        "required": list(fields),
        "additionalProperties": False,
    }
    return {"description": "", "content": {"application/json": {"schema": schema}}}


def _nullable(value: Any) -> Any:
    """A copy with the document's own word for null in OpenAPI's, all the way down."""
    if isinstance(value, list):
        return [_nullable(each) for each in value]
    if not isinstance(value, dict):
        return value
    found = {name: _nullable(each) for name, each in value.items()}
    if "oneOf" in found:  # the kinds of attributes overlap: what is one of them may fit another
        found["anyOf"] = found.pop("oneOf")
    if found.pop("x-nullable", False):
        found["nullable"] = True
    return found
