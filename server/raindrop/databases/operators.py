"""Operators: changes of one attribute that are worked out from what the row has, under its lock.

A client library's ``Operator`` class writes one as the text ``{"method": …, "values": […]}`` in the
place of a value. What comes out is checked like any value that a caller gives.
"""

import datetime
import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from raindrop.core.db import utc_now
from raindrop.core.errors import BadRequest
from raindrop.core.formats import show_time
from raindrop.databases.errors import (
    AttributeLimitExceeded,
    AttributeNotFound,
    AttributeTypeInvalid,
    DocumentInvalidStructure,
)
from raindrop.databases.rows import Row
from raindrop.databases.schema import Attribute, Schema
from raindrop.databases.values import INTEGER_MAX, INTEGER_MIN, parse_time

NUMERIC = ("integer", "double")
DIGITS_MAX = 1100
"""Binary digits of the largest power that is worked out; no attribute holds a larger one."""

Number = int | float


class _Impossible(Exception):
    """The operator does not go with its arguments or with what the row has."""


@dataclass(frozen=True)
class Operator:
    """One operator."""

    method: str
    values: Sequence[Any]


def split(schema: Schema, data: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Operator]]:
    """Plain values and operators of a document's data, each by key."""
    plain, found = {}, {}
    for key, value in data.items():
        operator = _parse(value) if isinstance(value, str) and key in schema.plain else None
        if operator is None:
            plain[key] = value
        else:
            found[key] = operator
    return plain, found


def _parse(text: str) -> Operator | None:
    if not text.startswith("{") or '"method"' not in text:
        return None
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return None
    method, values = value.get("method"), value.get("values", [])
    if not isinstance(method, str) or method not in _METHODS or not isinstance(values, list):
        return None
    return Operator(method, values)


def results(schema: Schema, row: Row, found: Mapping[str, Operator]) -> dict[str, Any]:
    """What the operators make of a row's values, as a caller would give it.

    Args:
        row: empty for a document that is not there yet: defaults are in its place.

    Raises:
        DocumentInvalidStructure: an operator is not for this attribute, or its arguments are wrong.
    """
    made = {}
    for key, operator in found.items():
        attribute = schema.plain[key]
        kind, work = _METHODS[operator.method]
        value = row[attribute.column] if row else attribute.default
        try:
            if not _is_for(attribute, kind):
                raise _Impossible(f"is not for an attribute of type {attribute.type}")
            made[key] = work(attribute, value, operator.values)
        except (_Impossible, IndexError, TypeError, OverflowError) as error:
            reason = error if isinstance(error, _Impossible) else "has wrong arguments"
            raise DocumentInvalidStructure(
                f'Attribute "{key}": {operator.method} {reason}'
            ) from None
    return made


def countable(schema: Schema, key: str) -> Attribute:
    """An attribute that can be counted up and down.

    Raises:
        AttributeNotFound, AttributeTypeInvalid
    """
    attribute = schema.available.get(key)
    if attribute is None:
        raise AttributeNotFound
    if attribute.type not in NUMERIC or attribute.is_array:
        raise AttributeTypeInvalid("Only a number can be counted up and down.")
    return attribute


def add(attribute: Attribute, value: Number | None, change: float, limit: float | None) -> Number:
    """A number with something added; ``limit`` bounds the side to which it goes.

    Raises:
        AttributeLimitExceeded: it would pass ``limit`` or the attribute's own bounds.
        BadRequest: part of a whole number.
    """
    change = _change_of(attribute, change)
    result = (value or 0) + change
    low = attribute.min if attribute.min is not None else -math.inf
    high = attribute.max if attribute.max is not None else math.inf
    if attribute.type == "integer":
        low, high = max(low, INTEGER_MIN), min(high, INTEGER_MAX)
    if limit is not None:
        low, high = (low, min(high, limit)) if change > 0 else (max(low, limit), high)
    if not low <= result <= high or (isinstance(result, float) and not math.isfinite(result)):
        word = "greatest" if change > 0 else "least"
        bound = high if change > 0 else low
        raise AttributeLimitExceeded(
            f'Attribute "{attribute.key}" would pass its {word} value of {bound}.'
        )
    return result


def _change_of(attribute: Attribute, change: Number) -> Number:
    """A change as a number of the attribute's kind."""
    if attribute.type != "integer":
        return float(change)
    if change != int(change):
        raise BadRequest("value: must be a whole number, as the attribute is")
    return int(change)


def _is_for(attribute: Attribute, kind: str) -> bool:
    if kind == "array" or attribute.is_array:
        return kind == "array" and attribute.is_array
    if kind == "number":
        return attribute.type in NUMERIC
    return attribute.type == kind


def _numbers(values: Sequence[Any], most: int = 2) -> list[Number]:
    if not 1 <= len(values) <= most or any(
        type(value) not in (int, float) or not math.isfinite(value) for value in values
    ):
        raise _Impossible("needs finite numbers")
    return list(values)


def _arithmetic(
    work: Callable[[Number, Number], Number], *, bound: Callable[..., Number]
) -> Callable[[Attribute, Any, Sequence[Any]], Number]:
    def calculate(attribute: Attribute, value: Any, values: Sequence[Any]) -> Number:
        operand, *limit = _numbers([each for each in values if each is not None])
        result = work(value or 0, operand)
        if limit:
            result = bound(result, limit[0])
        return _round(result) if attribute.type == "integer" else result

    return calculate


def _round(value: Number) -> int:
    """To a whole number, as MariaDB does it: halves away from zero."""
    if isinstance(value, int):
        return value
    return int(math.copysign(math.floor(abs(value) + 0.5), value))


def _divide(value: Number, divisor: Number) -> Number:
    if divisor == 0:
        raise _Impossible("by zero is not possible")
    if isinstance(value, int) and isinstance(divisor, int) and value % divisor == 0:
        return value // divisor  # exact where a float would not be
    return value / divisor


def _modulo(value: Number, divisor: Number) -> Number:
    """The remainder, with the sign of the value, as SQL has it."""
    if divisor == 0:
        raise _Impossible("by zero is not possible")
    if isinstance(value, int) and isinstance(divisor, int):
        rest = abs(value) % abs(divisor)
        return -rest if value < 0 else rest
    return math.fmod(value, divisor)


def _power(value: Number, exponent: Number) -> Number:
    if value == 0 and exponent < 0:
        raise _Impossible("by zero is not possible")
    if abs(value) > 1 and math.log2(abs(value)) * exponent > DIGITS_MAX:
        raise _Impossible("gives too large a number")
    result = value**exponent
    if isinstance(result, complex):
        raise _Impossible("has no real result")
    return result


def _toggle(_: Attribute, value: Any, __: Sequence[Any]) -> bool:
    return not value


def _concat(_: Attribute, value: Any, values: Sequence[Any]) -> Any:
    (text,) = _texts(values, 1)
    return (value or "") + text


def _replace(_: Attribute, value: Any, values: Sequence[Any]) -> Any:
    old, new = _texts(values, 2)
    return value.replace(old, new) if value and old else value


def _texts(values: Sequence[Any], count: int) -> Sequence[str]:
    if len(values) != count or not all(isinstance(value, str) for value in values):
        raise _Impossible(f"needs {count} text{'s' * (count > 1)}")
    return values


def _days(sign: int) -> Callable[[Attribute, Any, Sequence[Any]], Any]:
    def move(_: Attribute, value: Any, values: Sequence[Any]) -> Any:
        (days,) = _numbers(values, 1)
        time = parse_time(value) if isinstance(value, str) else value
        if time is None:
            return None
        return show_time(time + sign * datetime.timedelta(days=days))

    return move


def _now(_: Attribute, __: Any, ___: Sequence[Any]) -> str:
    return show_time(utc_now())


def _array(
    work: Callable[[list[Any], Sequence[Any]], list[Any]],
) -> Callable[[Attribute, Any, Sequence[Any]], list[Any]]:
    return lambda _, value, values: work(list(value or ()), values)


def _insert(value: list[Any], values: Sequence[Any]) -> list[Any]:
    place, element = values
    if type(place) is not int or not 0 <= place <= len(value):
        raise _Impossible(f"needs a place from 0 to {len(value)}")
    return [*value[:place], element, *value[place:]]


def _same(one: Any, other: Any) -> bool:
    return bool(one == other) and isinstance(one, bool) == isinstance(other, bool)


def _is_in(element: Any, others: Sequence[Any]) -> bool:
    return any(_same(element, other) for other in others)


def _unique(value: list[Any], _: Sequence[Any]) -> list[Any]:
    return list({(isinstance(each, bool), each): each for each in value}.values())


def _filter(value: list[Any], values: Sequence[Any]) -> list[Any]:
    condition, *operands = values
    if condition not in _CONDITIONS or len(operands) > 1:
        raise _Impossible("needs a condition and a value")
    fits = _CONDITIONS[condition]
    return [each for each in value if fits(each, operands[0] if operands else None)]


_CONDITIONS: dict[str, Callable[[Any, Any], bool]] = {
    "equal": _same,
    "notEqual": lambda each, value: not _same(each, value),
    "greaterThan": lambda each, value: each > value,
    "greaterThanEqual": lambda each, value: each >= value,
    "lessThan": lambda each, value: each < value,
    "lessThanEqual": lambda each, value: each <= value,
    "contains": lambda each, value: value in each,
    "isNull": lambda each, _: each is None,
    "isNotNull": lambda each, _: each is not None,
}

_METHODS: dict[str, tuple[str, Callable[[Attribute, Any, Sequence[Any]], Any]]] = {
    "increment": ("number", _arithmetic(lambda a, b: a + b, bound=min)),
    "decrement": ("number", _arithmetic(lambda a, b: a - b, bound=max)),
    "multiply": ("number", _arithmetic(lambda a, b: a * b, bound=min)),
    "divide": ("number", _arithmetic(_divide, bound=max)),
    "modulo": ("number", _arithmetic(_modulo, bound=min)),
    "power": ("number", _arithmetic(_power, bound=min)),
    "toggle": ("boolean", _toggle),
    "stringConcat": ("string", _concat),
    "stringReplace": ("string", _replace),
    "dateAddDays": ("datetime", _days(1)),
    "dateSubDays": ("datetime", _days(-1)),
    "dateSetNow": ("datetime", _now),
    "arrayAppend": ("array", _array(lambda value, values: [*value, *values])),
    "arrayPrepend": ("array", _array(lambda value, values: [*values, *value])),
    "arrayInsert": ("array", _array(_insert)),
    "arrayRemove": (
        "array",
        _array(lambda value, values: [each for each in value if not _same(each, values[0])]),
    ),
    "arrayUnique": ("array", _array(_unique)),
    "arrayIntersect": (
        "array",
        _array(lambda value, values: [each for each in value if _is_in(each, values)]),
    ),
    "arrayDiff": (
        "array",
        _array(lambda value, values: [each for each in value if not _is_in(each, values)]),
    ),
    "arrayFilter": ("array", _array(_filter)),
}
"""By the operator's name: of what attributes it is, and what it does with one's value."""
