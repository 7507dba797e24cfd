"""One change of documents as data, so that it can be done now, or staged and done again later."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from pydantic import ConfigDict, Field

from raindrop.core.access import Actor
from raindrop.core.errors import AppError
from raindrop.core.formats import new_id
from raindrop.core.v1 import UNIQUE, NewId, Text, V1Model, validate
from raindrop.databases import bulk, documents
from raindrop.databases.documents import Document
from raindrop.databases.errors import TransactionInvalid
from raindrop.databases.schema import Schema
from raindrop.databases.schemas_documents import (
    Decrease,
    DocumentChange,
    DocumentsChange,
    Increase,
)

Action = Literal[
    "create", "update", "upsert", "delete", "increment", "decrement",
    "bulkCreate", "bulkUpdate", "bulkUpsert", "bulkDelete",
]  # fmt: skip


@dataclass(frozen=True)
class Step:
    """A change of one document or, by the ``bulk`` actions, of many.

    Attributes:
        database, collection, document: public ids; ``document`` is empty for ``bulk``.
        arguments: what the service takes besides, as JSON: ``data``, ``permissions``; of numbers
            ``attribute``, ``value``, ``limit``; of many ``documents`` or ``queries``.
    """

    action: str
    database: str
    collection: str
    document: str = ""
    arguments: Mapping[str, Any] = field(default_factory=dict)


class GivenOperation(V1Model):
    """An operation as callers write it, in the words of ``databases``."""

    model_config = ConfigDict(strict=True, extra="ignore")

    action: Action
    databaseId: Text  # noqa: N815  # the contract's names
    collectionId: Text  # noqa: N815
    documentId: NewId | None = None  # noqa: N815
    data: dict[str, Any] | list[dict[str, Any]] = Field(default_factory=dict)


def perform(actor: Actor, step: Step) -> list[Document]:
    """Do it; the documents that it is about, as they are now, or were before they were deleted.

    Raises:
        whatever the service of its action does.
    """
    schema = documents.open_schema(actor, step.database, step.collection)
    return _PERFORMERS[step.action](actor, schema, step)


def with_ids(step: Step) -> Step:
    """The same with an id for each of many documents, so that it makes the same ones whenever it
    is done."""
    if "documents" not in step.arguments:
        return step
    made = [{**each, "$id": _own_id(each.get("$id"))} for each in step.arguments["documents"]]
    return replace(step, arguments={**step.arguments, "documents": made})


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


def _own_id(given: Any) -> Any:
    return new_id() if given is None or given == UNIQUE else given


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


def _create(actor: Actor, schema: Schema, step: Step) -> list[Document]:
    data, permissions = step.arguments["data"], step.arguments["permissions"]
    return [documents.create_document(actor, schema, step.document, data, permissions)]


def _update(actor: Actor, schema: Schema, step: Step) -> list[Document]:
    data, permissions = step.arguments["data"], step.arguments["permissions"]
    return [documents.update_document(actor, schema, step.document, data, permissions)]


def _upsert(actor: Actor, schema: Schema, step: Step) -> list[Document]:
    data, permissions = step.arguments["data"], step.arguments["permissions"]
    return [documents.upsert_document(actor, schema, step.document, data, permissions)]


def _delete(actor: Actor, schema: Schema, step: Step) -> list[Document]:
    documents.delete_document(actor, schema, step.document)
    return []


def _count(actor: Actor, schema: Schema, step: Step) -> list[Document]:
    value = step.arguments["value"]
    return [
        documents.change_number(
            actor,
            schema,
            step.document,
            step.arguments["attribute"],
            change=value if step.action == "increment" else -value,
            limit=step.arguments["limit"],
        )
    ]


_PERFORMERS: dict[str, Callable[[Actor, Schema, Step], list[Document]]] = {
    "create": _create,
    "update": _update,
    "upsert": _upsert,
    "delete": _delete,
    "increment": _count,
    "decrement": _count,
    "bulkCreate": lambda actor, schema, step: bulk.create_documents(
        actor, schema, step.arguments["documents"]
    ),
    "bulkUpsert": lambda actor, schema, step: bulk.upsert_documents(
        actor, schema, step.arguments["documents"]
    ),
    "bulkUpdate": lambda actor, schema, step: bulk.update_documents(
        actor, schema, step.arguments["data"], step.arguments["queries"]
    ),
    "bulkDelete": lambda actor, schema, step: bulk.delete_documents(
        actor, schema, step.arguments["queries"]
    ),
}
