"""The reader who loads a page for all the others is killed."""

import threading
import time

import pytest

from raindrop.core.cache import LOCK_MS
from tests.load.clients import PAST_NGINX, Answer, Visitor, ids_of, poll
from tests.load.database import held, wait_for_blocked
from tests.load.processes import kill, only_web_worker
from tests.support.mariadb import MariaDb
from tests.support.site import Site

pytestmark = pytest.mark.load

PAGE = "/api/todo?start=10"
SLACK_S = 1


def test_killed_loader_keeps_others_waiting_for_its_locks_time(
    site: Site, mariadb: MariaDb
) -> None:
    """Killed with the lock and no copy to serve: the next reader takes over within LOCK_MS."""
    visitor = Visitor(site.port)
    ids = [visitor.add(f"to-do {number}").json()["id"] for number in range(20)][::-1]
    lost: list[Answer] = []
    with held(site, "LOCK TABLES todos WRITE"):
        with only_web_worker(site) as worker:
            reader = threading.Thread(
                target=lambda: lost.append(Visitor(site.port).ask("GET", PAGE, None, PAST_NGINX))
            )
            reader.start()
            wait_for_blocked(mariadb, "SELECT todos.id", "Waiting for table")
            assert site.cache.keys("rd1:todos:10@*:lock")
            kill(worker)
            killed = time.monotonic()
        reader.join()
    assert lost[0].status == 503
    assert lost[0].headers["retry-after"]
    page = visitor.board(PAGE, PAST_NGINX)
    seconds = time.monotonic() - killed
    print(f"taken over {seconds:.2f} s after the kill")
    assert ids_of(page) == ids[10:]
    assert seconds < LOCK_MS / 1000 + SLACK_S
    poll(lambda: len(site.pids("web")) == 1 + site.settings.web_workers)
