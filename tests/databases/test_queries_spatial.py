"""Queries on points, lines and polygons; MariaDB only."""

from typing import Any

import pytest

from tests.databases.places import Place
from tests.databases.queries import args, q
from tests.support.site import Site
from tests.support.v1 import Project, error_of

pytestmark = pytest.mark.contract

SQUARE = [[[0, 0], [4, 0], [4, 4], [0, 4], [0, 0]]]
ROWS: dict[str, dict[str, Any]] = {
    "a": {"spot": [1, 1], "way": [[-1, 2], [5, 2]], "field": SQUARE},
    "b": {"spot": [2.35, 48.85], "way": [[10, 10], [11, 11]]},
    "c": {"spot": None, "field": [[[3, 3], [6, 3], [6, 6], [3, 6], [3, 3]]]},
}
FOUND = [
    (q("distanceLessThan", "spot", [[1, 1.001], 200, True]), "a"),
    (q("distanceGreaterThan", "spot", [[1, 1.001], 200, True]), "b"),
    (q("distanceLessThan", "spot", [[1, 1.5], 0.6, False]), "a"),
    (q("distanceEqual", "spot", [[1, 1], 0, True]), "a"),
    (q("distanceNotEqual", "spot", [[1, 1], 0, True]), "bc"),
    (q("intersects", "field", [3.5, 3.5]), "ac"),
    (q("notIntersects", "field", [1, 1]), "bc"),
    (q("crosses", "way", SQUARE), "a"),
    (q("notCrosses", "way", SQUARE), "bc"),
    (q("overlaps", "field", SQUARE), "c"),
    (q("notOverlaps", "field", SQUARE), "ab"),
    (q("touches", "field", [4, 2]), "a"),
    (q("notTouches", "field", [4, 2]), "bc"),
    (q("contains", "field", [1, 1]), "a"),
    (q("isNull", "spot"), "c"),
]


def test_places_are_found(running_site: Site, database: str) -> None:
    if database == "sqlite":
        pytest.skip("SQLite has no such attributes")
    place = Place(Project(running_site))
    kinds = (("spot", "point"), ("way", "line"), ("field", "polygon"))
    collection = place.collection(*({"key": key, "kind": kind} for key, kind in kinds))
    for document, data in ROWS.items():
        made = place.create(place.key, collection, data, document)
        assert made.status_code == 201, made.text
    url = place.documents_of(collection)
    for query, wanted in FOUND:
        listed = place.key.get(url, params=args(query))
        assert listed.status_code == 200, listed.text
        assert [each["$id"] for each in listed.json()["documents"]] == list(wanted), query
    for wrong in (
        q("distanceLessThan", "spot", [[1, 1], -1, True]),
        q("distanceLessThan", "field", [[1, 1], 1, True]),
        q("distanceLessThan", "spot", [1, 1]),
        q("crosses", "way", [200, 1]),
        q("crosses", "way", "POINT(1 1)"),
        q("lessThan", "spot", [1, 1]),
        q("orderAsc", "spot"),
    ):
        refused = place.key.get(url, params=args(wrong))
        assert error_of(refused) == (400, "general_query_invalid"), wrong
