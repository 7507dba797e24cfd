"""A stack that may call two providers on loopback."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.accounts.oauth.browser import new_project
from tests.support.providers import FakeProvider, RealProvider
from tests.support.site import Site, free_port
from tests.support.v1 import Project


@pytest.fixture(scope="session")
def provider() -> Iterator[RealProvider]:
    running = RealProvider(free_port())
    yield running
    running.stop()


@pytest.fixture(scope="session")
def running_fake() -> Iterator[FakeProvider]:
    running = FakeProvider(free_port())
    yield running
    running.stop()


@pytest.fixture
def fake(running_fake: FakeProvider) -> FakeProvider:
    running_fake.reset()
    return running_fake


@pytest.fixture(scope="session")
def oauth_site(
    database: str,
    short_folder: Path,
    provider: RealProvider,
    running_fake: FakeProvider,
    request: pytest.FixtureRequest,
) -> Iterator[Site]:
    opened = ",".join(each.url.removeprefix("http://") for each in (provider, running_fake))
    given = {"OUTBOUND_ALLOW": opened, "JOB_LEASE": 3}
    if database == "mariadb":
        url = request.getfixturevalue("mariadb").create_database("oauth")
        given |= {"NGINX": "system", "DATABASE_URL": url}
    site = Site(short_folder / f"o{database[0]}", **given)
    site.start()
    yield site
    site.stop()


@pytest.fixture
def project(oauth_site: Site, provider: RealProvider) -> Project:
    """Its users sign in at the real provider."""
    return new_project(oauth_site, provider.url)


@pytest.fixture
def other(oauth_site: Site, fake: FakeProvider) -> Project:
    """Its users sign in at the fake one."""
    return new_project(oauth_site, fake.url)
