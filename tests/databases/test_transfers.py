"""Importing and exporting a collection: round trips, bad lines, conflicts, refusals."""

import csv
import io
import json
from typing import Any

import httpx
import pytest

from raindrop.core.access import KEY_SCOPES
from tests.databases.places import Place
from tests.support.operators import Operator
from tests.support.site import Site
from tests.support.v1 import Project

ATTRIBUTES: tuple[dict[str, Any], ...] = (
    {"key": "title"},
    {"key": "size", "kind": "integer"},
    {"key": "weight", "kind": "float"},
    {"key": "open", "kind": "boolean"},
    {"key": "due", "kind": "datetime"},
    {"key": "tags", "array": True},
    {"key": "numbers", "kind": "integer", "array": True},
)
LIMIT_BYTES = 100 * 1024 * 1024


@pytest.fixture(scope="module")
def place(running_site: Site) -> Place:
    return Place(Project(running_site))


def client_of(place: Place, *scopes: str) -> httpx.Client:
    """A client with a key, for addresses that are not of the contract."""
    headers = {"X-Appwrite-Key": place.project.key(*scopes).headers["X-Appwrite-Key"]}
    return httpx.Client(
        base_url=place.project.site.url, timeout=120, trust_env=False, headers=headers
    )


def at(place: Place, collection: str, what: str) -> str:
    return f"/api/databases/{place.project.id}/{place.id}/{collection}/{what}"


def send(
    place: Place, collection: str, name: str, data: bytes, how: str = "", **more: Any
) -> httpx.Response:
    client = more.get("client") or client_of(place)
    url = at(place, collection, "import") + (f"?on_conflict={how}" if how else "")
    return client.post(url, files={"file": (name, data, "application/octet-stream")})


def run_import(
    place: Place, collection: str, name: str, data: bytes, how: str = ""
) -> dict[str, Any]:
    answer = send(place, collection, name, data, how)
    assert answer.status_code == 202, answer.text
    job = place.project.site.wait_for_job(answer.json()["id"])
    assert job["status"] == "finished", job
    return job["result"]


def run_export(place: Place, collection: str, file_format: str, *queries: Any) -> bytes:
    client = client_of(place)
    body = {"format": file_format, "queries": [json.dumps(each) for each in queries]}
    answer = client.post(at(place, collection, "export"), json=body)
    assert answer.status_code == 202, answer.text
    job = place.project.site.wait_for_job(answer.json()["id"])
    assert job["status"] == "finished", job
    return client.get(f"/api/jobs/{job['id']}/file").content


def all_of(place: Place, collection: str) -> list[dict[str, Any]]:
    limit = json.dumps({"method": "limit", "values": [5000]})
    listed = place.key.get(place.documents_of(collection), params={"queries[0]": limit}).json()
    return list(listed["documents"])


def without(documents: list[dict[str, Any]], *names: str) -> list[dict[str, Any]]:
    return [{k: v for k, v in each.items() if k not in names} for each in documents]


@pytest.mark.parametrize("file_format", ["csv", "jsonl"])
def test_what_is_exported_imports_to_the_same_documents(place: Place, file_format: str) -> None:
    geometry: tuple[dict[str, Any], ...] = ()
    spatial: dict[str, Any] = {}
    if not place.project.site.settings.is_sqlite:
        geometry = (
            {"key": "spot", "kind": "point"},
            {"key": "way", "kind": "line"},
            {"key": "area", "kind": "polygon"},
        )
        ring = [[0.0, 0.0], [4.5, 0.0], [4.5, 3.0], [0.0, 0.0]]
        spatial = {"spot": [121.47, 31.23], "way": [[1.0, 2.0], [3.0, 4.5]], "area": [ring]}
    first, second = (place.collection(*ATTRIBUTES, *geometry) for _ in range(2))
    for data in (
        {"title": '水滴 🌧 "quoted", with\r\ntwo lines', "size": 2**63 - 1, "weight": 0.1 + 0.2},
        {"title": "", "size": -5, "open": False, "tags": [], "numbers": [-1, 2**53 + 1]},
        {"title": None, "tags": ["", "a,b", "=x"], "open": True, "due": "2026-02-28T23:59:59.123Z"},
        {"title": '""', "weight": -1e300, "tags": None} | spatial,
        {"title": "=1+1"},
        {"title": "'=1"},
        {"title": '\'""'},
        {"title": "\tx"},
        {"title": " spaced "},
    ):
        made = place.create(place.key, first, data, permissions=['read("user:ann")'])
        assert made.status_code == 201, made.text
    data_file = run_export(place, first, file_format)
    result = run_import(place, second, f"d.{file_format}", data_file)
    assert result == {
        "imported": 9, "overwritten": 0, "skipped": 0, "rejected": 0, "rejections": [],
    }  # fmt: skip
    before, after = all_of(place, first), all_of(place, second)
    own = ("$collectionId", "$sequence")
    assert without(after, *own) == without(before, *own)
    assert run_export(place, second, file_format) == data_file


def test_a_csv_file_is_safe_to_open(place: Place) -> None:
    collection = place.collection({"key": "title"}, {"key": "size", "kind": "integer"})
    place.create(place.key, collection, {"title": "=HYPERLINK(1)", "size": -3}, "one")
    data = run_export(place, collection, "csv")
    assert data.startswith(b"\xef\xbb\xbf$id,$permissions,$createdAt,$updatedAt,title,size\r\n")
    rows = list(csv.DictReader(io.StringIO(data.decode("utf-8-sig"), newline="")))
    assert (rows[0]["$id"], rows[0]["title"], rows[0]["size"]) == ("one", "'=HYPERLINK(1)", "-3")


def test_filters_choose_what_is_exported(place: Place) -> None:
    collection = place.collection({"key": "size", "kind": "integer"})
    for size in range(5):
        place.create(place.key, collection, {"size": size})
    query = {"method": "greaterThan", "attribute": "size", "values": [2]}
    lines = run_export(place, collection, "jsonl", query).decode().splitlines()
    assert [json.loads(line)["size"] for line in lines] == [3, 4]
    client = client_of(place)
    for wrong in ({"method": "limit", "values": [3]}, {"method": "nothing"}):
        body = {"queries": [json.dumps(wrong)]}
        refused = client.post(at(place, collection, "export"), json=body)
        assert (refused.status_code, refused.json()["type"]) == (400, "general_query_invalid")


def test_bad_lines_are_counted_and_told(place: Place) -> None:
    collection = place.collection(
        {"key": "title", "required": True}, {"key": "size", "kind": "integer"}
    )
    good = b'{"$id": "a", "title": "x"}\n'
    bad = [
        b"{no json", b"[1]", b'{"title": 3}', b'{"size": 3}', b'{"title": "x", "colour": 1}',
        b'{"title": "\xff"}', b'{"title": "x", "$id": "!"}', b'{"title": "x", "$permissions": [3]}',
        b'{"title": "x", "$createdAt": "soon"}', b'{"title": "x", "$odd": 1}',
    ]  # fmt: skip
    result = run_import(place, collection, "d.jsonl", good + b"\n\n" + b"\n".join(bad))
    assert (result["imported"], result["rejected"]) == (1, len(bad))
    assert [each["line"] for each in result["rejections"]] == list(range(4, 4 + len(bad)))
    assert [each["reason"] for each in result["rejections"]][:2] == ["invalid_json"] * 2
    table = b'title,size\r\nx,1\r\ny,two\r\n"two\nlines",3\r\nz,1,1\r\n,4\r\n\xff,1\r\nlast,\r\n'
    result = run_import(place, collection, "d.csv", table)
    assert (result["imported"], result["rejected"]) == (3, 4)
    assert [each["line"] for each in result["rejections"]] == [3, 6, 7, 8]
    many = b'{"title": 1}\n' * 150
    result = run_import(place, collection, "d.jsonl", many)
    assert (result["rejected"], len(result["rejections"])) == (150, 100)


def test_documents_that_are_there_are_skipped_or_overwritten(place: Place) -> None:
    collection = place.collection({"key": "title"}, {"key": "size", "kind": "integer"})
    made = place.create(place.key, collection, {"title": "old", "size": 1}, "a").json()
    lines = b"\n".join(
        json.dumps({"$id": uid, "title": title}).encode()
        for uid, title in (("a", "new"), ("b", "b1"), ("b", "b2"))
    )
    skipped = run_import(place, collection, "d.jsonl", lines)
    assert (skipped["imported"], skipped["skipped"], skipped["overwritten"]) == (1, 2, 0)
    assert {each["$id"]: each["title"] for each in all_of(place, collection)} == {
        "a": "old", "b": "b1",
    }  # fmt: skip
    result = run_import(place, collection, "d.jsonl", lines, "overwrite")
    assert (result["imported"], result["skipped"], result["overwritten"]) == (0, 0, 3)
    after = {each["$id"]: each for each in all_of(place, collection)}
    assert (after["a"]["title"], after["a"]["size"], after["b"]["title"]) == ("new", None, "b2")
    assert after["a"]["$createdAt"] == made["$createdAt"]
    assert send(place, collection, "d.jsonl", lines, "perhaps").status_code == 400


def test_who_may(place: Place) -> None:
    collection = place.collection({"key": "title"})
    data = b'{"title": "x"}\n'
    site = place.project.site
    elsewhere = Place(Project(site))
    theirs = elsewhere.collection({"key": "title"})
    guest = httpx.Client(base_url=site.url, trust_env=False)
    for client, status, kind in (
        (guest, 401, "general_unauthorized_scope"),
        (client_of(elsewhere), 401, "general_access_forbidden"),
        (client_of(place, "users.read"), 401, "general_unauthorized_scope"),
        (client_of(place, "rows.read"), 401, "general_unauthorized_scope"),
    ):
        refused = send(place, collection, "d.jsonl", data, client=client)
        assert (refused.status_code, refused.json()["type"]) == (status, kind)
    writer = client_of(place, "documents.write")
    assert send(place, collection, "d.jsonl", data, client=writer).status_code == 202
    refused = writer.post(at(place, collection, "export"), json={})
    assert refused.json()["type"] == "general_unauthorized_scope"
    assert (
        client_of(place, "rows.read").post(at(place, collection, "export"), json={}).status_code
        == 202
    )
    assert send(place, theirs, "d.jsonl", data).json()["type"] == "collection_not_found"
    url = f"/api/databases/{place.project.id}/{elsewhere.id}/{theirs}/export"
    assert client_of(place).post(url, json={}).json()["type"] == "database_not_found"


def test_operators_may_and_those_who_only_look_may_export(running_site: Site) -> None:
    owner, reader, other = (Operator(running_site) for _ in range(3))
    project = owner.create_project()
    reader.join(project.team_id, "analyst")
    key = project.guest(X_Appwrite_Key=project.key_secret(*KEY_SCOPES))
    for url, body in (
        ("/v1/databases", {"databaseId": "d", "name": "D"}),
        ("/v1/databases/d/collections", {"collectionId": "c", "name": "C"}),
        (
            "/v1/databases/d/collections/c/attributes/string",
            {"key": "title", "size": 10, "required": False},
        ),
    ):
        assert key.post(url, json=body).status_code in (201, 202)
    url = f"/api/databases/{project.id}/d/c"
    for operator, imports, exports in ((owner, 202, 202), (reader, 401, 202), (other, 404, 404)):
        files = {"file": ("d.jsonl", b'{"title": "x"}\n')}
        answer = operator.client.post(f"{url}/import", files=files)
        assert answer.status_code == imports, answer.text
        answer = operator.client.post(f"{url}/export", json={})
        assert answer.status_code == exports, answer.text


def test_a_file_has_its_limit(place: Place) -> None:
    collection = place.collection({"key": "title"})
    for name, data in (("d.txt", b"x"), ("d.csv", b"")):
        assert send(place, collection, name, data).status_code == 400
    over = b"\n" * (LIMIT_BYTES + 1)
    refused = send(place, collection, "d.jsonl", over)
    assert (refused.status_code, refused.json()["type"]) == (413, "general_payload_too_large")
    refused = send(place, collection, "d.jsonl", b"\n" * (LIMIT_BYTES + 1024 * 1024))
    assert (refused.status_code, refused.json()["type"]) == (413, "general_payload_too_large")
    assert run_import(place, collection, "d.jsonl", b"\n" * LIMIT_BYTES)["imported"] == 0
