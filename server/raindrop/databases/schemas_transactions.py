"""What the operations of transactions take."""

from collections.abc import Callable, Mapping
from typing import Any, Literal

from pydantic import Field

from raindrop.core.errors import AppError
from raindrop.core.formats import new_id
from raindrop.core.v1 import NewId, Text, V1Model, validate
from raindrop.databases.errors import TransactionInvalid
from raindrop.databases.operations import Step
from raindrop.databases.schemas_documents import (
    Decrease,
    DocumentChange,
    DocumentsChange,
    Increase,
)
from raindrop.databases.transactions import TTL_DEFAULT_S, TTL_MAX_S, TTL_MIN_S


class NewTransaction(V1Model):
    """A transaction; ``ttl`` in seconds."""

    ttl: int = Field(TTL_DEFAULT_S, ge=TTL_MIN_S, le=TTL_MAX_S)


class TransactionChange(V1Model):
    """The end of a transaction: exactly one of the two."""

    commit: bool = False
    rollback: bool = False


class NewOperations(V1Model):
    """Operations to stage."""

    operations: list[dict[str, Any]] = Field(min_length=1)


class TransactionQueries(V1Model):
    """What the list takes."""

    queries: list[str] = Field(default_factory=list)


Action = Literal[
    "create", "update", "upsert", "delete", "increment", "decrement",
    "bulkCreate", "bulkUpdate", "bulkUpsert", "bulkDelete",
]  # fmt: skip


class GivenOperation(V1Model):
    """An operation as callers write it, in the words of ``databases``."""

    action: Action
    databaseId: Text  # noqa: N815  # the contract's names
    collectionId: Text  # noqa: N815
    documentId: NewId | None = None  # noqa: N815
    data: dict[str, Any] | list[dict[str, Any]] = Field(default_factory=dict)


def read_operation(given: Mapping[str, Any]) -> Step:
    """An operation of a list of them.

    Raises:
        TransactionInvalid: it is none.
    """
    try:
        operation = validate(GivenOperation, {k: v for k, v in given.items() if v is not None})
        arguments = _ARGUMENTS[operation.action](operation)
    except AppError as error:
        raise TransactionInvalid(error.message) from None
    document = operation.documentId or (new_id() if operation.action == "create" else "")
    is_bulk = operation.action.startswith("bulk")
    if not document and not is_bulk:
        raise TransactionInvalid(f"{operation.action}: documentId is missing")
    where = (operation.databaseId, operation.collectionId, "" if is_bulk else document)
    return Step(operation.action, *where, arguments)


def _fields(operation: GivenOperation) -> dict[str, Any]:
    if not isinstance(operation.data, dict):
        raise TransactionInvalid(f"{operation.action}: data must be an object")
    return operation.data


def _document_arguments(operation: GivenOperation) -> dict[str, Any]:
    fields = _fields(operation)
    values = {key: value for key, value in fields.items() if key != "$permissions"}
    change = validate(DocumentChange, {"permissions": fields.get("$permissions")})
    return {"data": values, "permissions": change.permissions}


def _number_arguments(operation: GivenOperation) -> dict[str, Any]:
    """``data`` names the attribute, as ``attribute`` or ``column``, and by how much."""
    fields = _fields(operation)
    bound = "max" if operation.action == "increment" else "min"
    given = {"value": fields.get("value", 1), bound: fields.get(bound)}
    model = Increase if operation.action == "increment" else Decrease
    body: Any = validate(model, {name: value for name, value in given.items() if value is not None})
    attribute = fields.get("attribute", fields.get("column"))
    if not isinstance(attribute, str):
        raise TransactionInvalid(f"{operation.action}: data must name the attribute")
    return {"attribute": attribute, "value": body.value, "limit": getattr(body, bound)}


def _many_arguments(operation: GivenOperation) -> dict[str, Any]:
    if not isinstance(operation.data, list):
        raise TransactionInvalid(f"{operation.action}: data must be an array of documents")
    return {"documents": operation.data}


def _choice_arguments(operation: GivenOperation) -> dict[str, Any]:
    fields = _fields(operation)
    body = validate(
        DocumentsChange, {"data": fields.get("data", {}), "queries": fields.get("queries", [])}
    )
    return {"data": body.data or {}, "queries": body.queries}


_ARGUMENTS: dict[str, Callable[[GivenOperation], dict[str, Any]]] = {
    "create": _document_arguments,
    "update": _document_arguments,
    "upsert": _document_arguments,
    "delete": lambda _: {},
    "increment": _number_arguments,
    "decrement": _number_arguments,
    "bulkCreate": _many_arguments,
    "bulkUpsert": _many_arguments,
    "bulkUpdate": _choice_arguments,
    "bulkDelete": _choice_arguments,
}
