"""The door: the site's files, headers, rate limits, the API's own pages."""

import socket
from collections.abc import Callable

import httpx
import pytest

from tests.support.checks import assert_error
from tests.support.site import Site


def test_page_and_its_assets(client: httpx.Client) -> None:
    page = client.get("/")
    assert page.status_code == 200
    assert page.headers["Cache-Control"] == "no-cache"
    assert "script-src 'self'" in page.headers["Content-Security-Policy"]
    assert "unsafe-inline" not in page.headers["Content-Security-Policy"].split("style-src")[0]
    assert client.get("/any/page/of/the/app").text == page.text
    (script,) = [part for part in page.text.split('"') if part.endswith(".js")]
    asset = client.get(script, headers={"Accept-Encoding": "gzip"})
    assert asset.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    assert asset.headers["Content-Encoding"] == "gzip"
    assert client.get("/assets/nothing.js").status_code == 404


def test_api_documents_itself_offline(client: httpx.Client) -> None:
    document = client.get("/api/openapi.json").json()
    assert document["openapi"].startswith("3.1")
    assert {"/api/todo", "/api/jobs/{job_id}", "/api/health", "/api/console"} <= set(
        document["paths"]
    )
    page = client.get("/api/docs")
    assert page.status_code == 200
    assert "http://" not in page.text
    assert "https://" not in page.text
    for part in page.text.split('"'):
        if part.startswith("/api/docs/") or part == "/favicon.svg":
            assert client.get(part).status_code == 200, part


@pytest.mark.parametrize("path", ["/", "/api/todo", "/api/nothing", "/api/docs", "/assets/x"])
def test_security_headers(client: httpx.Client, path: str) -> None:
    headers = client.get(path).headers
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["Referrer-Policy"] == "same-origin"
    assert headers.get_list("Content-Security-Policy") == [headers["Content-Security-Policy"]]
    assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]


def test_writes_are_limited_by_client_and_reads_are_not(new_site: Callable[..., Site]) -> None:
    """Imports and exports count too; a made-up X-Forwarded-For is no way around."""
    site = new_site(NGINX="packaged", TODO_RATE_LIMIT="5/hour")
    site.start()
    with site.client() as client:
        for number in range(3):
            answer = client.post("/api/todo", json={"content": str(number)})
            assert answer.status_code == 201
            assert "Retry-After" not in answer.headers
        assert client.post("/api/todo/export", json={}).status_code == 202
        files = {"file": ("x.csv", b"a\n")}
        assert client.post("/api/todo/import", files=files).status_code == 202
        for forged in ({}, {"X-Forwarded-For": "10.1.2.3"}, {"X-Real-IP": "10.1.2.3"}):
            refused = client.post("/api/todo", json={"content": "x"}, headers=forged)
            assert_error(refused, 429, "general_rate_limit_exceeded")
            assert 0 < int(refused.headers["Retry-After"]) <= 3600
        assert_error(client.delete("/api/todo/1"), 429, "general_rate_limit_exceeded")
        assert client.get("/api/todo/1").status_code == 200


def test_imports_and_exports_have_a_limit_of_their_own(new_site: Callable[..., Site]) -> None:
    site = new_site(NGINX="packaged", TODO_JOB_RATE_LIMIT="2/hour")
    site.start()
    with site.client() as client:
        assert client.post("/api/todo/export", json={}).status_code == 202
        assert client.post("/api/todo/import", files={"file": ("x.csv", b"a\n")}).status_code == 202
        refused = client.post("/api/todo/export", json={})
        assert_error(refused, 429, "general_rate_limit_exceeded")
        assert client.post("/api/todo", json={"content": "x"}).status_code == 201


def test_slow_bodies_take_no_place_in_the_app(new_site: Callable[..., Site]) -> None:
    """What is limited are requests inside gunicorn, not those still on their way."""
    site = new_site(NGINX="packaged", WEB_IN_FLIGHT="4")
    site.start()
    head = b"POST /api/todo HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{"
    held = [socket.create_connection(("127.0.0.1", site.port)) for _ in range(40)]
    for connection in held:
        connection.sendall(head)
    with site.client() as client:
        assert [client.get("/api/health").status_code for _ in range(5)] == [200] * 5
    for connection in held:
        connection.close()
