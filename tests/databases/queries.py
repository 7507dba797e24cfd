"""Queries as the client libraries write them, and what they say in plain Python."""

import json
from collections.abc import Callable, Mapping
from typing import Any

Document = Mapping[str, Any]

NEGATIONS = {
    "notEqual": "equal",
    "notBetween": "between",
    "notStartsWith": "startsWith",
    "notEndsWith": "endsWith",
    "notContains": "contains",
}


def q(method: str, attribute: str | None = None, *values: Any) -> dict[str, Any]:
    """A query."""
    query: dict[str, Any] = {"method": method}
    if attribute is not None:
        query["attribute"] = attribute
    return query | {"values": list(values)}


def args(*queries: Mapping[str, Any]) -> dict[str, str]:
    """Queries as a request has them."""
    return {f"queries[{index}]": json.dumps(query) for index, query in enumerate(queries)}


_OPERATORS: dict[str, Callable[[Any, list[Any]], bool]] = {
    "equal": lambda value, given: value in given,
    "lessThan": lambda value, given: value < given[0],
    "lessThanEqual": lambda value, given: value <= given[0],
    "greaterThan": lambda value, given: value > given[0],
    "greaterThanEqual": lambda value, given: value >= given[0],
    "between": lambda value, given: given[0] <= value <= given[1],
    "startsWith": lambda value, given: value.startswith(given[0]),
    "endsWith": lambda value, given: value.endswith(given[0]),
    "contains": lambda value, given: any(each in value for each in given),
    "containsAny": lambda value, given: any(each in value for each in given),
    "containsAll": lambda value, given: all(each in value for each in given),
}


def fits(document: Document, query: Mapping[str, Any]) -> bool:
    """Whether a filter is true of a document."""
    method, values = query["method"], query.get("values", [])
    if method == "and":
        return all(fits(document, each) for each in values)
    if method == "or":
        return any(fits(document, each) for each in values)
    value = document[query["attribute"]]
    if method == "isNull":
        return value is None
    if method == "isNotNull":
        return value is not None
    if method in NEGATIONS:
        return value is None or not _OPERATORS[NEGATIONS[method]](value, values)
    return value is not None and _OPERATORS[method](value, values)


def answer(documents: list[Document], queries: list[Mapping[str, Any]]) -> tuple[list[str], int]:
    """The ids that a list shows, and its total."""
    by_method = {query["method"]: query for query in queries}
    filters = [query for query in queries if not _is_paging(query)]
    orders = [query for query in queries if query["method"] in ("orderAsc", "orderDesc")]
    ordered = _ordered(documents, orders)
    found = [each for each in ordered if all(fits(each, query) for query in filters)]
    total, limit = len(found), by_method.get("limit", {"values": [25]})["values"][0]
    for method in ("cursorAfter", "cursorBefore"):
        if method in by_method:
            ids = [each["$id"] for each in ordered]
            place = ids.index(by_method[method]["values"][0])
            chosen = ids[place + 1 :] if method == "cursorAfter" else ids[:place]
            found = [each for each in found if each["$id"] in chosen]
    offset = by_method.get("offset", {"values": [0]})["values"][0]
    if "cursorBefore" in by_method:
        found = found[::-1][offset : offset + limit][::-1]
    else:
        found = found[offset : offset + limit]
    return [each["$id"] for each in found], total


def _is_paging(query: Mapping[str, Any]) -> bool:
    return query["method"].startswith(("order", "cursor")) or query["method"] in (
        "limit", "offset", "select",
    )  # fmt: skip


def _ordered(documents: list[Document], orders: list[Mapping[str, Any]]) -> list[Document]:
    last = bool(orders) and orders[-1]["method"] == "orderDesc"
    found = sorted(documents, key=lambda each: each["$sequence"], reverse=last)
    for order in reversed(orders):

        def key(document: Document, name: str = order["attribute"]) -> tuple[bool, Any]:
            value = document[name]
            return (value is not None, 0 if value is None else value)

        found = _stable(found, key, is_descending=order["method"] == "orderDesc")
    return found


def _stable(
    documents: list[Document], key: Callable[[Document], Any], *, is_descending: bool
) -> list[Document]:
    return sorted(documents, key=key, reverse=is_descending)
