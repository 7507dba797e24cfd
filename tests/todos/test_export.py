"""Exporting the board to a file, and reading it back."""

import csv
import io
import json

import httpx
import pytest

from tests.support.checks import assert_error
from tests.support.site import Site

COLUMNS = ["id", "content", "is_finished", "created_at", "finished_at"]


def export(site: Site, client: httpx.Client, file_format: str) -> httpx.Response:
    answer = client.post("/api/todo/export", json={"format": file_format})
    assert answer.status_code == 202
    job = site.wait_for_job(answer.json()["id"])
    assert job["status"] == "finished", job
    file = client.get(f"/api/jobs/{job['id']}/file")
    assert file.status_code == 200
    assert job["file"]["size_bytes"] == len(file.content) == int(file.headers["Content-Length"])
    assert job["file"]["name"] in file.headers["Content-Disposition"]
    assert file.headers["Content-Disposition"].startswith("attachment")
    return file


def fill(client: httpx.Client) -> list[dict]:
    texts = ["plain", 'quote " and, comma', "two\nlines", "雨滴 🌧", "=1+1", "'=quoted", "'plain"]
    todos = [client.post("/api/todo", json={"content": text}).json() for text in texts]
    todos[1] = client.put(f"/api/todo/{todos[1]['id']}/finish").json()
    return todos


def test_json_lines_hold_the_todos_as_the_api_has_them(site: Site, client: httpx.Client) -> None:
    todos = fill(client)
    lines = export(site, client, "jsonl").text.splitlines()
    assert [json.loads(line) for line in lines] == todos


def test_csv_opens_in_a_spreadsheet(site: Site, client: httpx.Client) -> None:
    todos = fill(client)
    file = export(site, client, "csv")
    assert file.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert file.content.startswith(b"\xef\xbb\xbf")
    rows = list(csv.DictReader(io.StringIO(file.content.decode("utf-8-sig"), newline="")))
    assert list(rows[0]) == COLUMNS
    cells = [row["content"] for row in rows]
    assert cells[-3:] == ["'=1+1", "''=quoted", "''plain"]
    assert cells[:-3] == [todo["content"] for todo in todos[:-3]]
    assert [row["is_finished"] for row in rows] == ["false", "true"] + ["false"] * 5


@pytest.mark.parametrize("file_format", ["csv", "jsonl"])
def test_an_export_can_be_imported(site: Site, client: httpx.Client, file_format: str) -> None:
    fill(client)
    data = export(site, client, file_format).content
    answer = client.post("/api/todo/import", files={"file": (f"x.{file_format}", data)})
    job = site.wait_for_job(answer.json()["id"])
    assert (job["result"]["imported"], job["result"]["rejected"]) == (7, 0)
    twice = client.get("/api/todo").json()["data"]
    known = [(todo["content"], todo["is_finished"]) for todo in twice]
    assert known[:3] == known[7:]


def test_large_board_is_whole(site: Site, client: httpx.Client) -> None:
    rows = "".join(f"number {number}\n" for number in range(3500)).encode()
    upload = client.post("/api/todo/import", files={"file": ("x.csv", rows)}).json()
    site.wait_for_job(upload["id"])
    lines = export(site, client, "jsonl").text.splitlines()
    wanted = [f"number {number}" for number in range(3500)]
    assert [json.loads(line)["content"] for line in lines] == wanted


def test_empty_board(site: Site, client: httpx.Client) -> None:
    assert export(site, client, "jsonl").content == b""
    assert export(site, client, "csv").text.strip("\ufeff\r\n") == ",".join(COLUMNS)


def test_no_file_before_the_end_or_for_an_import(site: Site, client: httpx.Client) -> None:
    upload = client.post("/api/todo/import", files={"file": ("x.csv", b"a\n")}).json()
    site.wait_for_job(upload["id"])
    answer = client.get(f"/api/jobs/{upload['id']}/file")
    assert_error(answer, 404, "job_file_not_found")


@pytest.mark.parametrize("body", [{"format": "xls"}, {"format": 1}, {"format": "csv", "x": 1}])
def test_bad_options(client: httpx.Client, body: dict) -> None:
    answer = client.post("/api/todo/export", json=body)
    assert_error(answer, 400, "general_argument_invalid")
