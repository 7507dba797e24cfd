"""Importing a file of to-dos: a job, its limits, and what it says of bad lines."""

import json

import httpx
import pytest

from tests.support.checks import assert_error
from tests.support.site import Site

LIMIT_BYTES = 4 * 1024 * 1024


def start_import(client: httpx.Client, name: str, data: bytes, kind: str = "text/csv") -> dict:
    answer = client.post("/api/todo/import", files={"file": (name, data, kind)})
    assert answer.status_code == 202, answer.text
    job = answer.json()
    assert answer.headers["Location"] == f"/api/jobs/{job['id']}"
    assert job["status"] == "queued"
    return job


def run_import(site: Site, client: httpx.Client, name: str, data: bytes) -> dict:
    job = site.wait_for_job(start_import(client, name, data)["id"])
    assert job["status"] == "finished", job
    return job["result"]


def contents(client: httpx.Client) -> list[str]:
    """The board's texts in the order in which they were added."""
    return [todo["content"] for todo in client.get("/api/todo").json()["data"]][::-1]


def test_csv_with_named_columns(site: Site, client: httpx.Client) -> None:
    data = 'Is_Finished, Content\ntrue,"one, with comma"\n,二\nfalse,"two\nlines"\n'.encode()
    assert run_import(site, client, "list.csv", data) == {
        "imported": 3,
        "rejected": 0,
        "rejections": [],
    }
    assert contents(client) == ["one, with comma", "二", "two\nlines"]
    finished = [todo["is_finished"] for todo in client.get("/api/todo").json()["data"]]
    assert finished == [False, False, True]


def test_csv_without_a_first_line_of_names(site: Site, client: httpx.Client) -> None:
    assert run_import(site, client, "list.csv", b"\xef\xbb\xbfmilk,2 l\r\n\r\nbread\r\n") == {
        "imported": 2,
        "rejected": 0,
        "rejections": [],
    }
    assert contents(client) == ["milk", "bread"]


def test_json_lines(site: Site, client: httpx.Client) -> None:
    lines = ['{"content": "雨"}', "", '{"content": "b", "is_finished": true, "id": 7}']
    data = "\r\n".join(lines).encode()
    assert run_import(site, client, "list.jsonl", data)["imported"] == 2
    assert contents(client) == ["雨", "b"]


def test_bad_lines_are_named_and_good_ones_imported(site: Site, client: httpx.Client) -> None:
    lines = [
        b'{"content": "good"}',
        b"{",
        b"[1]",
        b'{"content": "  "}',
        b'{"content": "' + b"x" * 1001 + b'"}',
        b'{"content": "\xff"}',
        b'{"text": "a"}',
        b'{"content": 5}',
        b'{"content": "a", "is_finished": "perhaps"}',
        b'{"content": "\\ud800"}',
        b"[" * 100_000,
        b'{"content": "also good"}',
    ]
    result = run_import(site, client, "list.jsonl", b"\n".join(lines))
    assert (result["imported"], result["rejected"]) == (2, 10)
    assert [(bad["line"], bad["reason"]) for bad in result["rejections"]] == [
        (2, "invalid_json"),
        (3, "invalid_json"),
        (4, "content_empty"),
        (5, "content_too_long"),
        (6, "invalid_encoding"),
        (7, "content_missing"),
        (8, "invalid_value"),
        (9, "invalid_value"),
        (10, "invalid_value"),
        (11, "invalid_json"),
    ]
    assert all(bad["message"] for bad in result["rejections"])
    assert contents(client) == ["good", "also good"]


def test_bad_csv_lines_have_the_files_line_numbers(site: Site, client: httpx.Client) -> None:
    data = b'content\n"a\nb"\n' + b"x" * 1001 + b"\n\xff\xfe\nlast\n" + b"y" * 70_000 + b"\n"
    result = run_import(site, client, "list.csv", data)
    assert result["imported"] == 2
    assert [(bad["line"], bad["reason"]) for bad in result["rejections"]] == [
        (4, "content_too_long"),
        (5, "invalid_encoding"),
        (7, "invalid_csv"),
    ]


def test_quote_that_is_never_closed_ends_the_file(site: Site, client: httpx.Client) -> None:
    data = b'content\ngood\n"' + b"a\n" * 100_000
    result = run_import(site, client, "list.csv", data)
    assert (result["imported"], result["rejected"]) == (1, 1)
    assert result["rejections"][0]["line"] == 3


@pytest.mark.parametrize("extra", [0, 1])
def test_limit_of_todos_in_a_file(site: Site, client: httpx.Client, extra: int) -> None:
    data = b"x\n" * (100_000 + extra)
    job = site.wait_for_job(start_import(client, "list.csv", data)["id"], wait_s=120)
    if extra:
        assert job["status"] == "failed"
        assert "100,000" in job["error"]["message"]
        assert client.get("/api/todo").json()["total"] == 0
    else:
        assert job["result"]["imported"] == 100_000


def test_only_the_first_hundred_bad_lines_are_told(site: Site, client: httpx.Client) -> None:
    result = run_import(site, client, "list.jsonl", b"{\n" * 250)
    assert (result["imported"], result["rejected"]) == (0, 250)
    assert [bad["line"] for bad in result["rejections"]] == list(range(1, 101))


def test_progress_and_log_are_the_jobs_own(site: Site, client: httpx.Client) -> None:
    rows = "".join(f"{json.dumps({'content': f'to-do {number}'})}\n" for number in range(1000))
    job = site.wait_for_job(start_import(client, "list.jsonl", rows.encode())["id"])
    assert job["progress"] == {"done": 1000, "total": 1000}
    assert job["attempts"] == 1
    assert [line["message"] for line in job["log"]] == ["1000 imported, 0 rejected"]
    assert client.get("/api/todo").json()["total"] == 1000
    assert job["created_at"] <= job["started_at"] <= job["finished_at"]


@pytest.mark.parametrize("extra", [0, 1])
def test_file_limit(site: Site, client: httpx.Client, extra: int) -> None:
    line = b'{"content": "' + b"x" * 900 + b'"}\n'
    data = (line * (LIMIT_BYTES // len(line))).ljust(LIMIT_BYTES + extra, b"\n")
    answer = client.post("/api/todo/import", files={"file": ("a.jsonl", data)})
    if extra:
        assert_error(answer, 413, "general_payload_too_large")
    else:
        job = site.wait_for_job(answer.json()["id"])
        assert job["result"]["imported"] == LIMIT_BYTES // len(line)


def test_body_over_nginx_limit_is_413_in_the_envelope(client: httpx.Client) -> None:
    data = b"x" * (LIMIT_BYTES + 64 * 1024 + 1)
    answer = client.post("/api/todo/import", files={"file": ("a.csv", data)})
    assert_error(answer, 413, "general_payload_too_large")
    assert len(answer.headers["X-Request-Id"]) == 32


def test_what_is_no_import(client: httpx.Client, site: Site) -> None:
    def post(**request: object) -> httpx.Response:
        return client.post("/api/todo/import", **request)

    bad = "general_argument_invalid"
    assert_error(post(), 400, bad)
    assert_error(post(json={"file": "x"}), 400, bad)
    assert_error(post(data={"file": "x"}), 400, bad)
    assert_error(post(files={"other": ("a.csv", b"x")}), 400, bad)
    assert_error(post(files={"file": ("a.csv", b"")}), 400, bad)
    assert_error(post(files={"file": ("a.xlsx", b"x", "application/zip")}), 400, bad)
    two = [("file", ("a.csv", b"x")), ("file", ("b.csv", b"y"))]
    assert_error(post(files=two), 400, bad)
    assert site.sql("SELECT count(*) AS n FROM jobs")[0]["n"] == 0


def test_odd_content_types_do_no_harm(site: Site, client: httpx.Client) -> None:
    for content_type in ("text/" + "x" * 1000, "x", "text/csv; charset=x"):
        job = start_import(client, "a.csv", b"content\nx\n", content_type)
        assert site.wait_for_job(job["id"])["result"]["imported"] == 1


def test_odd_file_names_do_no_harm(site: Site, client: httpx.Client) -> None:
    for name in ("../../etc/x.csv", "名.csv", "a" * 300 + ".csv", 'x".csv'):
        assert run_import(site, client, name, b"content\nx\n")["imported"] == 1
