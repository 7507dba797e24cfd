"""What a query says about a document, as SQL over its collection's table.

Texts are compared by code points on both databases. What a query denies holds for null as well.
"""

import math
from collections.abc import Callable, Sequence
from typing import Any

import sqlalchemy as sa

from raindrop.core.access import Actor
from raindrop.core.db import db
from raindrop.core.formats import show_time
from raindrop.core.queries import Grammar, Query, QueryInvalid
from raindrop.databases import spatial, terms
from raindrop.databases.errors import AttributeQueryLimitExceeded
from raindrop.databases.schema import Attribute, Schema
from raindrop.databases.tables import rows_of
from raindrop.databases.values import INTEGER_MAX, INTEGER_MIN, parse_time

Condition = sa.ColumnElement[bool]
Operator = Callable[[Any, Sequence[Any]], Condition]

SYSTEM = {
    "$id": ("_uid", "string"),
    "$sequence": ("_id", "integer"),
    "$createdAt": ("_created", "datetime"),
    "$updatedAt": ("_updated", "datetime"),
}
"""Column and type of what every document has."""

NEGATIONS = {
    "notEqual": "equal",
    "notBetween": "between",
    "notStartsWith": "startsWith",
    "notEndsWith": "endsWith",
    "notContains": "contains",
    "notSearch": "search",
}
COUNTS = {"between": 2, "notBetween": 2, "isNull": 0, "isNotNull": 0}
"""How many values an operator takes, if it is not one."""
MANY = {"equal", "contains", "notContains", "containsAny", "containsAll"}
TEXTUAL = {"startsWith", "endsWith", "contains", "containsAny", "containsAll", "search"}

_NULLS: dict[str, Operator] = {
    "isNull": lambda column, _: column.is_(None),
    "isNotNull": lambda column, _: column.is_not(None),
}
_COMPARISONS: dict[str, Operator] = {
    "lessThan": lambda column, values: column < values[0],
    "lessThanEqual": lambda column, values: column <= values[0],
    "greaterThan": lambda column, values: column > values[0],
    "greaterThanEqual": lambda column, values: column >= values[0],
    "between": lambda column, values: column.between(values[0], values[1]),
}

GRAMMAR = Grammar(
    filters=frozenset(
        {*_COMPARISONS, *NEGATIONS, *NEGATIONS.values(), *COUNTS, *MANY, *spatial.METHODS}
    ),
    too_many_values=AttributeQueryLimitExceeded,
)


def condition(schema: Schema, query: Query, actor: Actor, depth: int = 0) -> Condition:
    """A filter as SQL.

    Args:
        actor: of related documents only those that they may read are looked at.
        depth: relationships from the collection of the list to this one.

    Raises:
        QueryInvalid: no such attribute, a value of another type, a search without its index.
    """
    if query.method in ("and", "or"):
        parts = []
        for nested in query.nested:
            if nested.method not in GRAMMAR.filters and nested.method not in ("and", "or"):
                raise QueryInvalid(f"{query.method}: holds filters only")
            parts.append(condition(schema, nested, actor, depth))
        return sa.and_(*parts) if query.method == "and" else sa.or_(*parts)
    if query.attribute.partition(".")[0] in schema.relations:
        from raindrop.databases import relation_filters  # which comes back here for theirs

        _check_count(query)
        return relation_filters.condition(actor, schema, query, depth)
    attribute = known(schema, query.attribute)
    column = rows_of(schema).c[attribute.column]
    _check_count(query)
    if query.method in _NULLS:
        return _NULLS[query.method](column, ())
    if attribute.type in spatial.KINDS:
        return spatial.condition(attribute, column, query)
    return _value_condition(schema, attribute, column, query)


def _value_condition(schema: Schema, attribute: Attribute, column: Any, query: Query) -> Condition:
    positive = NEGATIONS.get(query.method, query.method)
    found = _positive(schema, attribute, column, positive, query.values)
    if positive == query.method:
        return found
    # A search is SQL text to SQLAlchemy, which negates no text.
    denied = sa.case((found, 1), else_=0) == 0 if positive == "search" else sa.not_(found)
    return sa.or_(denied, column.is_(None))


def known(schema: Schema, key: str) -> Attribute:
    """An attribute that may be asked for, by its key or system name, with its column.

    Raises:
        QueryInvalid: the collection has none of this name that is a column of its own, or its
            values are encrypted.
    """
    if key in SYSTEM:
        return _SYSTEM[key]
    attribute = schema.plain.get(key)
    if attribute is None:
        raise QueryInvalid(f'Attribute not found in schema: "{key[:100]}"')
    if attribute.is_encrypted:
        raise QueryInvalid(f"Cannot query encrypted attribute: {key}")
    return attribute


class _SystemAttribute(Attribute):
    """What every document has, in the form of an attribute."""

    @property
    def column(self) -> str:
        return SYSTEM[self.key][0]


_SYSTEM = {
    key: _SystemAttribute(
        id=0, key=key, type=kind, format="", size=0, is_required=True, is_array=False,
        status="available", error="", created_at="", updated_at="",
    )
    for key, (_, kind) in SYSTEM.items()
}  # fmt: skip


def _check_count(query: Query) -> None:
    values, wanted = query.values, COUNTS.get(query.method, 1)
    if wanted == 0:
        return
    if not values or (query.method not in MANY and len(values) != wanted):
        raise QueryInvalid(f"{query.method}: needs {wanted} value{'s' * (wanted > 1)}")


def _positive(
    schema: Schema, attribute: Attribute, column: Any, method: str, given: Sequence[Any]
) -> Condition:
    if method in spatial.METHODS and method not in ("equal", "contains"):
        raise _not_for(attribute, method)
    values = [fit(attribute, value) for value in given]
    if attribute.is_array:
        if method not in ("contains", "containsAny", "containsAll"):
            raise _not_for(attribute, method)
        join = sa.and_ if method == "containsAll" else sa.or_
        return join(*(_has_element(attribute, column, value) for value in values))
    if method in TEXTUAL and attribute.type != "string":
        raise _not_for(attribute, method)
    if method == "search":
        return _search(schema, attribute, values[0])
    if method == "equal":
        return column.in_(values)  # type: ignore[no-any-return]
    if method in _COMPARISONS:
        return _COMPARISONS[method](column, [sa.literal(each, column.type) for each in values])
    return _textual(column, method, values)


def _not_for(attribute: Attribute, method: str) -> QueryInvalid:
    kind = "an array" if attribute.is_array else f"of type {attribute.type}"
    return QueryInvalid(f'{method} is not possible: attribute "{attribute.key}" is {kind}')


def _textual(column: Any, method: str, values: Sequence[str]) -> Condition:
    if method == "startsWith":
        return _starts(column, values[0])
    if method == "endsWith":
        return _ends(column, values[0])
    join = sa.and_ if method == "containsAll" else sa.or_
    if is_sqlite():
        return join(*(sa.func.instr(column, value) > 0 for value in values))
    found: Condition = join(*(column.contains(value, autoescape=True) for value in values))
    return found


def _starts(column: Any, value: str) -> Condition:
    if not is_sqlite():
        return column.startswith(value, autoescape=True)  # type: ignore[no-any-return]
    # SQLite's LIKE takes upper case for lower.
    return sa.func.substr(column, 1, len(value)) == value


def _ends(column: Any, value: str) -> Condition:
    if not is_sqlite():
        return column.endswith(value, autoescape=True)  # type: ignore[no-any-return]
    if not value:
        return column.is_not(None)  # type: ignore[no-any-return]
    is_long = sa.func.length(column) >= len(value)
    return sa.and_(is_long, sa.func.substr(column, -len(value)) == value)


_ELEMENT_TYPES = {
    "string": "LONGTEXT CHARACTER SET utf8mb4",
    "integer": "BIGINT",
    "double": "DOUBLE",
    "boolean": "BOOLEAN",
    "datetime": "VARCHAR(40) CHARACTER SET utf8mb4",
}


def _has_element(attribute: Attribute, column: Any, value: Any) -> Condition:
    """Whether an array has a value among its elements."""
    if attribute.type == "datetime":
        value = show_time(value)  # as arrays have it
    if is_sqlite():
        # A column of the type JSON would compare as JSON.
        each = sa.func.json_each(sa.type_coerce(column, sa.Text)).table_valued("value")
        return sa.exists().select_from(each).where(each.c.value == value)
    form: Any = sa.literal_column(f"'$[*]' COLUMNS (v {_ELEMENT_TYPES[attribute.type]} PATH '$')")
    each = sa.func.json_table(sa.type_coerce(column, sa.Text), form).table_valued("v")
    found: Any = each.c.v
    if attribute.type in ("string", "datetime"):
        found = sa.func.binary(found)
        value = sa.func.binary(value)
    return sa.exists().select_from(each).where(found == value)


def _search(schema: Schema, attribute: Attribute, text: str) -> Condition:
    index = next(
        (
            each
            for each in schema.indexes
            if each.type == "fulltext"
            and each.status == "available"
            and [member.key for member in each.members] == [attribute.key]
        ),
        None,
    )
    if index is None:
        raise QueryInvalid(
            f'Searching by attribute "{attribute.key}" requires a fulltext index on it.'
        )
    return terms.match(schema, index, text)


def fit(attribute: Attribute, value: Any) -> Any:
    """A query's value of the attribute's own type, whatever the bounds of its documents' are.

    Raises:
        QueryInvalid: it is of another.
    """
    fitted = _FITS[attribute.type](value)
    if fitted is None:
        raise QueryInvalid(
            f'Query value is invalid for attribute "{attribute.key}" of type {attribute.type}'
        )
    return fitted


def _fit_text(value: Any) -> str | None:
    if not isinstance(value, str) or "\0" in value:
        return None
    return None if any("\ud800" <= character <= "\udfff" for character in value) else value


def _fit_integer(value: Any) -> int | None:
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        value = int(value)
    return value if type(value) is int and INTEGER_MIN <= value <= INTEGER_MAX else None


def _fit_double(value: Any) -> float | None:
    if type(value) not in (int, float):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) else None


_FITS: dict[str, Callable[[Any], Any]] = {
    "string": _fit_text,
    "integer": _fit_integer,
    "double": _fit_double,
    "boolean": lambda value: value if isinstance(value, bool) else None,
    "datetime": parse_time,
}


def is_sqlite() -> bool:
    """Whether the database behind is SQLite."""
    return db.engine.dialect.name == "sqlite"
