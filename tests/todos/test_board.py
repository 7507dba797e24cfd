"""The to-do board: list, add, finish, delete, restore, through HTTP."""

import time

import httpx
import pytest

from tests.support.checks import assert_error
from tests.support.site import Site


def add(client: httpx.Client, content: str = "water the plants") -> dict:
    answer = client.post("/api/todo", json={"content": content})
    assert answer.status_code == 201, answer.text
    return answer.json()


def board(client: httpx.Client, **query: int) -> dict:
    answer = client.get("/api/todo", params=query)
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_empty_board(client: httpx.Client) -> None:
    assert board(client) == {"data": [], "total": 0}


def test_added_todo_is_the_answer_and_on_the_board(client: httpx.Client) -> None:
    before = time.time()
    todo = add(client, "  浇花 🌱  ")
    assert todo["content"] == "浇花 🌱"
    assert before - 0.01 <= todo["created_at"] <= time.time() + 0.01
    assert todo["is_finished"] is False
    assert todo["finished_at"] is None
    assert board(client) == {"data": [todo], "total": 1}
    assert client.get(f"/api/todo/{todo['id']}").json() == todo


def test_form_is_as_good_as_json_and_stays_text(client: httpx.Client) -> None:
    for content in ("buy milk", "true", "123", '{"a": 1}'):
        answer = client.post("/api/todo", data={"content": content})
        assert answer.status_code == 201
        assert answer.json()["content"] == content


def test_newest_ten_then_older_by_either_way(client: httpx.Client) -> None:
    ids = [add(client, f"to-do {number}")["id"] for number in range(25)][::-1]
    assert [todo["id"] for todo in board(client)["data"]] == ids[:10]
    assert [todo["id"] for todo in board(client, start=10)["data"]] == ids[10:20]
    assert [todo["id"] for todo in board(client, start=3)["data"]] == ids[3:13]
    assert [todo["id"] for todo in board(client, before=ids[9])["data"]] == ids[10:20]
    assert [todo["id"] for todo in board(client, before=ids[19])["data"]] == ids[20:]
    assert board(client, start=30) == {"data": [], "total": 25}
    assert board(client, before=ids[-1]) == {"data": [], "total": 25}


def test_keyset_goes_on_after_its_todo_was_deleted(client: httpx.Client) -> None:
    ids = [add(client)["id"] for _ in range(4)]
    client.delete(f"/api/todo/{ids[2]}")
    assert [todo["id"] for todo in board(client, before=ids[2])["data"]] == [ids[1], ids[0]]


@pytest.mark.parametrize(("length", "status"), [(1, 201), (1000, 201), (1001, 400)])
@pytest.mark.parametrize("character", ["x", "雨", "🌧"])
def test_content_limit(client: httpx.Client, length: int, status: int, character: str) -> None:
    answer = client.post("/api/todo", json={"content": f"  {character * length}\n"})
    assert answer.status_code == status
    assert board(client)["total"] == (1 if status == 201 else 0)


@pytest.mark.parametrize(
    ("body", "content_type", "status", "kind"),
    [
        (b'{"content": ""}', "application/json", 400, "general_argument_invalid"),
        (b'{"content": "   "}', "application/json", 400, "general_argument_invalid"),
        (b'{"content": 5}', "application/json", 400, "general_argument_invalid"),
        (b'{"content": null}', "application/json", 400, "general_argument_invalid"),
        (b'{"content": "a", "id": 7}', "application/json", 400, "general_argument_invalid"),
        (b'{"content": "a\\u0000b"}', "application/json", 400, "general_argument_invalid"),
        (b'{"content": "\\ud800"}', "application/json", 400, "general_argument_invalid"),
        (b"[]", "application/json", 400, "general_argument_invalid"),
        (b"{", "application/json", 400, "general_argument_invalid"),
        (b"\xff", "application/json", 400, "general_argument_invalid"),
        (b"", "application/json", 400, "general_argument_invalid"),
        (b"", "application/x-www-form-urlencoded", 400, "general_argument_invalid"),
        (b"content=a&content=b", "application/x-www-form-urlencoded", 400,
         "general_argument_invalid"),
        (b"[" * 200_000, "application/json", 400, "general_argument_invalid"),
        (b"content", "text/plain", 415, "general_media_type_unsupported"),
    ],
)  # fmt: skip
def test_bad_content_is_refused_and_changes_nothing(
    client: httpx.Client, body: bytes, content_type: str, status: int, kind: str
) -> None:
    answer = client.post("/api/todo", content=body, headers={"Content-Type": content_type})
    assert_error(answer, status, kind)
    assert board(client)["total"] == 0


@pytest.mark.parametrize(
    "query",
    ["start=-1", "start=x", "start=1.5", "start=", "start=100001", "before=0", "before=x",
     "before=9007199254740992", "start=10&before=5", "start=%D9%A1", "page=2"],
)  # fmt: skip
def test_bad_page_is_refused(client: httpx.Client, query: str) -> None:
    assert_error(client.get(f"/api/todo?{query}"), 400, "general_argument_invalid")


def test_last_positions_are_accepted(client: httpx.Client) -> None:
    assert board(client, start=100_000)["data"] == []
    assert board(client, before=9007199254740991)["data"] == []


def test_finish_keeps_its_time_and_reopen_takes_it_back(client: httpx.Client) -> None:
    todo = add(client)
    finished = client.put(f"/api/todo/{todo['id']}/finish")
    assert finished.status_code == 200
    assert finished.json()["is_finished"] is True
    assert finished.json()["finished_at"] >= todo["created_at"]
    assert client.put(f"/api/todo/{todo['id']}/finish").json() == finished.json()
    assert board(client)["data"] == [finished.json()]
    assert client.put(f"/api/todo/{todo['id']}/reopen").json() == todo
    assert board(client)["data"] == [todo]


def test_delete_and_restore(client: httpx.Client) -> None:
    ids = [add(client)["id"] for _ in range(3)]
    deleted = client.delete(f"/api/todo/{ids[1]}")
    assert deleted.status_code == 200
    assert deleted.json()["id"] == ids[1]
    assert board(client)["total"] == 2
    assert client.get(f"/api/todo/{ids[1]}").status_code == 404
    assert client.put(f"/api/todo/{ids[1]}/restore").json() == deleted.json()
    assert [todo["id"] for todo in board(client)["data"]] == ids[::-1]
    assert board(client)["total"] == 3


def test_restore_ends_after_an_hour(client: httpx.Client, site: Site) -> None:
    todo = add(client)
    client.delete(f"/api/todo/{todo['id']}")
    site.sql("UPDATE todos SET deleted_at = '2020-01-01 00:00:00.000000'")
    assert_error(client.put(f"/api/todo/{todo['id']}/restore"), 404, "todo_not_found")


@pytest.mark.parametrize("method_and_path", [
    "GET /api/todo/{id}", "DELETE /api/todo/{id}", "PUT /api/todo/{id}/finish",
    "PUT /api/todo/{id}/reopen", "PUT /api/todo/{id}/restore",
])  # fmt: skip
@pytest.mark.parametrize("todo_id", ["0", "999999", "9007199254740992", "9" * 18])
def test_unknown_id_is_404(client: httpx.Client, method_and_path: str, todo_id: str) -> None:
    method, path = method_and_path.format(id=todo_id).split()
    assert_error(client.request(method, path), 404, "todo_not_found")


def test_not_an_id_is_404(client: httpx.Client) -> None:
    for todo_id in ("x", "-1", "1.5", "%00", "9" * 40):
        assert client.put(f"/api/todo/{todo_id}/finish").status_code in (400, 404)


def test_what_was_missing_is_seen_once_it_exists(client: httpx.Client) -> None:
    """A missing row is cached; creating the row drops that."""
    todo_id = add(client)["id"] + 1
    assert client.get(f"/api/todo/{todo_id}").status_code == 404
    assert add(client)["id"] == todo_id
    assert client.get(f"/api/todo/{todo_id}").status_code == 200


def test_wrong_method_and_address(client: httpx.Client) -> None:
    answer = client.patch("/api/todo")
    assert_error(answer, 405, "general_method_not_allowed")
    assert {"GET", "POST"} <= set(answer.headers["Allow"].split(", "))
    assert_error(client.get("/api/nothing"), 404, "general_route_not_found")
    assert_error(client.get("/v1/nothing"), 404, "general_route_not_found")


def test_every_answer_has_a_request_id(client: httpx.Client) -> None:
    ids = {
        client.get(path).headers["X-Request-Id"]
        for path in ("/api/todo", "/api/nothing", "/api/todo?start=x", "/", "/favicon.svg")
    }
    assert len(ids) == 5
    assert all(len(request_id) == 32 for request_id in ids)
    forged = client.get("/api/todo?start=x", headers={"X-Request-Id": "a" * 32})
    assert forged.headers["X-Request-Id"] != "a" * 32
