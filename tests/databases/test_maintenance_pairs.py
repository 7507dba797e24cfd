"""``raindrop databases check`` and ``repair`` on damaged tables of relationships' pairs."""

import pytest

from raindrop.core.db import unit_of_work
from raindrop.databases import maintenance
from raindrop.databases.pairs import PAIRS_BATCH
from tests.databases.places import Place
from tests.databases.relating import Pair
from tests.support.app import app_of
from tests.support.site import Site
from tests.support.v1 import Project

NOBODY = 999_999_999


@pytest.fixture(scope="module")
def place(running_site: Site) -> Place:
    return Place(Project(running_site))


def number_of(site: Site, collection: str) -> int:
    rows = site.sql("SELECT id FROM collections WHERE public_id = :id", id=collection)
    return int(rows[0]["id"])


def pairs_table(pair: Pair) -> str:
    site = pair.place.project.site
    parent = number_of(site, pair.parents)
    anchor = site.sql(
        "SELECT id FROM attributes WHERE collection_id = :id AND `key` = 'kids'", id=parent
    )[0]["id"]
    return f"c_{parent}_j_{anchor}"


def found(pair: Pair) -> list[str]:
    """What ``check`` says of the parents; asked in the test's own process, which is quicker than
    the command, of which test_maintenance.py is."""
    site = pair.place.project.site
    with app_of(site).app_context(), unit_of_work(is_write=False):
        return [each.what for each in maintenance.check() if each.collection == pair.parents]


def put_right(pair: Pair) -> None:
    """Have the workers repair the parents, and wait until nothing is wrong any more."""
    site = pair.place.project.site
    with app_of(site).app_context(), unit_of_work():
        job = maintenance.begin_repair([number_of(site, pair.parents)]).pop().public_id
    assert site.wait_for_job(job)["status"] == "finished"
    assert found(pair) == []
    pair.place.wait(pair.parents)


@pytest.mark.parametrize("is_two_way", [True, False])
def test_a_missing_table_is_made_anew(place: Place, is_two_way: bool) -> None:
    pair = Pair.make(place, "manyToMany", is_two_way=is_two_way)
    child = pair.child("one")
    parent = pair.parent("p", kids=[child])
    assert found(pair) == []
    table, site = pairs_table(pair), place.project.site
    site.sql(f"DROP TABLE {table}")
    assert found(pair) == [f"the table {table} of a relationship is missing"]
    put_right(pair)
    shown = place.key.get(f"{place.at(pair.parents)}/attributes/kids").json()
    assert (shown["status"], shown["error"]) == ("available", "")
    if is_two_way:
        back = place.key.get(f"{place.at(pair.children)}/attributes/folk").json()
        assert back["status"] == "available"
    assert pair.kids(parent) == []
    pair.change(parent, [child])
    assert pair.kids(parent) == ["one"]


def test_wrong_columns(place: Place) -> None:
    """A table that keeps no pairs is made anew; one with a column too many keeps its pairs."""
    site = place.project.site
    useless, extra = (Pair.make(place, "oneToMany", is_two_way=True) for _ in range(2))
    child = useless.child("one")
    parent = useless.parent("p", kids=[child])
    kept = extra.parent("p", kids=[extra.child("kept")])
    table, other = pairs_table(useless), pairs_table(extra)
    site.sql(f"DROP TABLE {table}")
    site.sql(f"CREATE TABLE {table} (parent_id BIGINT NOT NULL PRIMARY KEY, kid BIGINT)")
    site.sql(f"ALTER TABLE {other} ADD COLUMN odd INTEGER NOT NULL DEFAULT 0")
    assert found(useless) == [
        f"the column child_id of {table} is missing",
        f"the column kid of {table} belongs to nothing",
    ]
    assert found(extra) == [f"the column odd of {other} belongs to nothing"]
    put_right(useless)
    put_right(extra)
    assert extra.kids(kept) == ["kept"]
    assert useless.kids(parent) == []
    useless.change(parent, [child])
    assert (useless.kids(parent), useless.folk(child)) == (["one"], ["p"])
    second = extra.parent("q", kids=[extra.child("two")])
    assert extra.kids(second) == ["two"]


def test_a_missing_index_is_made_anew(place: Place) -> None:
    pair = Pair.make(place, "oneToOne", is_two_way=True)
    site, table = place.project.site, pairs_table(pair)
    parent = pair.parent("p", kids=pair.child("one"))
    names = [f"{table}_{end}" for end in ("child", "one_c", "one_p")]
    for name in names:
        on = "" if site.settings.is_sqlite else f" ON {table}"
        site.sql(f"DROP INDEX {name}{on}")
    assert found(pair) == [f"the index {name} is missing" for name in names]
    put_right(pair)
    assert pair.kids(parent) == ["one"]


def test_pairs_that_are_against_the_relationship_are_told_of(place: Place) -> None:
    """Which of them is right nobody knows: the relationship fails and says why."""
    pair = Pair.make(place, "oneToOne", is_two_way=False)
    site, table = place.project.site, pairs_table(pair)
    pair.parent("p", kids=pair.child("one"))
    pair.child("two")
    on = "" if site.settings.is_sqlite else f" ON {table}"
    site.sql(f"DROP INDEX {table}_one_p{on}")
    row = site.sql(f"SELECT * FROM {table}")[0]
    child = site.sql(
        f"SELECT _id FROM c_{number_of(site, pair.children)} WHERE _id <> :id", id=row["child_id"]
    )[0]["_id"]
    site.sql(f"INSERT INTO {table} VALUES (:parent, :child)", parent=row["parent_id"], child=child)
    put_right(pair)
    shown = place.key.get(f"{place.at(pair.parents)}/attributes/kids").json()
    assert shown["status"] == "failed"
    assert "cannot be unique" in shown["error"]
    assert len(site.sql(f"SELECT * FROM {table}")) == 2


def test_an_orphaned_table_is_dropped(place: Place) -> None:
    pair = Pair.make(place, "manyToMany", is_two_way=True)
    parent = pair.parent("p", kids=[pair.child("one")])
    site = place.project.site
    table = f"c_{number_of(site, pair.parents)}_j_{NOBODY}"
    site.sql(f"CREATE TABLE {table} (parent_id BIGINT NOT NULL PRIMARY KEY, child_id BIGINT)")
    assert found(pair) == [f"the table {table} belongs to no relationship"]
    put_right(pair)
    assert table not in site.tables()
    assert pairs_table(pair) in site.tables()
    assert pair.kids(parent) == ["one"]


@pytest.mark.parametrize("is_two_way", [True, False])
def test_dangling_pairs_are_deleted(place: Place, is_two_way: bool) -> None:
    """At either end, and more of them than one batch; those of rows that are there stay."""
    pair = Pair.make(place, "manyToMany", is_two_way=is_two_way)
    lost, kept = pair.child("lost"), pair.child("kept")
    parent = pair.parent("p", kids=[lost, kept])
    gone = pair.parent("gone", kids=[kept])
    site, table = place.project.site, pairs_table(pair)
    for collection, document in ((pair.children, lost), (pair.parents, gone)):
        site.sql(f"DELETE FROM c_{number_of(site, collection)} WHERE _uid = :id", id=document)
    assert found(pair) == [f"2 pairs of {table} are of rows that are not there"]
    number = site.sql(f"SELECT parent_id FROM {table}")[0]["parent_id"]
    values = ", ".join(f"({number}, {NOBODY + n})" for n in range(PAIRS_BATCH + 1))
    site.sql(f"INSERT INTO {table} (parent_id, child_id) VALUES {values}")
    assert found(pair) == [f"{PAIRS_BATCH + 3} pairs of {table} are of rows that are not there"]
    put_right(pair)
    assert len(site.sql(f"SELECT * FROM {table}")) == 1
    assert pair.kids(parent) == ["kept"]
    if is_two_way:
        assert pair.folk(kept) == ["p"]


def test_a_collection_related_to_itself_has_nothing_wrong(place: Place) -> None:
    people = place.collection({"key": "name"})
    pair = Pair.relate(place, people, people, "manyToMany", is_two_way=True)
    pair.parent("root", kids=[{"name": "a", "kids": [{"name": "b"}]}])
    assert found(pair) == []
