"""One change of documents as data, so that it can be done now, or staged and done again later."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from raindrop.core.access import Actor
from raindrop.core.formats import UNIQUE, new_id
from raindrop.databases import bulk, documents
from raindrop.databases.documents import Document
from raindrop.databases.schema import Schema


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


def _own_id(given: Any) -> Any:
    return new_id() if given is None or given == UNIQUE else given


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
