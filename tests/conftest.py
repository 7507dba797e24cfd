"""Shared stacks: one on SQLite with everything embedded, one on MariaDB with the system's nginx.

A test that asks for ``site`` runs on both. Under pytest-xdist each stack belongs to one worker.
"""

import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from tests.support.mariadb import MariaDb
from tests.support.site import Site

DATABASES = ("sqlite", "mariadb")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "database" in metafunc.fixturenames:
        marks = {mark.name for mark in metafunc.definition.iter_markers()}
        names = ("mariadb",) if marks & {"load", "lua"} else DATABASES
        metafunc.parametrize(
            "database",
            [pytest.param(name, marks=pytest.mark.xdist_group(name)) for name in names],
            scope="session",
        )


@pytest.fixture(scope="session")
def short_folder() -> Iterator[Path]:
    """A folder whose path leaves room for the names of sockets."""
    folder = Path(tempfile.mkdtemp(prefix="rd", dir="/tmp"))
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def mariadb(short_folder: Path) -> Iterator[MariaDb]:
    """A private MariaDB server."""
    server = MariaDb(short_folder / "mariadb")
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def running_site(
    database: str, short_folder: Path, request: pytest.FixtureRequest
) -> Iterator[Site]:
    """The stack on this database; started once."""
    if database == "sqlite":
        site = Site(short_folder / "sqlite", NGINX="packaged", JOB_LEASE=3, SIGN_UP="open")
        command = ["make", "--no-print-directory", "run"]
    else:
        url = request.getfixturevalue("mariadb").create_database("raindrop")
        site = Site(
            short_folder / "maria", NGINX="system", JOB_LEASE=3, SIGN_UP="open", DATABASE_URL=url
        )
        command = None
    site.start(command)
    yield site
    site.stop()


@pytest.fixture
def new_site(short_folder: Path, request: pytest.FixtureRequest) -> Callable[..., Site]:
    """Make stacks of the test's own, by settings; whatever still runs at its end is ended."""

    def make(folder: Path | None = None, **settings: object) -> Site:
        site = Site(folder or short_folder / f"s{time.monotonic_ns() % 10**9}", **settings)
        request.addfinalizer(site.stop)
        return site

    return make


@pytest.fixture
def site(running_site: Site) -> Site:
    """The running stack with an empty board."""
    running_site.clear()
    return running_site


@pytest.fixture
def client(site: Site) -> Iterator[httpx.Client]:
    """A client of the site with an empty board."""
    with site.client() as client:
        yield client
