"""Debian's chromium, and pages of it that report what went wrong in them."""

import contextlib
import shutil
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.browser.console import sign_in
from tests.contract.recorder import ContractClient
from tests.support.operators import Operator, OwnedProject
from tests.support.site import Site

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
FOREIGN_NAME = "raindrop.test"
"""A name under which the browser, and nobody else, finds this machine."""

OPTIONS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    f"--host-resolver-rules=MAP {FOREIGN_NAME} 127.0.0.1",
]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=OPTIONS)
        yield browser
        browser.close()


@contextlib.contextmanager
def watched_page(browser: Browser, url: str, **options: Any) -> Iterator[Page]:
    """A page in English; the test fails on any script error or policy violation."""
    context = browser.new_context(**{"base_url": url, "locale": "en-GB"} | options)
    page = context.new_page()
    problems: list[str] = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on(
        "console",
        lambda message: (
            problems.append(message.text) if "Content Security Policy" in message.text else None
        ),
    )
    yield page
    context.close()
    assert problems == []


@pytest.fixture
def open_page(browser: Browser) -> Iterator[Callable[..., Page]]:
    """Open pages of the test's own."""
    with contextlib.ExitStack() as pages:

        def make(url: str, **options: Any) -> Page:
            return pages.enter_context(watched_page(browser, url, **options))

        yield make


@pytest.fixture
def project(running_site: Site) -> OwnedProject:
    return Operator(running_site).create_project(name="Web shop")


@pytest.fixture
def page(project: OwnedProject, open_page: Callable[..., Page]) -> Page:
    """The console, with the project's owner signed in."""
    page = open_page(project.site.url)
    page.goto("/console")
    sign_in(page, project.owner.email)
    expect(page.get_by_test_id("project")).to_have_count(1)
    return page


@pytest.fixture
def admin(project: OwnedProject) -> ContractClient:
    return project.owner.admin_of(project.id)
