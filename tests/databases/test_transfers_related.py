"""Relationships in exported and imported files: ids of related documents."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
import sqlalchemy as sa

from raindrop.core.access import system
from raindrop.core.db import db, unit_of_work
from raindrop.core.tenancy import Project as ProjectRow
from raindrop.core.tenancy import tenant_of
from raindrop.databases import importing, loading, storing
from raindrop.databases.drafting import RawRecord
from raindrop.databases.schema_store import find_schema
from tests.databases.places import Place
from tests.databases.relating import KINDS, Pair, select
from tests.databases.test_transfers import run_export, run_import, send
from tests.support.app import app_of
from tests.support.site import Site
from tests.support.v1 import Project

FORMATS = ("csv", "jsonl")


@pytest.fixture(scope="module")
def place(running_site: Site) -> Place:
    return Place(Project(running_site))


def lines(*records: dict[str, Any]) -> bytes:
    return "\n".join(json.dumps(each) for each in records).encode()


def ids_of(pair: Pair, collection: str, key: str) -> dict[str, Any]:
    """What every document is related to, by its id."""
    place = pair.place
    params = {"queries[0]": select("*", f"{key}.$id")}
    found = place.key.get(place.documents_of(collection), params=params).json()[place.documents]
    return {each["$id"]: _ids(each[key]) for each in found}


def _ids(value: Any) -> Any:
    if isinstance(value, list):
        return [each["$id"] for each in value]
    return value["$id"] if value else None


def put(pair: Pair, collection: str, document: str, **data: Any) -> None:
    place = pair.place
    made = place.create(place.key, collection, {"name": document, **data}, document)
    assert made.status_code == 201, made.text


@pytest.mark.parametrize("file_format", FORMATS)
@pytest.mark.parametrize("kind", KINDS)
def test_what_is_exported_is_related_the_same_after_the_import(
    place: Place, kind: str, file_format: str
) -> None:
    first, second = (Pair.make(place, kind, is_two_way=True) for _ in range(2))
    for child in ("a", "b", "c"):
        put(first, first.children, child)
    put(first, first.parents, "x", kids=["a", "b"] if first.has_many else "a")
    put(first, first.parents, "y", kids=["c"] if first.has_many else "c")
    put(first, first.parents, "z")
    parents, children = (
        run_export(place, each, file_format) for each in (first.parents, first.children)
    )
    name = f"d.{file_format}"
    refused = run_import(place, second.parents, name, parents)
    assert (refused["imported"], refused["rejected"]) == (1, 2)
    assert refused["rejections"][0]["reason"] == "related_not_found"
    answer = send(place, second.children, name, children, "skip&relationships=skip")
    job = place.project.site.wait_for_job(answer.json()["id"])
    assert job["result"]["imported"] == 3, job
    assert run_import(place, second.parents, name, parents)["imported"] == 2
    for key, one, other in (
        ("kids", first.parents, second.parents),
        ("folk", first.children, second.children),
    ):
        expected = ids_of(first, one, key)
        assert any(expected.values())
        assert ids_of(second, other, key) == expected
    assert sorted(run_export(place, second.children, file_format).splitlines()) == sorted(
        children.splitlines()
    )
    again = run_import(place, second.children, name, children, "overwrite")
    assert again["overwritten"] == 3
    assert ids_of(second, second.parents, "kids") == ids_of(first, first.parents, "kids")


def test_the_form_of_a_file(place: Place) -> None:
    pair = Pair.make(place, "oneToMany", is_two_way=True)
    put(pair, pair.children, "a")
    put(pair, pair.children, "b")
    put(pair, pair.parents, "x", kids=["b", "a"])
    put(pair, pair.parents, "y")
    table = run_export(place, pair.parents, "csv").decode("utf-8-sig").splitlines()
    assert table[0].endswith(",name,kids")
    assert [line.partition(",x,")[2] for line in table[1:2]] == ['"[""a"", ""b""]"']
    assert table[2].endswith(",y,[]")
    table = run_export(place, pair.children, "csv").decode("utf-8-sig").splitlines()
    assert table[0].endswith(",name,folk")
    assert table[1].endswith(",a,x")
    records = [json.loads(each) for each in run_export(place, pair.parents, "jsonl").splitlines()]
    assert [each["kids"] for each in records] == [["a", "b"], []]
    records = [json.loads(each) for each in run_export(place, pair.children, "jsonl").splitlines()]
    assert [each["folk"] for each in records] == ["x", "x"]


def test_the_later_line_has_what_only_one_can_have(place: Place) -> None:
    pair = Pair.make(place, "oneToMany", is_two_way=True)
    for child in ("a", "b", "c"):
        put(pair, pair.children, child)
    put(pair, pair.parents, "old", kids=["a", "b", "c"])
    data = lines({"$id": "x", "kids": ["a", "b"]}, {"$id": "y", "kids": ["b"]}, {"$id": "z"})
    assert run_import(place, pair.parents, "d.jsonl", data)["imported"] == 3
    kids = ids_of(pair, pair.parents, "kids")
    assert kids == {"old": ["c"], "x": ["a"], "y": ["b"], "z": []}
    # What a line does not name stays, what it names empty is unlinked.
    data = lines({"$id": "x", "name": "n"}, {"$id": "y", "kids": None}, {"$id": "z", "kids": ["a"]})
    assert run_import(place, pair.parents, "d.jsonl", data, "overwrite")["overwritten"] == 3
    assert ids_of(pair, pair.parents, "kids") == {"old": ["c"], "x": [], "y": [], "z": ["a"]}
    assert run_import(place, pair.parents, "d.jsonl", lines({"$id": "z", "kids": []}))["skipped"]
    assert ids_of(pair, pair.parents, "kids")["z"] == ["a"]
    table = b'$id,kids\r\nold,\r\nx,"[""a"", ""c""]"\r\n'
    assert run_import(place, pair.parents, "d.csv", table, "overwrite")["overwritten"] == 2
    assert ids_of(pair, pair.parents, "kids") == {"old": [], "x": ["a", "c"], "y": [], "z": []}
    table = b"$id,folk\r\na,y\r\nb,y\r\nc,\r\n"
    assert run_import(place, pair.children, "d.csv", table, "overwrite")["overwritten"] == 3
    assert ids_of(pair, pair.parents, "kids") == {"old": [], "x": [], "y": ["a", "b"], "z": []}


def test_one_to_one_in_one_file(place: Place) -> None:
    pair = Pair.make(place, "oneToOne", is_two_way=True)
    put(pair, pair.children, "a")
    put(pair, pair.children, "b")
    data = lines(
        {"$id": "x", "kids": "a"}, {"$id": "y", "kids": "a"}, {"$id": "x", "kids": "b"},
        {"$id": "z", "kids": "b"},
    )  # fmt: skip
    result = run_import(place, pair.parents, "d.jsonl", data, "overwrite")
    assert (result["imported"], result["overwritten"]) == (3, 1)
    assert ids_of(pair, pair.parents, "kids") == {"x": None, "y": "a", "z": "b"}
    assert ids_of(pair, pair.children, "folk") == {"a": "y", "b": "z"}


def test_what_cannot_be_related_is_a_bad_line(place: Place) -> None:
    one, many = (Pair.make(place, kind, is_two_way=False) for kind in ("manyToOne", "oneToMany"))
    put(one, one.children, "a")
    put(many, many.children, "a")
    for pair, good, bad in (
        (one, "a", ["b", 3, ["a"], {"$id": "a"}, "\0", "\ud800", ""]),
        (many, ["a"], [["a", "b"], "a", [3], [None], {"$id": "a"}, 3]),
    ):
        records = [{"$id": f"n{number}", "kids": each} for number, each in enumerate(bad)]
        records += [{"\ud800": 1}, {"\0": 1}]
        result = run_import(
            place, pair.parents, "d.jsonl", lines(*records, {"$id": "good", "kids": good})
        )
        assert (result["imported"], result["rejected"]) == (1, len(records)), result
        assert [each["line"] for each in result["rejections"]] == list(range(1, len(records) + 1))
        assert ids_of(pair, pair.parents, "kids") == {"good": good}
    result = run_import(place, many.parents, "d.csv", b"$id,kids\r\nx,a\r\n")
    assert result["rejections"][0]["reason"] == "invalid_json"


def test_documents_of_one_file_lead_to_each_other(place: Place) -> None:
    things = place.collection({"key": "name"}, {"key": "code"})
    pair = Pair.relate(place, things, things, "oneToMany", is_two_way=True)
    body = {"key": "once", "type": "unique", "attributes": ["code"]}
    assert place.key.post(f"{place.at(things)}/indexes", json=body).status_code == 202
    place.wait(things)
    data = lines(
        {"$id": "a", "kids": ["b", "c"], "code": "1"},
        {"$id": "b"},
        {"$id": "c", "folk": "a"},
        {"$id": "d", "kids": ["e"]},  # as the last of a chain is refused
        {"$id": "e", "kids": ["f"]},
        {"$id": "f", "code": "1"},
        {"$id": "g", "folk": "nobody"},
        {"$id": "h", "folk": "g"},
    )
    result = run_import(place, things, "d.jsonl", data)
    assert (result["imported"], result["rejected"]) == (3, 5), result
    assert [each["line"] for each in result["rejections"]] == [4, 5, 6, 7, 8]
    assert ids_of(pair, things, "kids") == {"a": ["b", "c"], "b": [], "c": []}
    assert ids_of(pair, things, "folk") == {"a": None, "b": "a", "c": "a"}
    events = place.project.site.sql(
        "SELECT name FROM events WHERE name LIKE :like", like=f"%.{things}.documents.%"
    )
    assert sorted(each["name"].split(".")[-2] for each in events) == ["a", "b", "c"]


@pytest.fixture
def counted(running_site: Site, place: Place) -> Iterator[Any]:
    """Counts the statements of what is done in the test's own process."""
    with app_of(running_site).app_context():
        row = db.session.scalars(
            sa.select(ProjectRow).where(ProjectRow.public_id == place.project.id)
        ).one()
        actor = system(tenant_of(row))
        db.session.rollback()  # SQLite has one writer at a time, and the site is to write
        statements: list[str] = []

        def note(_c: Any, _cursor: Any, statement: str, *_: Any) -> None:
            if " c_" in statement:  # of collections' tables: the rest is the cache's chance
                statements.append(statement)

        sa.event.listen(db.engine, "before_cursor_execute", note)

        def count(work: Any) -> int:
            statements.clear()
            work()
            return len(statements)

        yield actor, count
        sa.event.remove(db.engine, "before_cursor_execute", note)
        db.session.rollback()


def test_as_many_statements_for_many_documents_as_for_few(place: Place, counted: Any) -> None:
    actor, count = counted
    pair = Pair.make(place, "manyToMany", is_two_way=True)
    children = [f"k{number}" for number in range(100)]
    data = lines(*({"$id": child} for child in children))
    assert run_import(place, pair.children, "d.jsonl", data)["imported"] == 100
    schema = find_schema(actor.tenant, place.id, pair.parents)

    def imports(begin: int, size: int) -> None:
        records = [
            RawRecord(n, lines({"$id": f"p{n}", "kids": children[n : n + 5]}), (), ())
            for n in range(begin, begin + size)
        ]
        drafts = importing._sort(schema, records)[1]
        with unit_of_work():
            assert len(storing.store(actor, schema, drafts, overwrites=False).created) == size

    few, many = count(lambda: imports(0, 2)), count(lambda: imports(10, 80))
    assert many == few

    def exports(size: int) -> None:
        documents = [{"$sequence": number} for number in range(1, size + 1)]
        loading.load_ids(actor, schema, documents, ["kids"])

    assert count(lambda: exports(2)) == count(lambda: exports(80)) == 1
