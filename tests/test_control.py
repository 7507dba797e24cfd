"""The control port: a password, supervisor's page, and no action from another site."""

import http.client
import re
import time
from collections.abc import Iterator

import httpx
import pytest

from tests.support.site import Site

ACTION = {"processname": "scheduler", "action": "restart"}


@pytest.fixture
def operator(site: Site) -> Iterator[httpx.Client]:
    """A client that knows the password."""
    with site.operator() as client:
        yield client


def scheduler(site: Site) -> int:
    return site.pids("scheduler")[0]


def test_nothing_without_the_password(site: Site) -> None:
    for path in ("/", "/metrics", "/index.html", "/tail.html"):
        assert httpx.get(site.control_url + path).status_code == 401
        wrong = httpx.get(site.control_url + path, auth=("operator", "wrong"))
        assert wrong.status_code == 401


def test_page_shows_every_program(operator: httpx.Client) -> None:
    page = operator.get("/")
    assert page.status_code == 200
    for program in ("cache", "broker", "web", "worker-short", "worker-long", "scheduler", "nginx"):
        assert re.search(rf">\s*{program}\s*<", page.text), program
    assert page.headers["X-Frame-Options"] == "DENY"
    assert operator.get("/stylesheets/supervisor.css").status_code == 200


def test_action_from_the_page_itself(site: Site, operator: httpx.Client) -> None:
    before = scheduler(site)
    answer = operator.get("/index.html", params=ACTION, headers={"Referer": f"{site.control_url}/"})
    assert answer.status_code in (301, 302)
    assert answer.headers["Location"].startswith("/")
    deadline = time.monotonic() + 20
    while scheduler(site) in (before, 0):
        assert time.monotonic() < deadline
        time.sleep(0.2)


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "none"},
        {"Referer": "http://evil.example/"},
        {"Referer": "http://evil.example/?http://{host}/"},
        {"Referer": "http://{host}.evil.example/"},
        {"Sec-Fetch-Site": "cross-site", "Referer": "http://{host}/"},
    ],
)
@pytest.mark.parametrize("query", ["?{}", "?%61ction=restart&processname=scheduler", "%3f{}"])
def test_action_from_elsewhere_is_refused(
    site: Site, operator: httpx.Client, headers: dict[str, str], query: str
) -> None:
    before = scheduler(site)
    host = f"127.0.0.1:{site.control_port}"
    query = query.format("processname=scheduler&action=restart")
    answer = operator.get(
        f"/index.html{query}",
        headers={name: value.format(host=host) for name, value in headers.items()},
    )
    assert answer.status_code == (404 if query.startswith("%3f") else 403)
    assert scheduler(site) == before


def test_browsers_action_is_let_through(site: Site, operator: httpx.Client) -> None:
    answer = operator.get(
        "/index.html", params={"message": "x"}, headers={"Sec-Fetch-Site": "same-origin"}
    )
    assert answer.status_code == 200


def test_remote_procedures_are_not_for_browsers(operator: httpx.Client) -> None:
    body = (
        "<?xml version='1.0'?><methodCall><methodName>supervisor.shutdown</methodName></methodCall>"
    )
    assert operator.post("/RPC2", content=body).status_code == 404
    assert operator.post("/RPC2/", content=body).status_code == 404
    assert operator.post("//RPC2", content=body).status_code in (404, 405)
    assert operator.post("/index.html", content="action=stop").status_code == 405


@pytest.mark.parametrize(
    "path",
    ["/;x", "/index.html;x", "/RPC2/../", "/RPC2/%2e%2e/", "/%52PC2", "//index.html", "/a%20b"],
)
def test_addresses_that_supervisor_reads_otherwise_are_refused(
    operator: httpx.Client, path: str
) -> None:
    """Sent as they are: other clients tidy them up."""
    sent = operator.get("/").request.headers["Authorization"]
    connection = http.client.HTTPConnection(operator.base_url.host, operator.base_url.port)
    connection.request("GET", path, headers={"Authorization": sent})
    assert connection.getresponse().status == 404
    connection.close()


def test_metrics(site: Site, operator: httpx.Client) -> None:
    with site.client() as client:
        for _ in range(3):
            client.get("/api/todo?start=20", headers={"Authorization": "x"})
        client.get("/api/nothing")
        job = client.post("/api/todo/export", json={"format": "csv"}).json()
    site.wait_for_job(job["id"])
    figures = operator.get("/metrics").text
    for name in (
        'raindrop_http_requests_total{endpoint="todos.list_todos",method="GET",status="200"}',
        "raindrop_http_request_seconds_bucket",
        'raindrop_cache_lookups_total{outcome="hit"}',
        'raindrop_queue_messages{queue="imports"} 0.0',
        'raindrop_jobs{status="finished"} 1.0',
        'raindrop_part_up{part="database"} 1.0',
    ):
        assert name in figures, name


def test_metrics_are_not_on_the_sites_port(site: Site) -> None:
    with site.client() as client:
        assert "raindrop_http" not in client.get("/metrics").text
        assert client.get("/api/../metrics").headers["Content-Type"] == "text/html"


@pytest.mark.lua
def test_metrics_of_nginx(site: Site, operator: httpx.Client) -> None:
    with site.client() as client:
        for _ in range(5):
            client.get("/api/todo")
    deadline = time.monotonic() + 5
    while "raindrop_edge_reads_total" not in operator.get("/metrics").text:
        assert time.monotonic() < deadline
