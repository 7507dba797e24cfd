"""How many statements a list takes: the same, however many rows it shows."""

from typing import Any

import pytest

from tests.databases.places import Place
from tests.databases.queries import args, q
from tests.support.mariadb import MariaDb
from tests.support.site import Site
from tests.support.v1 import Project

pytestmark = pytest.mark.contract


def test_a_list_takes_as_many_statements_for_many_rows_as_for_few(
    running_site: Site, database: str, request: pytest.FixtureRequest
) -> None:
    if database == "sqlite":
        pytest.skip("statements are counted by MariaDB")
    server: MariaDb = request.getfixturevalue("mariadb")
    place = Place(Project(running_site))
    collection = place.collection(
        {"key": "size", "kind": "integer"}, permissions=[], has_document_security=True
    )
    for number in range(30):
        made = place.create(place.key, collection, {"size": number}, f"r{number}", ['read("any")'])
        assert made.status_code == 201, made.text
    table = running_site.sql("SELECT id FROM collections WHERE public_id = :id", id=collection)
    name = f"c_{table[0]['id']}"
    visitor, url = place.project.guest(), place.documents_of(collection)

    def count(who: Any, *queries: dict[str, Any]) -> int:
        server.query("SET GLOBAL log_output = 'TABLE'")
        server.query("SET GLOBAL general_log = 1")
        server.query("TRUNCATE mysql.general_log")
        assert who.get(url, params=args(*queries)).status_code == 200
        server.query("SET GLOBAL general_log = 0")
        seen = server.query(
            "SELECT argument FROM mysql.general_log WHERE command_type = 'Query'"
            f" AND argument LIKE '%FROM {name}%'"
        )
        return len(seen)

    # Queries that were not asked before, so that no answer comes from the cache.
    for who, most in ((place.key, 1), (visitor, 2)):
        for limit in (2, 29):
            filters = [q("greaterThanEqual", "size", -limit)]
            assert count(who, q("limit", None, limit)) <= most
            assert count(who, *filters, q("limit", None, limit)) <= most
            after = q("cursorAfter", None, "r0")
            assert count(who, *filters, after, q("limit", None, limit)) <= most + 1
