"""One change of documents as data, so that it can be done now, or staged and done again later."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from pydantic import ConfigDict, Field

from raindrop.core.access import Actor
from raindrop.core.errors import AppError
from raindrop.core.formats import new_id
from raindrop.core.v1 import NewId, Text, V1Model, validate
from raindrop.databases import bulk, documents
from raindrop.databases.documents import Document
from raindrop.databases.errors import TransactionInvalid
from raindrop.databases.schema import Schema

Action = Literal["create", "update", "delete"]


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


def read_operation(given: Mapping[str, Any]) -> Step:
    """An operation of a list of them.

    Raises:
        TransactionInvalid: it is none.
    """
    try:
        operation = validate(GivenOperation, {k: v for k, v in given.items() if v is not None})
    except AppError as error:
        raise TransactionInvalid(error.message) from None
    action, data = operation.action, operation.data
    if not isinstance(data, dict):
        raise TransactionInvalid(f"{action}: data must be an object")
    document = operation.documentId or (new_id() if action == "create" else "")
    if not document:
        raise TransactionInvalid(f"{action}: documentId is missing")
    values = {key: value for key, value in data.items() if key != "$permissions"}
    arguments = {"data": values, "permissions": data.get("$permissions")}
    return Step(action, operation.databaseId, operation.collectionId, document, arguments)


def _create(actor: Actor, schema: Schema, step: Step) -> list[Document]:
    data, permissions = step.arguments["data"], step.arguments["permissions"]
    return [documents.create_document(actor, schema, step.document, data, permissions)]


def _update(actor: Actor, schema: Schema, step: Step) -> list[Document]:
    data, permissions = step.arguments["data"], step.arguments["permissions"]
    return [documents.update_document(actor, schema, step.document, data, permissions)]


def _delete(actor: Actor, schema: Schema, step: Step) -> list[Document]:
    documents.delete_document(actor, schema, step.document)
    return []


def _upsert(actor: Actor, schema: Schema, step: Step) -> list[Document]:
    data, permissions = step.arguments["data"], step.arguments["permissions"]
    return [documents.upsert_document(actor, schema, step.document, data, permissions)]


def _count(sign: int) -> "Callable[[Actor, Schema, Step], list[Document]]":
    def count(actor: Actor, schema: Schema, step: Step) -> list[Document]:
        given = step.arguments
        change, limit = sign * given["value"], given["limit"]
        return [
            documents.change_number(
                actor, schema, step.document, given["attribute"], change=change, limit=limit
            )
        ]

    return count


_PERFORMERS: dict[str, Callable[[Actor, Schema, Step], list[Document]]] = {
    "create": _create,
    "update": _update,
    "upsert": _upsert,
    "delete": _delete,
    "increment": _count(1),
    "decrement": _count(-1),
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
