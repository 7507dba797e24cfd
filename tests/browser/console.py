"""What every test of the console does."""

import re

from playwright.sync_api import Page, expect

from tests.support.operators import OwnedProject
from tests.support.v1 import PASSWORD

SLOW_MS = 20_000
"""For what a worker has to do first."""


def sign_in(page: Page, email: str, password: str = PASSWORD) -> None:
    page.get_by_test_id("email").fill(email)
    page.get_by_test_id("password").fill(password)
    page.get_by_test_id("submit").click()


def sign_out(page: Page) -> None:
    page.get_by_test_id("sign-out").click()
    expect(page).to_have_url(re.compile("/console/sign-in$"))


def fill(page: Page, **fields: str) -> None:
    for name, text in fields.items():
        page.get_by_test_id(name.replace("_", "-")).fill(text)


def open_in(page: Page, project: OwnedProject, rest: str = "") -> None:
    page.goto(f"/console/project/{project.id}{rest}")
