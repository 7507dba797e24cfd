"""The contract's query strings over plain tables: parse, check, apply, page, count.

A query is a JSON text ``{"method": …, "attribute": …, "values": […]}`` as the client libraries'
``Query`` class writes it.
"""

import datetime
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, TypeVar

import sqlalchemy as sa
from sqlalchemy.orm import InstrumentedAttribute

from raindrop.core.db import db
from raindrop.core.errors import AppError
from raindrop.core.tenancy import Project, Tenant, TenantRow, rows_of

QUERIES_MAX = 100
LENGTH_MAX = 4096
VALUES_MAX = 100
DEPTH_MAX = 3
LIMIT_DEFAULT, LIMIT_MAX = 25, 5000
TOTAL_MAX = 5000
"""Totals are exact up to here, as in the contract's original."""

R = TypeVar("R", bound=TenantRow)
S = TypeVar("S", bound="TenantRow | Project")
Column = InstrumentedAttribute[Any]


class QueryInvalid(AppError):
    """A query is no query, or not one for this list."""

    type = "general_query_invalid"
    status = HTTPStatus.BAD_REQUEST


class CursorNotFound(AppError):
    """The row that a page shall begin behind is not there."""

    type = "general_cursor_not_found"
    status = HTTPStatus.BAD_REQUEST
    message = "The row of the cursor is not there; begin from the first page."


@dataclass(frozen=True)
class Query:
    """One query; ``nested`` of ``and`` and ``or``."""

    method: str
    attribute: str
    values: tuple[Any, ...]
    nested: tuple["Query", ...] = ()


@dataclass(frozen=True)
class Page:
    """The parts of a list's queries."""

    filters: tuple[Query, ...] = ()
    orders: tuple[Query, ...] = ()
    limit: int = LIMIT_DEFAULT
    offset: int = 0
    cursor: Query | None = None
    selects: tuple[Query, ...] = ()
    has_limit: bool = False


@dataclass(frozen=True)
class Grammar:
    """What a list understands beyond what every list does.

    Attributes:
        filters: further methods that are filters; who names them checks their values.
        too_many_values: what a query with more than ``VALUES_MAX`` values raises.
    """

    filters: frozenset[str] = frozenset()
    too_many_values: type[AppError] = QueryInvalid


COMMON = Grammar()


_NO_VALUES = {"isNull", "isNotNull", "orderAsc", "orderDesc", "orderRandom"}
_LOGICAL = {"and", "or"}
_PAGING = {"limit", "offset", "cursorAfter", "cursorBefore"}

_OPERATORS: dict[str, Callable[[Column, Sequence[Any]], sa.ColumnElement[bool]]] = {
    "equal": lambda column, values: column.in_(values),
    "notEqual": lambda column, values: sa.or_(column != values[0], column.is_(None)),
    "lessThan": lambda column, values: column < values[0],
    "lessThanEqual": lambda column, values: column <= values[0],
    "greaterThan": lambda column, values: column > values[0],
    "greaterThanEqual": lambda column, values: column >= values[0],
    "between": lambda column, values: column.between(values[0], values[1]),
    "notBetween": lambda column, values: ~column.between(values[0], values[1]),
    "isNull": lambda column, _: column.is_(None),
    "isNotNull": lambda column, _: column.is_not(None),
    "startsWith": lambda column, values: column.startswith(values[0], autoescape=True),
    "notStartsWith": lambda column, values: ~column.startswith(values[0], autoescape=True),
    "endsWith": lambda column, values: column.endswith(values[0], autoescape=True),
    "notEndsWith": lambda column, values: ~column.endswith(values[0], autoescape=True),
    "contains": lambda column, values: sa.or_(
        *(column.contains(value, autoescape=True) for value in values)
    ),
    "notContains": lambda column, values: (
        ~sa.or_(*(column.contains(value, autoescape=True) for value in values))
    ),
    "search": lambda column, values: column.contains(values[0], autoescape=True),
}
_LIST_OPERATORS: dict[str, Callable[[Column, Sequence[Any]], sa.ColumnElement[bool]]] = {
    "contains": lambda column, values: sa.or_(*(holds(column, value) for value in values)),
    "notContains": lambda column, values: ~sa.or_(*(holds(column, value) for value in values)),
}
"""For a column of JSON lists of texts: whether one of the texts is among them."""

_TEXTUAL = {
    "startsWith", "notStartsWith", "endsWith", "notEndsWith", "contains", "notContains", "search",
}  # fmt: skip
_COUNTS = {"between": 2, "notBetween": 2}
_MANY = {"equal", "contains", "notContains"}


def parse_queries(texts: Sequence[str], grammar: Grammar = COMMON) -> Page:
    """The queries of a list.

    Args:
        grammar: with filters besides, also ``orderRandom`` is among the orders.

    Raises:
        QueryInvalid: too many, too long, too deep, or not what the client libraries write.
    """
    if len(texts) > QUERIES_MAX:
        raise QueryInvalid(f"At most {QUERIES_MAX} queries.")
    queries = [_parse(text, grammar) for text in texts]
    filters = [q for q in queries if _is_filter(q.method, grammar)]
    orders = [q for q in queries if q.method in ("orderAsc", "orderDesc")]
    if grammar.filters:
        orders += [q for q in queries if q.method == "orderRandom"]
    cursors = [q for q in queries if q.method.startswith("cursor")]
    if len(cursors) > 1:
        raise QueryInvalid("At most one cursor.")
    return Page(
        filters=tuple(filters),
        orders=tuple(orders),
        limit=_whole(queries, "limit", LIMIT_DEFAULT, 1, LIMIT_MAX),
        offset=_whole(queries, "offset", 0, 0, 10**9),
        cursor=cursors[0] if cursors else None,
        selects=tuple(q for q in queries if q.method == "select"),
        has_limit=any(q.method == "limit" for q in queries),
    )


def list_rows(
    model: type[R],
    tenant: Tenant,
    queries: Sequence[str],
    columns: Mapping[str, Column],
    *,
    where: Sequence[sa.ColumnElement[bool]] = (),
    search: str = "",
    searched: Sequence[Column] = (),
    is_counted: bool = True,
) -> tuple[Sequence[R], int]:
    """The rows of a project that fit the queries, oldest first unless they say otherwise, and how
    many there are (0 when not counted).

    Args:
        columns: what may be asked for, by the contract's name; ``$id``, ``$createdAt`` and
            ``$updatedAt`` are there by themselves.
        where: what holds besides.
        searched: where the search text is looked for.

    Raises:
        QueryInvalid, CursorNotFound
    """
    return list_selected(
        rows_of(model, tenant),
        model,
        queries,
        columns,
        where=where,
        search=search,
        searched=searched,
        is_counted=is_counted,
    )


def list_selected(
    rows: "sa.Select[S]",
    model: type[S],
    queries: Sequence[str],
    columns: Mapping[str, Column],
    *,
    where: Sequence[sa.ColumnElement[bool]] = (),
    search: str = "",
    searched: Sequence[Column] = (),
    is_counted: bool = True,
) -> tuple[Sequence[S], int]:
    """The same over rows that are of no project, such as projects themselves.

    Args:
        rows: those that the actor may see.
    """
    known = {
        "$id": model.public_id, "$createdAt": model.created_at, "$updatedAt": model.updated_at,
        **columns,
    }  # fmt: skip
    page = parse_queries(queries)
    base = rows.where(*where, *(_condition(q, known) for q in page.filters))
    if search:
        base = base.where(sa.or_(*(c.contains(search, autoescape=True) for c in searched)))
    total = count_up_to(base) if is_counted else 0
    orders = [(known_column(q.attribute, known), q.method == "orderDesc") for q in page.orders]
    found = db.session.scalars(_ordered(base, rows, model, orders, page)).all()
    is_backward = page.cursor is not None and page.cursor.method == "cursorBefore"
    return (found[::-1] if is_backward else found), total


def count_up_to(query: "sa.Select[Any]", most: int = TOTAL_MAX) -> int:
    """How many rows a query has; at most ``most`` are looked at."""
    # The literal alone would leave a query without filters without its table, one row.
    ones = query.with_only_columns(sa.literal(1), maintain_column_froms=True)
    some = ones.order_by(None).limit(most).subquery()
    return db.session.scalar(sa.select(sa.func.count()).select_from(some)) or 0


def known_column(attribute: str, columns: Mapping[str, Column]) -> Column:
    """The column of an attribute.

    Raises:
        QueryInvalid: this list has no such attribute.
    """
    if attribute not in columns:
        raise QueryInvalid(f"There is no attribute {attribute[:100]!r} to ask for here.")
    return columns[attribute]


def _is_filter(method: str, grammar: Grammar) -> bool:
    return method in _OPERATORS or method in _LOGICAL or method in grammar.filters


def _parse(text: str, grammar: Grammar) -> Query:
    if len(text) > LENGTH_MAX:
        raise QueryInvalid(f"A query has at most {LENGTH_MAX} characters.")
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        raise QueryInvalid(f"This is no query: {text[:100]}") from None
    return _read(value, grammar, 0)


def _read(value: Any, grammar: Grammar, depth: int) -> Query:
    if not isinstance(value, dict) or not isinstance(value.get("method"), str):
        raise QueryInvalid("A query is an object with a method.")
    method, attribute = value["method"], value.get("attribute", "")
    values = value.get("values", [])
    if not isinstance(values, list):
        values = [values]
    if not isinstance(attribute, str):
        raise QueryInvalid(f"{method[:32]}: an attribute is a name")
    if len(values) > VALUES_MAX:
        raise grammar.too_many_values(f"{method[:32]}: at most {VALUES_MAX} values")
    if method in _LOGICAL:
        if depth >= DEPTH_MAX or not values:
            raise QueryInvalid(f"{method}: needs queries, nested at most {DEPTH_MAX} deep")
        return Query(method, "", (), tuple(_read(each, grammar, depth + 1) for each in values))
    if not _is_filter(method, grammar) and method not in _NO_VALUES | _PAGING | {"select"}:
        raise QueryInvalid(f"There is no query {method[:32]!r} here.")
    if method in _OPERATORS and method not in grammar.filters:
        _check_values(method, values)
    return Query(method, attribute, tuple(values))


def _check_values(method: str, values: list[Any]) -> None:
    if method in _NO_VALUES:
        return
    wanted = _COUNTS.get(method, 1)
    if len(values) < 1 or (method not in _MANY and len(values) != wanted):
        raise QueryInvalid(f"{method}: needs {wanted} value{'s' * (wanted > 1)}")
    if method in _TEXTUAL and not all(isinstance(value, str) for value in values):
        raise QueryInvalid(f"{method}: needs text")


def _whole(queries: Sequence[Query], method: str, default: int, low: int, high: int) -> int:
    given = [query.values for query in queries if query.method == method]
    if not given:
        return default
    value = given[-1][0] if given[-1] else None
    if type(value) is not int or not low <= value <= high:
        raise QueryInvalid(f"{method}: a whole number from {low} to {high}")
    return value


def _condition(query: Query, columns: Mapping[str, Column]) -> sa.ColumnElement[bool]:
    if query.method in _LOGICAL:
        join = sa.and_ if query.method == "and" else sa.or_
        for nested in query.nested:
            if nested.method not in _OPERATORS and nested.method not in _LOGICAL:
                raise QueryInvalid(f"{query.method}: holds filters only")
        return join(*(_condition(nested, columns) for nested in query.nested))
    column = known_column(query.attribute, columns)
    values = [_fit(value, column, query.attribute) for value in query.values]
    operators = _LIST_OPERATORS if isinstance(column.type, sa.JSON) else _OPERATORS
    if query.method not in operators:
        raise QueryInvalid(f"{query.attribute}: is a list, so {query.method} is not possible")
    return operators[query.method](column, values)


def holds(column: Column, value: str) -> sa.ColumnElement[bool]:
    """Whether a column of JSON lists of texts has this text among them."""
    # Neither LIKE, for SQLite, nor a cast, for MySQL: both would take upper case for lower.
    return sa.func.instr(sa.type_coerce(column, sa.Text), json.dumps(value)) > 0


def _fit(value: Any, column: Column, attribute: str) -> Any:
    """A value of the column's own type.

    Raises:
        QueryInvalid: it is of another.
    """
    wanted = column.type.python_type
    if wanted is datetime.datetime and isinstance(value, str):
        try:
            time = datetime.datetime.fromisoformat(value)
            return time if time.tzinfo else time.replace(tzinfo=datetime.UTC)
        except (ValueError, OverflowError):
            raise QueryInvalid(f"{attribute}: {value[:64]!r} is not a time") from None
    if wanted is str and isinstance(value, str) and "\0" not in value:
        return value.encode("utf-8", "replace").decode()
    if type(value) is wanted and not (wanted is int and abs(value) >= 2**63):
        return value
    if isinstance(column.type, sa.JSON) and isinstance(value, str):
        return value
    raise QueryInvalid(f"{attribute}: needs a {wanted.__name__}")


def _ordered(
    query: "sa.Select[S]",
    rows: "sa.Select[S]",
    model: type[S],
    orders: list[tuple[Column, bool]],
    page: Page,
) -> "sa.Select[S]":
    """The page in its order; the integer key breaks ties, so that cursors are exact."""
    is_last_descending = orders[-1][1] if orders else False
    keys: list[tuple[Any, bool]] = [*orders, (model.id, is_last_descending)]
    if page.cursor:
        is_backward = page.cursor.method == "cursorBefore"
        row = _cursor_row(page.cursor, rows, model)
        query = query.where(_behind(row, keys, is_backward=is_backward))
        keys = [(column, is_descending != is_backward) for column, is_descending in keys]
    clauses = [column.desc() if is_descending else column.asc() for column, is_descending in keys]
    return query.order_by(*clauses).limit(page.limit).offset(page.offset)


def _cursor_row(cursor: Query, rows: "sa.Select[S]", model: type[S]) -> S:
    value = cursor.values[0] if cursor.values else None
    row = None
    if isinstance(value, str):
        row = db.session.scalar(rows.where(model.public_id == value))
    if row is None:
        raise CursorNotFound
    return row


def _behind(
    row: "TenantRow | Project", keys: list[tuple[Any, bool]], *, is_backward: bool
) -> sa.ColumnElement[bool]:
    """The rows on the cursor's far side, by all keys; nulls come before every value, as both
    databases sort them."""
    alternatives = []
    for index, (column, is_descending) in enumerate(keys):
        before = [_same(each, getattr(row, each.key)) for each, _ in keys[:index]]
        value = getattr(row, column.key)
        beyond = _beyond(column, value, is_upward=is_descending == is_backward)
        alternatives.append(sa.and_(*before, beyond))
    return sa.or_(*alternatives)


def _same(column: Column, value: Any) -> sa.ColumnElement[bool]:
    return column.is_(None) if value is None else column == value


def _beyond(column: Column, value: Any, *, is_upward: bool) -> sa.ColumnElement[bool]:
    if value is None:
        return column.is_not(None) if is_upward else sa.false()
    return column > value if is_upward else sa.or_(column < value, column.is_(None))
