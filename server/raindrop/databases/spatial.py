"""Queries on points, lines and polygons, as SQL; MariaDB only, where alone such attributes are."""

import dataclasses
from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from raindrop.core.queries import Query, QueryInvalid
from raindrop.databases.errors import DocumentInvalidStructure
from raindrop.databases.schema import Attribute
from raindrop.databases.tables import Geometry
from raindrop.databases.values import check_value

KINDS = ("point", "linestring", "polygon")
EARTH_RADIUS_M = 6_371_000

_RELATIONS = {
    "intersects": "ST_Intersects",
    "crosses": "ST_Crosses",
    "overlaps": "ST_Overlaps",
    "touches": "ST_Touches",
    "contains": "ST_Contains",
    "equal": "ST_Equals",
}
_DENIED = {f"not{name[0].upper()}{name[1:]}": name for name in _RELATIONS}
_DISTANCES = {
    "distanceEqual": lambda distance, wanted: distance == wanted,
    "distanceNotEqual": lambda distance, wanted: distance != wanted,
    "distanceGreaterThan": lambda distance, wanted: distance > wanted,
    "distanceLessThan": lambda distance, wanted: distance < wanted,
}
METHODS = frozenset({*_RELATIONS, *_DENIED, *_DISTANCES})


def condition(attribute: Attribute, column: Any, query: Query) -> sa.ColumnElement[bool]:
    """A filter on a geometry as SQL.

    Raises:
        QueryInvalid: the operator is for other types, or the value is no geometry.
    """
    method = query.method
    if method not in METHODS or len(query.values) != 1:
        raise QueryInvalid(
            f'{method} is not possible so: attribute "{attribute.key}" is a {attribute.type}'
        )
    if method in _DISTANCES:
        found = _DISTANCES[method](*_distance(attribute, column, query.values[0]))
        return sa.or_(found, column.is_(None)) if method == "distanceNotEqual" else found
    _, other = _geometry(attribute, query.values[0])
    if method in _DENIED:
        relation = getattr(sa.func, _RELATIONS[_DENIED[method]])(column, other)
        return sa.or_(relation == 0, column.is_(None))
    return getattr(sa.func, _RELATIONS[method])(column, other) == 1  # type: ignore[no-any-return]


def _distance(attribute: Attribute, column: Any, value: Any) -> tuple[Any, float]:
    """The distance of a column from a geometry, and the number that it is compared with."""
    if not isinstance(value, list) or len(value) not in (2, 3):
        raise QueryInvalid("A distance is asked for by geometry, distance and whether in metres.")
    distance, in_metres = value[1], value[2] if len(value) == 3 else False
    if type(distance) not in (int, float) or not 0 <= distance < 1e15:
        raise QueryInvalid("A distance is a number and not negative.")
    if not isinstance(in_metres, bool):
        raise QueryInvalid("Whether a distance is in metres is true or false.")
    kind, other = _geometry(attribute, value[0])
    if not in_metres:
        return sa.func.ST_Distance(column, other, type_=sa.Double()), float(distance)
    if kind != "point" or attribute.type != "point":
        raise QueryInvalid("Distances in metres are between points only.")
    sphere: Any = sa.func.ST_Distance_Sphere(column, other, EARTH_RADIUS_M, type_=sa.Double())
    return sphere, float(distance)


def _geometry(attribute: Attribute, value: Any) -> tuple[str, sa.ColumnElement[Any]]:
    """A query's geometry: its kind by the depth of its arrays, and its value in SQL."""
    kind = KINDS[min(_depth(value), 3) - 1]
    form = dataclasses.replace(
        attribute, type=kind, format="", default=None, is_array=False, is_required=True
    )
    try:
        text = check_value(form, value)
    except DocumentInvalidStructure as error:
        raise QueryInvalid(error.message) from None
    return kind, sa.literal(text, Geometry("GEOMETRY"))


def _depth(value: Any) -> int:
    depth = 0
    while isinstance(value, Sequence) and not isinstance(value, str) and value and depth < 4:
        value, depth = value[0], depth + 1
    if depth == 0:
        raise QueryInvalid("A geometry is an array of coordinates.")
    return depth
