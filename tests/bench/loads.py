"""Loads beside the ladder: writes among the reads, uncached reads, adding and importing."""

import json
import subprocess
import sys
import time
from dataclasses import dataclass

from tests.bench import wrk
from tests.bench.rungs import CONNECTIONS, PAGE
from tests.bench.servers import BareNginx
from tests.support.site import Site

ROUNDS = 2
ROUND_S = 5
UNCACHED_S = 10
IMPORT_BYTES = 4_000_000
DEEP_PAGE = "/api/todo?before=5000"


@dataclass(frozen=True)
class Mix:
    """Reads with 1% writes, beside the same client on a static file."""

    mixed: wrk.Run
    static: wrk.Run
    checks: dict[str, int]

    @property
    def ratio(self) -> float:
        """The mix's share of the static file's requests a second."""
        return self.mixed.per_second / self.static.per_second

    @property
    def known_checks(self) -> int:
        """The pairs of which it is known whether the read was out of date."""
        return self.checks["pairs"] - self.checks["overtaken"] - self.checks["failed"]


def mix(site: Site, nginx: BareNginx, connections: int) -> Mix:
    """Both in turns; a process of its own writes and reads back through all of it."""
    mixed, static, checks = [], [], []
    for _ in range(ROUNDS):
        static.append(wrk.measure(nginx.file_url, connections, ROUND_S, writes=0))
        checker = _start_checker(site, ROUND_S)
        mixed.append(wrk.measure(site.url + PAGE, connections, ROUND_S, writes=1))
        checks.append(json.loads(checker.communicate()[0]))
    counts = {name: sum(check[name] for check in checks) for name in checks[0]}
    return Mix(wrk.together(mixed), wrk.together(static), counts)


def uncached(site: Site) -> wrk.Run:
    """A page that nothing caches, with the most connections."""
    return wrk.measure(site.url + DEEP_PAGE, CONNECTIONS[-1], UNCACHED_S)


def adding(site: Site) -> wrk.Run:
    """Nothing but new to-dos."""
    return wrk.measure(site.url + PAGE, CONNECTIONS[0], ROUND_S, writes=100)


def importing(site: Site) -> dict[str, float]:
    """A CSV file of 4 MB, from its upload to the end of its job."""
    line = "a line of the benchmark's file, about as long as those that people write,false\n"
    count = IMPORT_BYTES // len(line)
    data = ("content,is_finished\n" + line * count).encode()
    began = time.monotonic()
    with site.client() as client:
        answer = client.post("/api/todo/import", files={"file": ("b.csv", data, "text/csv")})
    answer.raise_for_status()
    job = site.wait_for_job(answer.json()["id"])
    assert job["status"] == "finished", job
    seconds = time.monotonic() - began
    return {"lines": count, "seconds": seconds, "per_second": count / seconds}


def _start_checker(site: Site, seconds: int) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "tests.bench.checker", str(site.port), str(seconds)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
