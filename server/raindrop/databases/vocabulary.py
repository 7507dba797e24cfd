"""The two sets of words of the contract over one service: ``databases`` speaks of collections,
attributes and documents, ``tablesDB`` of tables, columns and rows.

The room thinks in the first; what comes in and goes out in the second is translated here.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, TypeVar

from flask import Blueprint, Flask, Response, request

from raindrop.core.credentials import current_service
from raindrop.core.errors import AppError, answer_error
from raindrop.core.http import read_fields
from raindrop.core.v1 import V1Model, validate

F = TypeVar("F", bound=Callable[..., Any])
V = TypeVar("V", bound=V1Model)

_TYPES = {
    "collection": "table",
    "document": "row",
    "attribute": "column",
    "index": "column_index",
    "general_attribute_query_limit_exceeded": "general_column_query_limit_exceeded",
}


@dataclass(frozen=True, eq=False)
class Words:
    """One set of words.

    Attributes:
        service: the contract's name of the service, and the blueprint's.
        fields: names of arguments and answers in these words, by those of ``databases``.
    """

    service: str
    prefix: str
    collections: str
    attributes: str
    documents: str
    kind: str
    fields: Mapping[str, str] = field(default_factory=dict)

    @cached_property
    def _inward(self) -> Mapping[str, str]:
        return {theirs: ours for ours, theirs in self.fields.items()}

    @property
    def form(self) -> str:
        """Tells answers of the current request from those in other words or another form."""
        return f"{self.service}{'+' if shows_sequence_as_text() else ''}"

    def name(self, ours: str) -> str:
        """A field's name in these words."""
        return self.fields.get(ours, ours)

    def say(self, text: str) -> str:
        """A message in these words."""
        if not self.fields:
            return text
        for ours, theirs in _NOUNS:
            text = re.sub(rf"\b(an? )?{ours}", lambda m, t=theirs: _article(m[1], t), text)  # type: ignore[misc]
        return text

    def outward(self, answer: dict[str, Any]) -> dict[str, Any]:
        """An answer's fields in these words."""
        if not self.fields:
            return answer
        return {self.fields.get(name, name): value for name, value in answer.items()}

    def show_document(self, document: dict[str, Any]) -> dict[str, Any]:
        """A document in these words; changed in place."""
        return self.show_documents([document])[0]

    def show_documents(self, documents: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Documents in these words, with the documents that are loaded in them; changed in place.

        Their own values keep their keys, whatever those are.
        """
        has_text = shows_sequence_as_text()
        if self.fields or has_text:
            for document in documents:
                self._rename(document, has_text=has_text)
        return documents

    def _rename(self, document: dict[str, Any], *, has_text: bool) -> None:
        if self.fields:
            document["$tableId"] = document.pop("$collectionId")
        if has_text:
            document["$sequence"] = str(document["$sequence"])
        for key, value in document.items():
            if key[0] == "$":
                continue
            for each in value if isinstance(value, list) else (value,):
                if isinstance(each, dict):  # no value of a document's own is one
                    self._rename(each, has_text=has_text)

    def parse_body(self, model: type[V]) -> V:
        """The body as a typed object, whose fields are named in the words of ``databases``.

        Raises:
            BadRequest
        """
        given = self.inward(read_fields()).items()
        return validate(model, {name: value for name, value in given if value is not None})

    def inward(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """Fields of these words in the words of ``databases``."""
        return {self._inward.get(name, name): value for name, value in given.items()}


_NOUNS = (
    ("collection", "table"), ("attribute", "column"), ("document", "row"),
    ("Collection", "Table"), ("Attribute", "Column"), ("Document", "Row"),
)  # fmt: skip


def _article(article: str | None, noun: str) -> str:
    if article is None:
        return noun
    return ("A " if article[0] == "A" else "a ") + noun


DATABASES = Words("databases", "/v1/databases", "collections", "attributes", "documents", "legacy")
TABLES = Words(
    "tablesdb",
    "/v1/tablesdb",
    "tables",
    "columns",
    "rows",
    "tablesdb",
    {
        "collectionId": "tableId",
        "$collectionId": "$tableId",
        "collections": "tables",
        "documentSecurity": "rowSecurity",
        "attributes": "columns",
        "documents": "rows",
        "documentId": "rowId",
        "relatedCollectionId": "relatedTableId",
        "relatedCollection": "relatedTable",
    },
)
_BY_SERVICE = {words.service: words for words in (DATABASES, TABLES)}


def shows_sequence_as_text() -> bool:
    """Whether the client asks for a form of answers after 1.8, in which ``$sequence`` is a text."""
    match = re.match(r"(\d{1,3})\.(\d{1,3})", request.headers.get("X-Appwrite-Response-Format", ""))
    return match is not None and (int(match[1]), int(match[2])) > (1, 8)


def current_words() -> Words:
    """The words in which the request asks."""
    return _BY_SERVICE[current_service()]


class BothWords:
    """A part of the room's routes, in both sets of words.

    Rules hold ``{collections}``, ``{attributes}``, ``{documents}`` in place of those words.
    """

    def __init__(self, name: str) -> None:
        self._blueprints = {
            words: Blueprint(f"{words.service}_{name}", __name__, url_prefix=words.prefix)
            for words in (DATABASES, TABLES)
        }
        for blueprint in self._blueprints.values():
            blueprint.register_error_handler(AppError, _answer)

    def route(
        self, method: str, rule: str, name: str = "", *, only: Words | None = None
    ) -> Callable[[F], F]:
        """Register a view for a method and rule.

        Args:
            name: of the endpoint; the view's when not given.
            only: the words in which the contract has it, where it is one set.
        """

        def register(view: F) -> F:
            for words, blueprint in self._blueprints.items():
                if only not in (None, words):
                    continue
                own = (
                    rule.replace("{collections}", words.collections)
                    .replace("{attributes}", words.attributes)
                    .replace("{documents}", words.documents)
                )
                blueprint.add_url_rule(own, name or view.__name__, view, methods=[method])
            return view

        return register

    def each(self, add: Callable[[Blueprint, Words], None]) -> None:
        """Do something to both blueprints."""
        for words, blueprint in self._blueprints.items():
            add(blueprint, words)

    def init_app(self, app: Flask) -> None:
        """Register both blueprints."""
        for blueprint in self._blueprints.values():
            app.register_blueprint(blueprint)


def _answer(error: AppError) -> Response:
    words = current_words()
    if words is TABLES:
        kind = error.type
        noun, _, rest = kind.partition("_")
        error.type = _TYPES.get(kind) or (f"{_TYPES[noun]}_{rest}" if noun in _TYPES else kind)
        error.message = words.say(error.message)
    return answer_error(error)
