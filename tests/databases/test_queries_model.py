"""Random queries over random rows: a list shows what a plain Python model says, or is refused."""

import itertools
import json
import random
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.databases.places import Place
from tests.databases.queries import answer, args, q
from tests.support.site import Site
from tests.support.v1 import Project

pytestmark = pytest.mark.contract

ROWS = 60
TEXTS = [
    "", "a", "A", "aa", "a ", "á", "水", "水滴", "%", "_", "\\", "'", '"', ", ", "/", "x%y", "😀",
    "a\nb",
]  # fmt: skip
NUMBERS = [0, 1, 2, -1, 5, 2**53 + 1, -(2**63), 2**63 - 1]
DOUBLES = [0.0, 1.5, -1.5, 1e300, 0.1, 5.0]
TIMES = [f"{year}-01-01T00:00:00.00{year % 2}+00:00" for year in (1999, 2000, 2024, 2025)]
ATTRIBUTES: list[dict[str, Any]] = [
    {"key": "name"},
    {"key": "size", "kind": "integer"},
    {"key": "weight", "kind": "float"},
    {"key": "open", "kind": "boolean"},
    {"key": "due", "kind": "datetime"},
    {"key": "tags", "array": True},
    {"key": "counts", "kind": "integer", "array": True},
]
VALUES: Mapping[str, list[Any]] = {
    "name": TEXTS, "size": NUMBERS, "weight": DOUBLES, "open": [True, False], "due": TIMES,
    "tags": TEXTS, "counts": NUMBERS, "$id": ["r0", "r1", "r59", "none"], "$sequence": NUMBERS,
    "$createdAt": TIMES, "$updatedAt": TIMES,
}  # fmt: skip
COMPARED = ["lessThan", "lessThanEqual", "greaterThan", "greaterThanEqual"]


def _filter(key: str) -> st.SearchStrategy[dict[str, Any]]:
    value = st.sampled_from(VALUES[key])
    several = st.lists(value, min_size=1, max_size=3)
    forms = [st.sampled_from(["isNull", "isNotNull"]).map(lambda m: q(m, key))]
    if key in ("tags", "counts"):
        methods = st.sampled_from(["contains", "notContains", "containsAny", "containsAll"])
        return st.one_of(*forms, st.builds(lambda m, v: q(m, key, *v), methods, several))
    methods = st.sampled_from([*COMPARED, "notEqual"])
    forms.append(st.builds(lambda m, v: q(m, key, v), methods, value))
    forms.append(several.map(lambda v: q("equal", key, *v)))
    ranges = st.sampled_from(["between", "notBetween"])
    forms.append(st.builds(lambda m, a, b: q(m, key, a, b), ranges, value, value))
    if key in ("name", "$id"):
        edges = st.sampled_from(["startsWith", "notStartsWith", "endsWith", "notEndsWith"])
        forms.append(st.builds(lambda m, v: q(m, key, v), edges, value))
        parts = st.sampled_from(["contains", "notContains", "containsAny", "containsAll"])
        forms.append(st.builds(lambda m, v: q(m, key, *v), parts, several))
    return st.one_of(*forms)


_plain = st.sampled_from(sorted(VALUES)).flatmap(_filter)
_some = st.lists(_plain, min_size=1, max_size=3)
_inner = st.builds(lambda m, v: q(m, None, *v), st.sampled_from(["and", "or"]), _some)
_filters = st.one_of(
    _plain,
    _inner,
    st.builds(lambda m, v, w: q(m, None, *v, w), st.sampled_from(["and", "or"]), _some, _inner),
)
_orders = st.builds(
    q,
    st.sampled_from(["orderAsc", "orderDesc"]),
    st.sampled_from(sorted(set(VALUES) - {"tags", "counts"})),
)
_cursors = st.builds(
    lambda m, n: q(m, None, f"r{n}"),
    st.sampled_from(["cursorAfter", "cursorBefore"]),
    st.integers(0, ROWS - 1),
)
_lists = st.builds(
    lambda filters, orders, cursor, limit, offset: [
        *filters, *orders, *cursor, q("limit", None, limit), q("offset", None, offset),
    ],
    st.lists(_filters, max_size=2),
    st.lists(_orders, max_size=3, unique_by=lambda order: order["attribute"]),
    st.lists(_cursors, max_size=1),
    st.integers(1, 40),
    st.sampled_from([0, 0, 0, 1, 7]),
)  # fmt: skip


@pytest.fixture(scope="module")
def place(running_site: Site) -> Place:
    return Place(Project(running_site))


@pytest.fixture(scope="module")
def rows(place: Place) -> tuple[str, list[dict[str, Any]]]:
    """A collection and its documents."""
    chance = random.Random(5)
    collection = place.collection(*ATTRIBUTES)
    for number in range(ROWS):
        data: dict[str, Any] = {"name": chance.choice(TEXTS)}
        for attribute in ATTRIBUTES:
            values = VALUES[attribute["key"]]
            if chance.random() < 0.3:
                data[attribute["key"]] = None
            elif attribute.get("array"):
                data[attribute["key"]] = chance.sample(values, chance.randrange(4))
            else:
                data[attribute["key"]] = chance.choice(values)
        made = place.create(place.key, collection, data, f"r{number}")
        assert made.status_code == 201, made.text
    url, found = place.documents_of(collection), []
    for start in itertools.count(0, 50):
        page = place.key.get(url, params=args(q("limit", None, 50), q("offset", None, start)))
        found += page.json()["documents"]
        if len(found) == ROWS:
            return collection, found
    raise AssertionError


@settings(
    max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(queries=_lists)
def test_a_list_is_what_the_model_says(
    place: Place, rows: tuple[str, list[dict[str, Any]]], queries: list[dict[str, Any]]
) -> None:
    collection, documents = rows
    listed = place.key.get(place.documents_of(collection), params=args(*queries))
    assert listed.status_code == 200, listed.text
    ids, total = answer(documents, queries)
    assert [each["$id"] for each in listed.json()["documents"]] == ids
    assert listed.json()["total"] == total


_atoms = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**70), 2**70),
    st.floats(),
    st.text(max_size=5),
    st.sampled_from([*TEXTS, *TIMES]),
)
_json = st.recursive(
    _atoms,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=6,
)
_METHODS = [
    *COMPARED, "equal", "notEqual", "between", "isNull", "startsWith", "contains", "notContains",
    "containsAll", "search", "notSearch", "select", "orderAsc", "orderDesc", "orderRandom", "limit",
    "offset", "cursorAfter", "cursorBefore", "and", "or", "distanceEqual", "crosses", "regex",
]  # fmt: skip


@settings(
    max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    method=st.sampled_from(_METHODS) | st.text(max_size=10),
    attribute=st.sampled_from([*sorted(VALUES), "", "_id", "a_1", "x'; --"]) | _json,
    values=st.lists(_json, max_size=3) | _json,
)
def test_whatever_is_asked_no_list_fails(
    place: Place, rows: tuple[str, list[dict[str, Any]]], method: str, attribute: Any, values: Any
) -> None:
    text = json.dumps({"method": method, "attribute": attribute, "values": values})
    params = {"queries[0]": text}
    listed = place.key.get(place.documents_of(rows[0]), params=params)
    assert listed.status_code in (200, 400), listed.text
    if listed.status_code == 400:
        assert listed.json()["type"].startswith("general_")
