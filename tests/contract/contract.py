"""What the contract says: its operations, the answers that they may give, its error types."""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cache, cached_property
from pathlib import Path
from typing import Any

from tests.contract.answers import Answer
from tests.contract.schemas import Schema, Schemas

DATA = Path(__file__).parent / "data"
BASE = "/v1"
ERROR_KEYS = {"message", "code", "type", "version"}
JSON = "application/json"
MULTIPART = "multipart/form-data"

NO_CREDENTIALS = "no credentials"
MISSING_SCOPE = "missing scope"
OTHER_PROJECT = "other project"
NOT_FOUND = "not found"
BAD_ARGUMENT = "bad argument"
CASES = (NO_CREDENTIALS, MISSING_SCOPE, OTHER_PROJECT, NOT_FOUND, BAD_ARGUMENT)

PUBLIC_SCOPES = {"public", "graphql"}
GUEST_SCOPES = PUBLIC_SCOPES | {
    "sessions.write",
    "documents.read",
    "documents.write",
    "rows.read",
    "rows.write",
    "files.read",
    "files.write",
    "locale.read",
    "avatars.read",
    "execution.write",
}
"""What a visitor who is nobody may ask for: permissions decide there, not the role."""

_KEYED = {"attributes": "attribute", "columns": "column", "indexes": "index"}
_RELATED = {
    "account": {"user", "password"},
    "user": {"password"},
    "tablesdb": {"database"},
    "bucket": {"storage"},
    "file": {"storage"},
    "deployment": {"build"},
    "attribute": {"relationship"},
    "column": {"relationship"},
}
"""Error types that name a resource by another word than its path does."""

OURS = {"general_service_unavailable": 503}
"""A server that is full or has lost a part: the contract has no word for it."""

_OF_NO_OPERATION = {"provider_repository_not_found", "provider_contribution_conflict"}
"""Types of repositories, which begin like the types of messaging's providers."""


@dataclass(frozen=True)
class RateLimit:
    """So many requests in so many seconds, counted by each of the keys."""

    limit: int
    period_s: int
    keys: tuple[str, ...]


OF_MANY = {"databasesCreateDocument": "documentList", "tablesDBCreateRow": "rowList"}
"""Operations that take one thing or many, and what they answer to many: the client libraries have
a method of its own for it, which the contract folds into the one."""


@dataclass(frozen=True)
class Operation:
    """One method of one path template.

    Attributes:
        template: with ``/v1``, parameters in braces.
        scopes: any one of them is enough.
        rate_limit: None where there is none.
        audience: of ``client``, ``server``, ``console``.
        credentials: what it takes besides the project: of ``Session``, ``Key``, ``JWT``.
        kind: ``location`` (answers bytes), ``webAuth`` (redirects), ``upload``, ``graphql`` or
            empty.
        contents: media type → schema for each success status; empty for no JSON.
        nouns: what error types of its resources begin with.
        arguments: names in the query and in the body.
        is_deprecated: there is a newer operation for the same.
    """

    id: str
    service: str
    method: str
    template: str
    scopes: frozenset[str]
    rate_limit: RateLimit | None
    audience: frozenset[str]
    credentials: frozenset[str]
    kind: str
    contents: Mapping[int, Mapping[str, Schema]]
    nouns: frozenset[str]
    arguments: frozenset[str]
    is_deprecated: bool

    @property
    def success_statuses(self) -> frozenset[int]:
        """The statuses of answers that are no error."""
        return frozenset(self.contents)

    @property
    def response_schema(self) -> Schema | None:
        """The schema of the success; None where the answer is empty or bytes."""
        schemas = [schema for content in self.contents.values() for schema in content.values()]
        return schemas[0] if schemas else None

    @property
    def segments(self) -> tuple[str, ...]:
        """The template's parts after ``/v1``; a parameter is ``{}``."""
        return shape_of(self.template)

    @property
    def names_a_resource(self) -> bool:
        """Whether its path holds the id or the key of something that may not exist."""
        return any(name == "key" or name.endswith("Id") for name in parameters_of(self.template))

    @property
    def expected_cases(self) -> frozenset[str]:
        """The refusals that tests are to provoke."""
        return frozenset(
            case
            for case, is_expected in (
                (NO_CREDENTIALS, not self.scopes & GUEST_SCOPES),
                (MISSING_SCOPE, "Key" in self.credentials and not self.scopes & PUBLIC_SCOPES),
                (OTHER_PROJECT, self.names_a_resource),
                (NOT_FOUND, self.names_a_resource),
                (BAD_ARGUMENT, bool(self.arguments)),
            )
            if is_expected
        )


class Contract:
    """The document and the names, ready to be asked."""

    def __init__(self, document: Mapping[str, Any], names: Mapping[str, Any]) -> None:
        self.error_types: dict[str, int] = names["error_types"]
        self.scopes: list[str] = names["scopes"]
        self.schemas = Schemas(document["components"]["schemas"])
        operations = [
            _read_operation(method, path, value)
            for path, methods in document["paths"].items()
            for method, value in methods.items()
        ]
        self.operations = _with_nouns(operations, set(self.error_types))
        self.by_id = {operation.id: operation for operation in self.operations}

    @cached_property
    def services(self) -> list[str]:
        """The names of the services, sorted."""
        return sorted({operation.service for operation in self.operations})

    @cached_property
    def types_by_noun(self) -> dict[str, frozenset[str]]:
        """The error types of each noun; a type belongs to the longest noun that it begins with."""
        nouns = {noun for operation in self.operations for noun in operation.nouns}
        owned: dict[str, set[str]] = {noun: set() for noun in nouns}
        for name in set(self.error_types) - _OF_NO_OPERATION:
            owner = max((n for n in nouns if name.startswith(f"{n}_")), key=len, default=None)
            if owner:
                owned[owner].add(name)
        return {noun: frozenset(types) for noun, types in owned.items()}

    def types_of(self, operations: Iterable[Operation]) -> frozenset[str]:
        """The error types that name a resource of these operations."""
        nouns = {noun for operation in operations for noun in operation.nouns}
        return frozenset(name for noun in nouns for name in self.types_by_noun[noun])

    def operation_of(self, method: str, path: str) -> Operation | None:
        """The operation that answers; a literal segment wins over a parameter.

        Args:
            method: HEAD is GET.
            path: with ``/v1``, without a query.
        """
        segments = tuple(path.split("/"))
        method = "GET" if method.upper() == "HEAD" else method.upper()
        fitting = [
            operation
            for operation in self._by_size.get((method, len(segments)), [])
            if _fits(operation.segments, segments)
        ]
        return min(fitting, key=_precedence, default=None)

    def check_answer(
        self, method: str, path: str, status: int, headers: Mapping[str, str], body: bytes
    ) -> list[str]:
        """What of an answer the contract does not allow; empty when all is well.

        Args:
            path: with ``/v1``; a query is cut off.
            headers: names in any case.
        """
        path = path.partition("?")[0]
        if not is_under_base(path) or method.upper() == "OPTIONS":
            return []
        answer = Answer(status, headers, None if method.upper() == "HEAD" else body)
        problems = self._error_problems(answer) if status >= 400 else []
        operation = self.operation_of(method, path)
        if operation is None:
            return problems + _unknown_route_problems(method, path, answer)
        return problems if status >= 400 else self._success_problems(operation, answer)

    @cached_property
    def _by_size(self) -> dict[tuple[str, int], list[Operation]]:
        sizes: dict[tuple[str, int], list[Operation]] = {}
        for operation in self.operations:
            sizes.setdefault((operation.method, len(operation.segments)), []).append(operation)
        return sizes

    def _error_problems(self, answer: Answer) -> list[str]:
        if answer.body is None:
            return []
        problems = _media_type_problems(answer, {JSON})
        error = answer.json
        if not isinstance(error, dict):
            return [*problems, "an error's body is a JSON object"]
        if set(error) != ERROR_KEYS:
            problems.append(f"an error has the keys {sorted(ERROR_KEYS)}, not {sorted(error)}")
        if not _is_text(error.get("message")) or not _is_text(error.get("version")):
            problems.append("an error's message and version are texts that are not empty")
        if type(error.get("code")) is not int or error["code"] != answer.status:
            problems.append(f"code {error.get('code')!r} is not the status {answer.status}")
        return problems + self._type_problems(error.get("type"), answer.status)

    def _type_problems(self, name: object, status: int) -> list[str]:
        expected = (self.error_types | OURS).get(name) if isinstance(name, str) else None
        if expected is None:
            return [f"unknown error type {name!r}"]
        return [] if expected == status else [f"{name} has status {expected}, not {status}"]

    def _success_problems(self, operation: Operation, answer: Answer) -> list[str]:
        if answer.is_part and operation.kind == "location":
            return _bytes_problems(answer)
        if answer.status not in operation.success_statuses:
            expected = ", ".join(str(status) for status in sorted(operation.success_statuses))
            return [f"status {answer.status}; the contract has {expected}"]
        if answer.body is None:
            return []
        if operation.kind == "webAuth":
            return [] if answer.header("location") else ["a redirect names its Location"]
        if operation.kind == "location":
            return _bytes_problems(answer)
        if operation.response_schema is None:
            return ["the body is not empty"] if answer.body else []
        schema = operation.response_schema
        if operation.id in OF_MANY and isinstance(answer.json, dict) and "total" in answer.json:
            schema = {"$ref": f"#/components/schemas/{OF_MANY[operation.id]}"}
        return self._body_problems(schema, operation, answer)

    def _body_problems(self, schema: Schema, operation: Operation, answer: Answer) -> list[str]:
        allowed = {JSON, *operation.contents[answer.status]}
        problems = _media_type_problems(answer, allowed)
        if problems:
            return problems
        if answer.media_type == MULTIPART:
            return self._part_problems(schema, answer)
        if answer.json is None:
            return ["the body is null or not JSON"]
        return self.schemas.problems(schema, answer.json)

    def _part_problems(self, schema: Schema, answer: Answer) -> list[str]:
        """A multipart answer has a part for each required property; its values are all texts."""
        required = self.schemas.required(schema)
        missing = required - answer.part_names
        return [f"no part for {name}" for name in sorted(missing)]


@cache
def load_contract() -> Contract:
    """The contract of the data files, read once."""
    document = json.loads((DATA / "appwrite-1.8.openapi.json").read_text())
    return Contract(document, json.loads((DATA / "appwrite-1.8.names.json").read_text()))


def is_under_base(path: str) -> bool:
    """Whether a path belongs to the contract's part of the site."""
    return path == BASE or path.startswith(f"{BASE}/")


def shape_of(template: str) -> tuple[str, ...]:
    """A path template's segments, parameters as ``{}``."""
    return tuple(re.sub(r"^\{.*\}$", "{}", segment) for segment in template.split("/"))


def parameters_of(template: str) -> list[str]:
    """The names in braces."""
    return re.findall(r"\{(\w+)\}", template)


def _precedence(operation: Operation) -> list[bool]:
    """Literals sort before parameters, segment by segment."""
    return [segment == "{}" for segment in operation.segments]


def _fits(shape: tuple[str, ...], segments: tuple[str, ...]) -> bool:
    pairs = zip(shape, segments, strict=True)
    return all(bool(given) if part == "{}" else part == given for part, given in pairs)


def _is_text(value: object) -> bool:
    return isinstance(value, str) and bool(value)


def _media_type_problems(answer: Answer, allowed: set[str]) -> list[str]:
    if answer.media_type in allowed:
        return []
    return [f"content type {answer.media_type or 'missing'}, not {' or '.join(sorted(allowed))}"]


def _bytes_problems(answer: Answer) -> list[str]:
    return [] if answer.media_type else ["bytes have a content type"]


def _unknown_route_problems(method: str, path: str, answer: Answer) -> list[str]:
    refusals = {"general_route_not_found", "general_not_implemented"}
    if answer.status in (404, 405) and (answer.body is None or answer.error_type in refusals):
        return []
    return [f"{method.upper()} {path} is not in the contract"]


def _read_operation(method: str, path: str, value: Mapping[str, Any]) -> Operation:
    notes = value["x-appwrite"]
    return Operation(
        id=value["operationId"],
        service=value["tags"][0],
        method=method.upper(),
        template=BASE + path,
        scopes=frozenset(_listed(notes["scope"])),
        rate_limit=_read_rate_limit(notes),
        audience=frozenset(value["x-audience"]),
        credentials=frozenset(value["security"][0]) - {"Project"},
        kind=notes["type"],
        contents={
            int(status): {
                kind: media["schema"] for kind, media in answer.get("content", {}).items()
            }
            for status, answer in value["responses"].items()
        },
        nouns=frozenset(),
        arguments=_read_arguments(value),
        is_deprecated=value["deprecated"],
    )


def _read_rate_limit(notes: Mapping[str, Any]) -> RateLimit | None:
    if not notes["rate-limit"]:
        return None
    return RateLimit(notes["rate-limit"], notes["rate-time"], tuple(_listed(notes["rate-key"])))


def _read_arguments(value: Mapping[str, Any]) -> frozenset[str]:
    parameters = value.get("parameters", [])
    names = {parameter["name"] for parameter in parameters if parameter["in"] == "query"}
    for media in value.get("requestBody", {}).get("content", {}).values():
        names |= set(media["schema"].get("properties", {}))
    return frozenset(names)


def _listed(value: str | list[str]) -> list[str]:
    return [value] if isinstance(value, str) else value


def _with_nouns(operations: list[Operation], types: set[str]) -> list[Operation]:
    """The operations, each with the nouns of its path that begin an error type."""
    words = {service: _words(service, operations) for service in {o.service for o in operations}}
    return [
        replace(operation, nouns=_nouns_of(operation, words[operation.service], types))
        for operation in operations
    ]


def _words(service: str, operations: list[Operation]) -> dict[str, str]:
    """Segment → noun: those that some operation of the service puts before a ``{nounId}``."""
    words = dict(_KEYED)
    for operation in operations:
        if operation.service == service:
            pairs = re.findall(r"/([\w-]+)/\{(\w+)Id\}", operation.template)
            words.update(pairs)
    if service == "tablesDB":
        words["indexes"] = "column_index"
    return words


def _nouns_of(operation: Operation, words: Mapping[str, str], types: set[str]) -> frozenset[str]:
    segments = operation.template.split("/")[2:]
    nouns = {words[segment] for segment in segments if segment in words}
    nouns |= {segments[0], segments[0].removesuffix("s")}
    nouns |= {related for noun in set(nouns) for related in _RELATED.get(noun, ())}
    return frozenset(n for n in nouns if any(name.startswith(f"{n}_") for name in types))
