"""``raindrop databases …`` on real damage."""

import subprocess

import pytest

from tests.databases.places import Place, eventually
from tests.support.site import RAINDROP, Site
from tests.support.v1 import Project


def run(site: Site, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(RAINDROP), "databases", *arguments],
        env=site.environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


@pytest.fixture
def place(running_site: Site) -> Place:
    return Place(Project(running_site))


def test_sizes_and_list_tell_of_a_collection(place: Place) -> None:
    things = place.collection({"key": "title"})
    for _ in range(3):
        assert place.create(place.key, things, {"title": "x"}).status_code == 201
    site = place.project.site
    (line,) = (line for line in run(site, "sizes").stdout.splitlines() if things in line)
    assert " 3 documents" in line
    (line,) = (line for line in run(site, "list").stdout.splitlines() if things in line)
    assert place.project.id in line


def test_damage_is_found_and_put_right(place: Place) -> None:
    things = place.collection({"key": "title"}, {"key": "size", "kind": "integer"})
    made = place.create(place.key, things, {"title": "x", "size": 1}, permissions=['read("users")'])
    assert made.status_code == 201
    site = place.project.site
    (number,) = (
        row["id"] for row in site.sql("SELECT id FROM collections WHERE public_id = :id", id=things)
    )
    (column,) = (
        row["id"]
        for row in site.sql(
            "SELECT id FROM attributes WHERE collection_id = :id AND `key` = 'size'", id=number
        )
    )
    assert not [line for line in run(site, "check").stdout.splitlines() if things in line]
    site.sql(f"ALTER TABLE c_{number} DROP COLUMN a_{column}")
    site.sql(f"ALTER TABLE c_{number} ADD COLUMN a_999999999 INTEGER")
    site.sql(f"DELETE FROM c_{number}_p")
    found = run(site, "check")
    assert found.returncode == 1
    lines = [line for line in found.stdout.splitlines() if things in line]
    assert len(lines) == 3, lines
    assert run(site, "repair").returncode == 0

    def is_right() -> bool | None:
        return None if things in run(site, "check").stdout else True

    eventually(is_right, within_s=30)
    document = place.key.get(place.documents_of(things, made.json()["$id"])).json()
    assert document["title"] == "x"
    assert document["size"] is None
    assert len(site.sql(f"SELECT * FROM c_{number}_p")) == 1


def test_an_index_is_made_anew(place: Place) -> None:
    things = place.collection({"key": "title"})
    for kind in ("unique", "fulltext"):
        body = {"key": kind, "type": kind, "attributes": ["title"]}
        assert place.key.post(f"{place.at(things)}/indexes", json=body).status_code == 202
    place.wait(things)
    assert place.create(place.key, things, {"title": "水滴石穿"}).status_code == 201
    site, where = place.project.site, (place.project.id, place.id, things)
    for kind in ("unique", "fulltext"):
        before = place.key.get(f"{place.at(things)}/indexes/{kind}").json()
        assert run(site, "rebuild-index", *where, kind).returncode == 0

        def is_anew(kind: str = kind, before: str = before["$updatedAt"]) -> bool | None:
            shown = place.key.get(f"{place.at(things)}/indexes/{kind}").json()
            is_done = shown["status"] == "available" and shown["$updatedAt"] != before
            return True if is_done else None

        eventually(is_anew, within_s=30)
    search = '{"method": "search", "attribute": "title", "values": ["石穿"]}'
    found = place.key.get(place.documents_of(things), params={"queries[0]": search}).json()
    assert found["total"] == 1
    refused = place.create(place.key, things, {"title": "水滴石穿"})
    assert refused.status_code == 409
    assert run(site, "rebuild-index", *where, "nothing").returncode == 1
