"""Hot pages in nginx's memory: who gets them, and what drops them."""

import os
import signal
import time

import httpx
import pytest

from tests.support.checks import assert_error
from tests.support.site import Site


def counters(site: Site) -> dict[str, int]:
    time.sleep(1.1)  # workers add up once a second
    lines = site.tell_edge("GET", "/counters", {}).splitlines()
    return {name: int(count) for name, count in (line.split() for line in lines)}


def hits(site: Site, before: dict[str, int]) -> int:
    return counters(site)["hit"] - before["hit"]


@pytest.mark.lua
def test_repeated_reads_come_from_memory(site: Site, client: httpx.Client) -> None:
    client.get("/api/todo")
    before = counters(site)
    client.get("/api/todo")
    for _ in range(20):
        answer = client.get("/api/todo")
        assert answer.json() == {"data": [], "total": 0}
        assert "X-Raindrop-Edge" not in answer.headers
        assert answer.headers["Content-Type"] == "application/json"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert len(answer.headers["X-Request-Id"]) == 32
    assert hits(site, before) >= 15


@pytest.mark.lua
@pytest.mark.parametrize(
    "header",
    ["Cookie", "Authorization", "X-Appwrite-Key", "X-Appwrite-JWT", "X-Appwrite-Session",
     "X-Fallback-Cookies", "X-Appwrite-Dev-Key"],
)  # fmt: skip
def test_any_credential_goes_to_the_app(site: Site, client: httpx.Client, header: str) -> None:
    client.get("/api/todo")
    before = counters(site)
    for _ in range(5):
        assert client.get("/api/todo", headers={header: "x"}).status_code == 200
    after = counters(site)
    assert after["hit"] == before["hit"]
    assert after["pass"] == before["pass"] + 5


@pytest.mark.lua
@pytest.mark.parametrize("query", ["?start=100", "?start=5", "?before=9", "?start=0&x=1"])
def test_other_pages_go_to_the_app(site: Site, client: httpx.Client, query: str) -> None:
    before = counters(site)
    for _ in range(3):
        client.get(f"/api/todo{query}")
    assert counters(site)["pass"] == before["pass"] + 3


def test_each_kind_of_write_is_seen_at_once(site: Site, client: httpx.Client) -> None:
    """Also on pages that no writer hands out."""
    for number in range(15):
        client.post("/api/todo", json={"content": str(number)})
    for path in ("/api/todo", "/api/todo?start=0", "/api/todo?start=10"):
        client.get(path)
        added = client.post("/api/todo", json={"content": path}).json()
        total = client.get(path).json()["total"]
        assert client.get("/api/todo").json()["data"][0] == added
        finished = client.put(f"/api/todo/{added['id']}/finish").json()
        assert client.get("/api/todo").json()["data"][0] == finished
        client.delete(f"/api/todo/{added['id']}")
        assert client.get(path).json()["total"] == total - 1


@pytest.mark.lua
def test_news_that_arrives_late_does_not_bring_old_pages_back(
    site: Site, client: httpx.Client
) -> None:
    """A writer that was overtaken posts an older generation with an older page."""
    client.post("/api/todo", json={"content": "new"})
    current = client.get("/api/todo").json()
    stale = {"X-Tag": "todos", "X-Generation": "5", "X-Paths": "/api/todo", "X-Ttl": "60000"}
    site.tell_edge("POST", "/drop", stale, b'{"data":[],"total":99}')
    assert client.get("/api/todo").json() == current


@pytest.mark.lua
def test_pages_are_kept_again_after_the_cache_was_away(site: Site, client: httpx.Client) -> None:
    """Writes that Redis missed dropped the page here; later reads fill it as before."""
    client.get("/api/todo")
    (cache, *_) = site.pids("cache")
    os.kill(cache, signal.SIGSTOP)
    try:
        for number in range(3):
            assert client.post("/api/todo", json={"content": str(number)}).status_code == 201
            assert client.get("/api/todo").json()["total"] == number + 1
    finally:
        os.kill(cache, signal.SIGCONT)
    deadline = time.monotonic() + 10
    before = counters(site)
    while counters(site)["hit"] < before["hit"] + 10:
        assert time.monotonic() < deadline
        for _ in range(20):
            assert client.get("/api/todo").json()["total"] == 3


@pytest.mark.lua
def test_hot_page_without_the_app_is_an_honest_error(site: Site, client: httpx.Client) -> None:
    client.get("/api/todo")
    web = site.pids("web")
    supervisor = site.supervisor()
    supervisor.stopProcess("web")
    try:
        time.sleep(1.5)  # what nginx keeps is dead by now
        answers = [client.get(path) for path in ("/api/todo", "/api/todo?start=3")]
    finally:
        supervisor.startProcess("web")
    for answer in answers:
        assert_error(answer, 503, "general_service_unavailable")
        assert answer.headers["Retry-After"] == "1"
    deadline = time.monotonic() + 10
    while client.get("/api/todo").status_code != 200:
        assert time.monotonic() < deadline
    assert web != site.pids("web")


def test_the_private_address_is_not_public(client: httpx.Client) -> None:
    for path in ("/drop", "/counters", "/edge-fill"):
        answer = client.get(path)
        assert "text/html" in answer.headers["Content-Type"]
        assert "hit" not in answer.text.split("<body")[0]
    assert client.post("/drop", headers={"X-Tag": "todos"}).status_code == 405
