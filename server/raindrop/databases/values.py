"""The values of documents: whether they fit their attributes, and how tables and answers have
them."""

import datetime
import ipaddress
import math
import re
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from raindrop.core.formats import show_time
from raindrop.databases.errors import DocumentInvalidStructure
from raindrop.databases.schema import Attribute, Schema
from raindrop.databases.tables import SPATIAL

INTEGER_MIN, INTEGER_MAX = -(2**63), 2**63 - 1
ARRAY_MAX = 10_000
"""Elements of one array."""


class _Field(NamedTuple):
    """An attribute as rows are checked by it; ``default`` is as the table has it."""

    attribute: Attribute
    column: str
    is_required: bool
    default: Any


def check_data(schema: Schema, data: Mapping[str, Any], *, is_partial: bool) -> dict[str, Any]:
    """A document's plain values by column, ready for the table; relationships are not among them.

    Args:
        is_partial: what is not given stays; else it gets its default.

    Raises:
        DocumentInvalidStructure: an attribute is not known, is missing, or its value does not fit.
    """
    fields = schema.derive(_fields)
    values: dict[str, Any] = {}
    for key, value in data.items():
        field = fields.get(key)
        if field is not None:
            values[field.column] = check_value(field.attribute, value)
        elif key[:1] != "$" and key not in schema.relations:
            raise DocumentInvalidStructure(f'Unknown attribute: "{key[:100]}"')
    if not is_partial and len(values) < len(fields):
        _fill(values, fields)
    return values


def _fill(values: dict[str, Any], fields: Mapping[str, _Field]) -> None:
    for key, field in fields.items():
        if field.column not in values:
            if field.is_required:
                raise DocumentInvalidStructure(f'Missing required attribute "{key}"')
            values[field.column] = field.default


def _fields(schema: Schema) -> dict[str, _Field]:
    return {
        key: _Field(attribute, attribute.column, attribute.is_required, stored_default(attribute))
        for key, attribute in schema.plain.items()
    }


def stored_default(attribute: Attribute) -> Any:
    """What a document gets that gives no value."""
    if attribute.default is None:
        return [] if attribute.is_array else None
    return _KINDS[attribute.type](attribute, attribute.default)


def check_value(attribute: Attribute, value: Any) -> Any:
    """A value as the table has it.

    Raises:
        DocumentInvalidStructure: it does not fit the attribute.
    """
    if value is None:
        if attribute.is_required:
            raise _wrong(attribute, "must not be null")
        return None
    check = _KINDS[attribute.type]
    if not attribute.is_array:
        return check(attribute, value)
    if not isinstance(value, list):
        raise _wrong(attribute, "must be an array")
    if len(value) > ARRAY_MAX:
        raise _wrong(attribute, f"must have at most {ARRAY_MAX} elements")
    stored = [check(attribute, each) for each in value]
    if attribute.type == "datetime":
        return [show_time(each) for each in stored]
    return stored


def shower(attribute: Attribute) -> Callable[[Any], Any] | None:
    """How a value of the table that is not null becomes what answers have; ``None``: it is that
    already."""
    if attribute.is_array:
        return None
    if attribute.type == "datetime":
        return show_time
    return coordinates if attribute.type in SPATIAL else None


def _wrong(attribute: Attribute, reason: str) -> DocumentInvalidStructure:
    return DocumentInvalidStructure(
        f'Attribute "{attribute.key}" has an invalid value: it {reason}'
    )


def _string(attribute: Attribute, value: Any) -> str:
    if not isinstance(value, str):
        raise _wrong(attribute, "must be a string")
    if len(value) > attribute.length_max:
        raise _wrong(attribute, f"must have at most {attribute.length_max} characters")
    if not is_unicode(value):
        raise _wrong(attribute, "must be Unicode text")
    if attribute.format and not _FORMATS[attribute.format](attribute, value):
        raise _wrong(attribute, _FORMAT_WORDS[attribute.format])
    return value


def is_unicode(value: str) -> bool:
    """Whether it is text that every database keeps: no NUL, no half of a pair."""
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return "\0" not in value


def _integer(attribute: Attribute, value: Any) -> int:
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        value = int(value)
    if type(value) is not int or not INTEGER_MIN <= value <= INTEGER_MAX:
        raise _wrong(attribute, "must be a whole number of 64 bits")
    _check_range(attribute, value)
    return value


def _double(attribute: Attribute, value: Any) -> float:
    if type(value) not in (int, float):
        raise _wrong(attribute, "must be a number")
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        raise _wrong(attribute, "must be a finite number")
    _check_range(attribute, number)
    return number


def _check_range(attribute: Attribute, value: float) -> None:
    if attribute.min is not None and value < attribute.min:
        raise _wrong(attribute, f"must be at least {attribute.min}")
    if attribute.max is not None and value > attribute.max:
        raise _wrong(attribute, f"must be at most {attribute.max}")


def _boolean(attribute: Attribute, value: Any) -> bool:
    if not isinstance(value, bool):
        raise _wrong(attribute, "must be true or false")
    return value


def _datetime(attribute: Attribute, value: Any) -> datetime.datetime:
    time = parse_time(value)
    if time is None:
        raise _wrong(attribute, "must be a time in ISO 8601, years 1000 to 9999")
    return time


def parse_time(value: Any) -> datetime.datetime | None:
    """A time in ISO 8601, in UTC and milliseconds; ``None``: it is none that a table can keep."""
    if not isinstance(value, str):
        return None
    try:
        time = datetime.datetime.fromisoformat(value)
        time = time.astimezone(datetime.UTC) if time.tzinfo else time.replace(tzinfo=datetime.UTC)
    except (ValueError, OverflowError):
        return None
    return time if 1000 <= time.year <= 9999 else None


Position = list[float]


def _point(attribute: Attribute, value: Any) -> str:
    return f"POINT({_position(attribute, value)})"


def _line(attribute: Attribute, value: Any) -> str:
    if not isinstance(value, list) or len(value) < 2:
        raise _wrong(attribute, "must be a line of at least two points")
    return f"LINESTRING({_positions(attribute, value)})"


def _polygon(attribute: Attribute, value: Any) -> str:
    if not isinstance(value, list) or not value:
        raise _wrong(attribute, "must be an array of rings")
    rings = value if isinstance(value[0], list) and isinstance(value[0][0:1], list) else [value]
    if rings and rings[0] and not isinstance(rings[0][0], list):
        rings = [rings]
    for ring in rings:
        if not isinstance(ring, list) or len(ring) < 4 or ring[0] != ring[-1]:
            raise _wrong(attribute, "must have rings of at least four points, the last the first")
    return f"POLYGON({', '.join(f'({_positions(attribute, ring)})' for ring in rings)})"


def _positions(attribute: Attribute, value: list[Any]) -> str:
    return ", ".join(_position(attribute, each) for each in value)


def _position(attribute: Attribute, value: Any) -> str:
    is_pair = isinstance(value, list) and len(value) == 2
    if not is_pair or not all(type(each) in (int, float) for each in value):
        raise _wrong(attribute, "must be [longitude, latitude]")
    longitude, latitude = value
    if not (-180 <= longitude <= 180 and -90 <= latitude <= 90):
        raise _wrong(attribute, "must be a longitude of ±180 and a latitude of ±90 degrees")
    return f"{float(longitude)!r} {float(latitude)!r}"


def coordinates(text: str) -> Any:
    """The coordinates of a geometry in WKT, as arrays."""
    kind, _, rest = text.partition("(")
    body = rest[:-1]
    if kind.strip() == "POINT":
        return _pair(body)
    if kind.strip() == "LINESTRING":
        return [_pair(each) for each in body.split(",")]
    return [[_pair(each) for each in ring.split(",")] for ring in re.findall(r"\(([^()]*)\)", body)]


def _pair(text: str) -> Position:
    return [float(each) for each in text.split()]


def _is_email(_: Attribute, value: str) -> bool:
    return bool(re.fullmatch(r"[^\s@]+@[^\s@]+\.[^\s@.]+", value))


def _is_url(_: Attribute, value: str) -> bool:
    try:
        parts = urlsplit(value)
        return bool(parts.scheme and parts.hostname) and not re.search(r"\s", value)
    except ValueError:
        return False


def _is_ip(_: Attribute, value: str) -> bool:
    try:
        return bool(ipaddress.ip_address(value))
    except ValueError:
        return False


def _is_element(attribute: Attribute, value: str) -> bool:
    return value in attribute.elements


_FORMATS: dict[str, Callable[[Attribute, str], bool]] = {
    "email": _is_email,
    "url": _is_url,
    "ip": _is_ip,
    "enum": _is_element,
}
_FORMAT_WORDS = {
    "email": "must be an e-mail address",
    "url": "must be a URL",
    "ip": "must be an IP address",
    "enum": "must be one of the elements",
}
_KINDS: dict[str, Callable[[Attribute, Any], Any]] = {
    "string": _string,
    "integer": _integer,
    "double": _double,
    "boolean": _boolean,
    "datetime": _datetime,
    "point": _point,
    "linestring": _line,
    "polygon": _polygon,
}
