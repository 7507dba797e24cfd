"""``/api/health``: every part, and what is failing."""

import httpx

from tests.support.site import Site


def test_all_parts_answer(client: httpx.Client) -> None:
    answer = client.get("/api/health")
    assert answer.status_code == 200
    health = answer.json()
    assert health["status"] in ("ok", "degraded")  # other tests kill programs of this stack
    programs = health["parts"].pop("programs")
    assert programs == (health["status"] == "ok")
    assert health["parts"] == {"database": True, "cache": True, "queue": True}
    assert health["release"] == ""


def test_a_part_that_is_away_is_named(site: Site, client: httpx.Client) -> None:
    import os
    import signal

    (broker, *_) = site.pids("broker")
    os.kill(broker, signal.SIGSTOP)
    try:
        answer = client.get("/api/health")
    finally:
        os.kill(broker, signal.SIGCONT)
    assert answer.status_code == 503
    assert answer.json()["status"] == "failing"
    parts = answer.json()["parts"]
    assert (parts["database"], parts["cache"], parts["queue"]) == (True, True, False)
