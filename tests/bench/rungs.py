"""The ladder: the newest ten of 10,000 to-dos, from Flask's own server to nginx's memory."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field

from tests.bench import wrk
from tests.bench.board import INDEXED, PLAIN
from tests.bench.servers import BareNginx, Naive, NotAvailable, install_meinheld
from tests.support.site import Site

CONNECTIONS = (100, 1000)
SECONDS = 5
ROUNDS = 3
ROUND_S = 3
PAGE = "/api/todo?start=0"
CREDENTIAL = {"Authorization": "Basic x"}
"""With any credential nginx passes the request on, and Flask reads the page from Redis."""

REDIS, MEMORY, LIMIT, OWN_FILE = "redis", "memory", "limit", "own_file"


@dataclass(frozen=True)
class Rung:
    """One way to serve the page; ``serve`` starts it and gives its address."""

    name: str
    label: str
    serve: Callable[[], AbstractContextManager[str]]
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass
class Result:
    """A rung's figures by number of connections, or why there are none."""

    name: str
    label: str
    runs: dict[int, wrk.Run] = field(default_factory=dict)
    unavailable: str = ""


def climb(site: Site, naive: Naive, nginx: BareNginx, tell: Callable[[str], None]) -> list[Result]:
    """Measure every rung."""
    results = []
    for rung in [*_naive_rungs(naive, nginx), _redis_rung(site)]:
        tell(rung.label)
        results.append(_measure(rung))
    tell("nginx's memory and the limit, in turns")
    results += _measure_in_turns(
        [
            Rung(MEMORY, "Raindrop: nginx from its own memory", lambda: _at(site.url + PAGE)),
            Rung(
                OWN_FILE,
                "Raindrop: a static file (favicon)",
                lambda: _at(site.url + "/favicon.svg"),
            ),
            Rung(
                LIMIT, "limit: a bare nginx, the same bytes as a file", lambda: _at(nginx.file_url)
            ),
        ]
    )
    return results


def _naive_rungs(naive: Naive, nginx: BareNginx) -> list[Rung]:
    return [
        Rung("flask", "Flask's own server, no index", lambda: naive.flask_server(PLAIN)),
        Rung("flask_index", "the same with an index", lambda: naive.flask_server(INDEXED)),
        Rung("sync", "gunicorn sync", lambda: naive.gunicorn("sync", INDEXED)),
        Rung("gevent", "gunicorn gevent", lambda: naive.gunicorn("gevent", INDEXED)),
        Rung("meinheld", "gunicorn meinheld", lambda: _meinheld(naive)),
        Rung(
            "nginx",
            "nginx in front of gevent",
            lambda: naive.behind_nginx(nginx, "gevent", INDEXED),
        ),
    ]


def _redis_rung(site: Site) -> Rung:
    label = "Raindrop: Flask from Redis, behind nginx"
    return Rung(REDIS, label, lambda: _at(site.url + PAGE), CREDENTIAL)


def _measure(rung: Rung) -> Result:
    result = Result(rung.name, rung.label)
    try:
        with rung.serve() as url:
            wrk.measure(url, 10, 1, headers=rung.headers)
            for connections in CONNECTIONS:
                result.runs[connections] = wrk.measure(
                    url, connections, SECONDS, headers=rung.headers
                )
    except NotAvailable as error:
        result.unavailable = str(error)
    return result


def _measure_in_turns(rungs: list[Rung]) -> list[Result]:
    """Alternate, so that what else the machine does falls on each of them alike."""
    results = [Result(rung.name, rung.label) for rung in rungs]
    for connections in CONNECTIONS:
        runs: dict[str, list[wrk.Run]] = {rung.name: [] for rung in rungs}
        for _ in range(ROUNDS):
            for rung in rungs:
                with rung.serve() as url:
                    runs[rung.name].append(wrk.measure(url, connections, ROUND_S))
        for result in results:
            result.runs[connections] = wrk.together(runs[result.name])
    return results


@contextmanager
def _meinheld(naive: Naive) -> Iterator[str]:
    install_meinheld()
    with naive.gunicorn("meinheld", INDEXED) as url:
        yield url


@contextmanager
def _at(url: str) -> Iterator[str]:
    yield url
