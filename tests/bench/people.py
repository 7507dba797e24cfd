"""Signed-in people: their requests beside a bare route, sign-ins beside them, and the events."""

import json
import statistics
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import httpx
import sqlalchemy as sa

from tests.bench import wrk
from tests.bench.board import INDEXED
from tests.bench.servers import BareNginx, Naive
from tests.support.site import Site
from tests.support.v1 import PASSWORD, Project, new_email

ROUNDS, ROUND_S, CONNECTIONS = 3, 3, 100
SIGN_INS = 50
PROBES, PROBE_PAUSE_S = 400, 0.01
EVENTS = 20_000
EVENTS_WAIT_S = 120


@dataclass(frozen=True)
class People:
    """The figures of this section.

    Attributes:
        account: ``GET /v1/account`` with a session.
        bare: a Flask route that reads one row by its key, behind the same nginx.
        idle_ms, busy_ms: latencies of ``GET /v1/account`` alone, and with sign-ins in flight.
        sign_ins_per_second: how many of those were answered meanwhile.
        events_per_second: from a backlog to the audit trail.
    """

    account: wrk.Run
    bare: wrk.Run
    idle_ms: list[float]
    busy_ms: list[float]
    sign_ins_per_second: float
    events_per_second: float

    @property
    def share(self) -> float:
        """``GET /v1/account``'s share of the bare route's requests a second."""
        return self.account.per_second / self.bare.per_second

    @property
    def slowdown(self) -> float:
        """The p99 with sign-ins in flight, in idle p50s."""
        return quantile(self.busy_ms, 0.99) / statistics.median(self.idle_ms)


def measure(site: Site, naive: Naive, nginx: BareNginx) -> People:
    """All of it, one after the other."""
    project = Project(site, session_limit=0)
    cookies = project.sign_up().cookies
    headers = {
        "X-Appwrite-Project": project.id,
        "Cookie": "; ".join(f"{name}={value}" for name, value in cookies.items()),
    }
    _wait_for_quiet(site)
    account, bare = _beside_bare(site, naive, nginx, headers)
    idle = _probe(site, headers)
    key = project.key("sessions.write").headers["X-Appwrite-Key"]
    # Another person: a sign-in drops what is cached of whoever signs in.
    project.sign_up(other := new_email())
    with _sign_ins(site, project.id, key, other) as counter:
        busy = _probe(site, headers)
    return People(account, bare, idle, busy, counter.per_second, _events(site, project))


def _wait_for_quiet(site: Site) -> None:
    """Until the events of the sections before are dispatched: they are no part of this one."""
    while site.sql("SELECT id FROM events WHERE state = 0 LIMIT 1"):
        time.sleep(0.5)
    time.sleep(2)


def quantile(values: list[float], share: float) -> float:
    """The value below which a share of all lies."""
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]


def _beside_bare(
    site: Site, naive: Naive, nginx: BareNginx, headers: dict[str, str]
) -> tuple[wrk.Run, wrk.Run]:
    ours, theirs = [], []
    with naive.behind_nginx(nginx, "gevent", INDEXED) as url:
        for _ in range(ROUNDS):
            theirs.append(wrk.measure(f"{url}/5000", CONNECTIONS, ROUND_S))
            url_of_ours = f"{site.url}/v1/account"
            ours.append(wrk.measure(url_of_ours, CONNECTIONS, ROUND_S, headers=headers))
    return wrk.together(ours), wrk.together(theirs)


def _probe(site: Site, headers: dict[str, str]) -> list[float]:
    """Latencies of one request after the other, in milliseconds."""
    found = []
    with httpx.Client(base_url=site.url, headers=headers, trust_env=False, timeout=30) as client:
        for _ in range(PROBES):
            began = time.perf_counter()
            client.get("/v1/account").raise_for_status()
            found.append((time.perf_counter() - began) * 1000)
            time.sleep(PROBE_PAUSE_S)
    return found


class _sign_ins:  # used as a function
    """So many sign-ins in flight, from a process of their own, until the block ends."""

    def __init__(self, site: Site, *given: str) -> None:
        command = [sys.executable, "-m", "tests.bench.people", site.url, *given]
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self.per_second = 0.0

    def __enter__(self) -> "_sign_ins":
        assert self._process.stdout
        self._process.stdout.readline()  # they run
        return self

    def __exit__(self, *_: object) -> None:
        output, _ = self._process.communicate("stop\n")
        figures = json.loads(output)
        self.per_second = figures["done"] / figures["seconds"]


def _events(site: Site, project: Project) -> float:
    """A backlog of events, inserted beside the server, until each is in the audit trail."""
    row = {
        "project": project.number, "name": f"users.{project.id}.update",
        "resource": f"user/{project.id}", "now": time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime()),
    }  # fmt: skip
    insert = sa.text(
        "INSERT INTO events (project_id, name, resource, payload, origin, dropped_tags, state,"
        ' created_at) VALUES (:project, :name, :resource, \'{"$id": "x"}\','
        ' \'{"mode": "user", "ip": "127.0.0.1"}\', \'[]\', 0, :now)'
    )
    with site.engine.begin() as connection:
        connection.execute(insert, [row] * EVENTS)
    began = time.monotonic()
    count = "SELECT count(*) AS n FROM audits WHERE resource = :resource"
    while site.sql(count, resource=row["resource"])[0]["n"] < EVENTS:
        if time.monotonic() - began > EVENTS_WAIT_S:
            raise RuntimeError("the events did not reach the audit trail")
        time.sleep(0.05)
    return EVENTS / (time.monotonic() - began)


def _sign_in_until_told(url: str, project_id: str, key: str, email: str) -> None:
    """The process of :class:`_sign_ins`, by a key, for which no rate limit counts."""
    is_over = False

    def sign_in() -> int:
        headers = {"X-Appwrite-Project": project_id, "X-Appwrite-Key": key}
        body = {"email": email, "password": PASSWORD}
        done = 0
        with httpx.Client(base_url=url, headers=headers, trust_env=False) as client:
            while not is_over:
                answer = client.post("/v1/account/sessions/email", json=body, timeout=60)
                done += answer.status_code == httpx.codes.CREATED
        return done

    with ThreadPoolExecutor(SIGN_INS) as pool:
        began = time.monotonic()
        futures = [pool.submit(sign_in) for _ in range(SIGN_INS)]
        time.sleep(1)
        print("running", flush=True)
        sys.stdin.readline()
        is_over = True
        done = sum(future.result() for future in futures)
    print(json.dumps({"done": done, "seconds": time.monotonic() - began}))


if __name__ == "__main__":
    _sign_in_until_told(*sys.argv[1:])
