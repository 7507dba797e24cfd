"""Lists of users: filters, search, orders, pages, totals."""

import json
from typing import Any

import pytest
import sqlalchemy as sa

from tests.contract.recorder import ContractClient
from tests.support.site import Site
from tests.support.v1 import Project, error_of

pytestmark = pytest.mark.contract


@pytest.fixture
def project(running_site: Site) -> Project:
    return Project(running_site)


@pytest.fixture
def key(project: Project) -> ContractClient:
    return project.key()


@pytest.fixture
def people(key: ContractClient) -> None:
    """Ann, Bea, Cid and Dan; Dan has no e-mail and no password."""
    for name, phone, labels in (
        ("Ann", "+4930111111", ["vip", "beta"]),
        ("Bea", "+4930222222", ["VIP"]),
        ("Cid", "+4930333333", ["vip2"]),
    ):
        body = {
            "userId": name.lower(),
            "name": name,
            "email": f"{name.lower()}@example.test",
            "phone": phone,
            "password": "correct horse 1",
        }
        assert key.post("/v1/users", json=body).status_code == 201
        key.put(f"/v1/users/{name.lower()}/labels", json={"labels": labels})
    assert key.post("/v1/users", json={"userId": "dan", "name": "Dan"}).status_code == 201
    key.patch("/v1/users/ann/verification", json={"emailVerification": True})
    key.patch("/v1/users/bea/verification/phone", json={"phoneVerification": True})
    key.patch("/v1/users/cid/status", json={"status": False})


def query(method: str, attribute: str = "", *values: Any) -> str:
    parts = {"method": method, "attribute": attribute, "values": list(values)}
    return json.dumps({name: value for name, value in parts.items() if value not in ("", [])})


def ask(key: ContractClient, *queries: str, **more: Any) -> Any:
    named = {f"queries[{index}]": text for index, text in enumerate(queries)}
    return key.get("/v1/users", params=named | more)


def ids(key: ContractClient, *queries: str, **more: Any) -> list[str]:
    answer = ask(key, *queries, **more)
    assert answer.status_code == 200, answer.text
    return [user["$id"] for user in answer.json()["users"]]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (query("equal", "name", "Ann"), "ann"),
        (query("equal", "name", "ann"), ""),
        (query("equal", "name", "Ann", "Bea"), "ann bea"),
        (query("notEqual", "name", "Ann"), "bea cid dan"),
        (query("startsWith", "name", "B"), "bea"),
        (query("equal", "email", "bea@example.test"), "bea"),
        (query("endsWith", "email", "@example.test"), "ann bea cid"),
        (query("contains", "email", "ann", "cid"), "ann cid"),
        (query("isNull", "email"), "dan"),
        (query("isNotNull", "email"), "ann bea cid"),
        (query("equal", "phone", "+4930222222"), "bea"),
        (query("equal", "status", False), "cid"),
        (query("equal", "emailVerification", True), "ann"),
        (query("equal", "phoneVerification", True), "bea"),
        (query("equal", "mfa", True), ""),
        (query("contains", "labels", "vip"), "ann"),
        (query("contains", "labels", "VIP", "beta"), "ann bea"),
        (query("notContains", "labels", "vip"), "bea cid dan"),
        (query("isNull", "passwordUpdate"), "dan"),
        (query("greaterThan", "registration", "2020-01-01T00:00:00.000+00:00"), "ann bea cid dan"),
        (query("lessThan", "$createdAt", "2020-01-01T00:00:00.000+00:00"), ""),
        (query("greaterThan", "accessedAt", "2020-01-01"), "ann bea cid dan"),
        (query("equal", "$id", "ann", "dan"), "ann dan"),
        (query("between", "name", "B", "Cz"), "bea cid"),
        (query("search", "name", "e"), "bea"),
        (
            json.dumps(
                {
                    "method": "or",
                    "values": [
                        json.loads(query("equal", "name", "Ann")),
                        json.loads(query("equal", "status", False)),
                    ],
                }
            ),
            "ann cid",
        ),
    ],
)
@pytest.mark.usefixtures("people")
def test_filters(key: ContractClient, text: str, expected: str) -> None:
    assert ids(key, text) == expected.split()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("bea", "bea"),
        ("BEA", "bea"),
        ("@Example.test", "ann bea cid"),
        ("+4930333", "cid"),
        ("dan", "dan"),
        ("%", ""),
        ("", "ann bea cid dan"),
    ],
)
@pytest.mark.usefixtures("people")
def test_search(key: ContractClient, text: str, expected: str) -> None:
    assert ids(key, search=text) == expected.split()


@pytest.mark.usefixtures("people")
def test_search_finds_what_changed(key: ContractClient) -> None:
    key.patch("/v1/users/dan/name", json={"name": "Zoë Müller"})
    assert ids(key, search="MÜLLER") == ["dan"]
    assert ids(key, search="Dan") == ["dan"]  # by its id


@pytest.mark.usefixtures("people")
def test_orders(key: ContractClient) -> None:
    assert ids(key, query("orderDesc", "name")) == ["dan", "cid", "bea", "ann"]
    assert ids(key, query("orderAsc", "email")) == ["dan", "ann", "bea", "cid"]
    by_two = (query("orderDesc", "status"), query("orderDesc", "name"))
    assert ids(key, *by_two) == ["dan", "bea", "ann", "cid"]


@pytest.mark.usefixtures("people")
def test_pages(key: ContractClient) -> None:
    limit = query("limit", "", 2)
    assert ids(key, limit) == ["ann", "bea"]
    assert ids(key, limit, query("offset", "", 2)) == ["cid", "dan"]
    assert ids(key, limit, query("cursorAfter", "", "bea")) == ["cid", "dan"]
    assert ids(key, limit, query("cursorBefore", "", "dan")) == ["bea", "cid"]
    by_email = query("orderDesc", "email")
    assert ids(key, limit, by_email) == ["cid", "bea"]
    assert ids(key, limit, by_email, query("cursorAfter", "", "bea")) == ["ann", "dan"]
    page = ask(key, limit, query("equal", "status", True)).json()
    assert (page["total"], len(page["users"])) == (3, 2)
    uncounted = ask(key, limit, total="false").json()
    assert (uncounted["total"], len(uncounted["users"])) == (0, 2)


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        (query("equal", "password", "x"), "general_query_invalid"),
        (query("equal", "project_id", 1), "general_query_invalid"),
        (query("equal", "labels", "vip"), "general_query_invalid"),
        (query("greaterThan", "labels", "vip"), "general_query_invalid"),
        (query("contains", "labels", 7), "general_query_invalid"),
        (query("equal", "status", "yes"), "general_query_invalid"),
        (query("greaterThan", "registration", "yesterday"), "general_query_invalid"),
        (query("drop", "name", "x"), "general_query_invalid"),
        (query("orderAsc", "prefs"), "general_query_invalid"),
        (query("limit", "", 0), "general_query_invalid"),
        (query("limit", "", 5001), "general_query_invalid"),
        (query("offset", "", -1), "general_query_invalid"),
        (query("equal", "name", *["x"] * 101), "general_query_invalid"),
        (query("cursorAfter", "", "nobody"), "general_cursor_not_found"),
        ("equal('name', 'Ann')", "general_query_invalid"),
        ("[" * 4000, "general_query_invalid"),
        ("x" * 4097, "general_query_invalid"),
    ],
)
def test_bad_queries(key: ContractClient, text: str, kind: str) -> None:
    assert error_of(ask(key, text)) == (400, kind)


def test_bad_arguments(key: ContractClient) -> None:
    assert error_of(key.get("/v1/users?total=perhaps")) == (400, "general_argument_invalid")
    assert error_of(key.get("/v1/users?search=a&search=b")) == (400, "general_argument_invalid")
    assert key.get("/v1/users", params={"search": "x" * 256}).status_code == 200
    refused = key.get("/v1/users", params={"search": "x" * 257})
    assert error_of(refused) == (400, "general_argument_invalid")
    isnt = '{"method":"isNotNull","attribute":"name"}'
    assert ask(key, *[isnt] * 100).status_code == 200
    assert error_of(ask(key, *[isnt] * 101)) == (400, "general_query_invalid")
    beyond_nginx = [query("equal", "name", "x" * 3900)] * 10
    assert ask(key, *beyond_nginx[:7]).status_code == 200
    assert error_of(ask(key, *beyond_nginx)) == (400, "general_bad_request")


def test_another_projects_user_is_no_cursor(project: Project, key: ContractClient) -> None:
    other = Project(project.site)
    made = other.key().post("/v1/users", json={"userId": "eve"})
    assert made.status_code == 201
    assert ids(key) == []
    refused = ask(key, query("cursorAfter", "", "eve"))
    assert error_of(refused) == (400, "general_cursor_not_found")


def test_totals_are_exact_up_to_5000(project: Project, key: ContractClient) -> None:
    for count in (5000, 1):
        add_users(project, count)
        answer = ask(key, query("limit", "", 5000)).json()
        assert (answer["total"], len(answer["users"])) == (5000, 5000)
    assert ids(key, query("offset", "", 5000)) == ["x1-0"]


def add_users(project: Project, count: int) -> None:
    rows = [{"project": project.number, "id": f"x{count}-{number}"} for number in range(count)]
    statement = sa.text(
        "INSERT INTO users (project_id, public_id, name, hash_type, hash_options,"
        " password_history, is_active, labels, is_email_verified, is_phone_verified, has_mfa,"
        " prefs, search_text, created_at, updated_at) VALUES (:project, :id, '', 'argon2', '{}',"
        " '[]', 1, '[]', 0, 0, 0, '{}', '', '2026-01-01 00:00:00', '2026-01-01 00:00:00')"
    )
    with project.site.engine.begin() as connection:
        connection.execute(statement, rows)
