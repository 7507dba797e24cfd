"""Platforms: which pages may speak for a project's users."""

import pytest

from tests.contract.recorder import ContractClient
from tests.support.operators import Operator, OwnedProject, visitor
from tests.support.v1 import PASSWORD, error_of, new_email

pytestmark = pytest.mark.contract

SHOP = {"name": "Shop", "type": "web", "hostname": "shop.example"}


def add(project: OwnedProject, **fields: object) -> dict[str, str]:
    made = project.console.post(f"{project.path}/platforms", json=SHOP | fields)
    assert made.status_code == 201, made.text
    return made.json()


def test_add_change_and_take_away(project: OwnedProject) -> None:
    made = add(project, hostname="Shop.Example")
    assert made["hostname"] == "shop.example"
    path = f"{project.path}/platforms/{made['$id']}"
    assert project.console.get(path).json() == made
    assert project.console.get(f"{project.path}/platforms").json() == {
        "total": 1,
        "platforms": [made],
    }
    assert project.get()["platforms"] == [made]
    app = add(project, type="android", hostname="", key="com.example.shop", store="x")
    assert app["key"] == "com.example.shop"
    changed = project.console.put(path, json={"name": "New", "hostname": "new.example"}).json()
    assert (changed["name"], changed["hostname"], changed["type"]) == ("New", "new.example", "web")
    assert project.console.delete(path).status_code == 204
    for answer in (project.console.get(path), project.console.delete(path)):
        assert error_of(answer) == (404, "platform_not_found")


@pytest.mark.parametrize(
    ("hostname", "kept"),
    [
        ("*.shop.example", "*.shop.example"),
        ("bücher.example", "xn--bcher-kva.example"),
        ("192.0.2.7", "192.0.2.7"),
        ("2001:DB8::1", "2001:db8::1"),
        ("intranet", "intranet"),
        ("a" * 63 + ".example", "a" * 63 + ".example"),
    ],
)
def test_good_hostnames(project: OwnedProject, hostname: str, kept: str) -> None:
    assert add(project, hostname=hostname)["hostname"] == kept


@pytest.mark.parametrize(
    "change",
    [
        {"hostname": ""},
        {"hostname": "*"},
        {"hostname": "*."},
        {"hostname": "*.com"},
        {"hostname": "*.192.0.2.7"},
        {"hostname": "a.*.example"},
        {"hostname": "https://shop.example"},
        {"hostname": "shop.example:8080"},
        {"hostname": "shop.example/path"},
        {"hostname": "shop..example"},
        {"hostname": "-shop.example"},
        {"hostname": "shop.example\n"},
        {"hostname": "shop example"},
        {"hostname": "1.2.3"},
        {"hostname": "a" * 64 + ".example"},
        {"hostname": ("a" * 60 + ".") * 5},
        {"hostname": 7},
        {"type": "commodore"},
        {"type": "android", "hostname": "shop.example"},
        {"name": ""},
        {"key": "x" * 257},
    ],
)
def test_bad_platform_is_not_added(project: OwnedProject, change: dict[str, object]) -> None:
    answer = project.console.post(f"{project.path}/platforms", json=SHOP | change)
    assert error_of(answer) == (400, "general_argument_invalid")
    assert project.rows("platforms") == 0


def test_another_projects_platform(project: OwnedProject, stranger: Operator) -> None:
    other = stranger.create_project()
    theirs = add(other)["$id"]
    for method, body in (("GET", None), ("PUT", {"name": "x", "hostname": "x.example"})):
        answer = project.console.request(method, f"{project.path}/platforms/{theirs}", json=body)
        assert error_of(answer) == (404, "platform_not_found")


def may_read(client: ContractClient, origin: str, **headers: str) -> bool:
    answer = client.get("/v1/account", headers={"Origin": origin, **headers})
    assert "Origin" in answer.headers["Vary"]
    return answer.headers.get("Access-Control-Allow-Origin") == origin


def test_pages_that_may_read_answers(project: OwnedProject) -> None:
    add(project)
    add(project, hostname="*.wild.example")
    client = project.guest()
    for origin in (
        "https://shop.example",
        "http://shop.example:3000",
        "https://a.wild.example",
        "https://a.b.wild.example",
        "http://localhost:5173",
        "http://127.0.0.1:3000",
    ):
        assert may_read(client, origin), origin
    for origin in (
        "https://other.example",
        "https://shop.example.evil.example",
        "https://evilshop.example",
        "https://wild.example",
        "https://evilwild.example",
        "https://localhost.evil.example",
        "null",
    ):
        assert not may_read(client, origin), origin


def test_a_platform_holds_at_once_and_for_its_project_only(project: OwnedProject) -> None:
    other = project.owner.create_project(project.team_id)
    client = project.guest()
    assert not may_read(client, "https://shop.example")
    made = add(project)
    assert may_read(client, "https://shop.example")
    assert not may_read(other.guest(), "https://shop.example")
    project.console.delete(f"{project.path}/platforms/{made['$id']}")
    assert not may_read(client, "https://shop.example")


def test_preflight(project: OwnedProject) -> None:
    asked = {
        "Origin": "https://shop.example",
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "x-appwrite-project",
    }
    with project.site.client() as client:
        answer = client.options("/v1/account", headers=asked)
    assert answer.status_code == 204
    assert answer.headers["Access-Control-Allow-Origin"] == "https://shop.example"
    assert answer.headers["Access-Control-Allow-Credentials"] == "true"
    assert "X-Appwrite-Dev-Key" in answer.headers["Access-Control-Allow-Headers"]


def test_writes_by_cookie_from_strange_pages(project: OwnedProject) -> None:
    add(project)
    client, path = project.sign_up(), "/v1/account/sessions/current"
    refused = client.delete(path, headers={"Origin": "https://other.example"})
    assert error_of(refused) == (403, "general_unknown_origin")
    # The refusal is for the page to read: it says what to do.
    assert refused.headers["Access-Control-Allow-Origin"] == "https://other.example"
    assert "other.example" in refused.json()["message"]
    assert client.delete(path, headers={"Origin": "https://shop.example"}).status_code == 204


def test_dev_key_makes_every_page_known(project: OwnedProject) -> None:
    body = {"name": "x", "expire": "2090-01-01T00:00:00Z"}
    made = project.console.post(f"{project.path}/dev-keys", json=body).json()
    dev = {"X-Appwrite-Dev-Key": made["secret"]}
    assert may_read(project.guest(), "https://other.example", **dev)
    client, path = project.sign_up(), "/v1/account/sessions/current"
    origin = {"Origin": "https://other.example"}
    assert client.delete(path, headers=origin).status_code == 403
    assert client.delete(path, headers=origin | dev).status_code == 204
    project.console.delete(f"{project.path}/dev-keys/{made['$id']}")
    assert not may_read(project.guest(), "https://other.example", **dev)


def test_operators_write_from_our_page_only(operator: Operator) -> None:
    """Also the first, who has no session yet: any page could open the account in their place."""
    operator.join()
    body = {"projectId": "unique()", "name": "x", "teamId": "x"}
    origin = {"Origin": "https://evil.example"}
    refused = operator.client.post("/v1/projects", json=body, headers=origin)
    assert error_of(refused) == (403, "general_unknown_origin")
    nobody = visitor(operator.site, "console", "127.9.9.9")
    person = {"userId": "unique()", "email": new_email(), "password": PASSWORD}
    refused = nobody.post("/v1/account", json=person, headers=origin)
    assert error_of(refused) == (403, "general_unknown_origin")
    simple = nobody.post(
        "/v1/account?project=console", data=person, headers={**origin, "X-Appwrite-Project": ""}
    )
    assert error_of(simple) == (403, "general_unknown_origin")
