"""Databases to look at on the console, and what every test of them does."""

from typing import Any

from playwright.sync_api import Page, expect

from tests.browser.console import fill
from tests.contract.recorder import ContractClient
from tests.databases.places import eventually

COLLECTION = "/databases/main/collections/articles"
URL = f"/v1{COLLECTION}"


def make_collection(admin: ContractClient, *titles: str) -> None:
    """The collection ``articles`` with a title, a number and documents of these titles."""
    make(admin, "", databaseId="main", name="Main")
    make(admin, "/main/collections", collectionId="articles", name="Articles")
    attributes = "/main/collections/articles/attributes"
    make(admin, f"{attributes}/string", key="title", size=100, required=True)
    make(admin, f"{attributes}/integer", key="views", required=False, max=1000)
    wait_until_made(admin)
    for number, title in enumerate(titles):
        create_document(admin, f"a{number:03}", title, number)


def create_document(admin: ContractClient, document: str, title: str, views: int) -> None:
    body = {"documentId": document, "data": {"title": title, "views": views}}
    made = admin.post(f"{URL}/documents", json=body)
    assert made.status_code == 201, made.text


def submit(page: Page) -> None:
    """Send the open dialog and wait until it is gone."""
    page.get_by_test_id("submit").click()
    expect(page.get_by_test_id("submit")).to_have_count(0)


def create_attribute(page: Page, kind: str, key: str) -> None:
    page.get_by_test_id("create").click()
    page.get_by_test_id("kind").select_option(kind)
    fill(page, attribute_key=key)
    if kind == "enum":
        fill(page, elements="draft\npublished")
    submit(page)


def save(page: Page, button: str = "save") -> None:
    """Press a button that writes, and wait for a good answer."""
    with page.expect_response(lambda answer: answer.request.method != "GET") as answered:
        page.get_by_test_id(button).click()
    assert answered.value.ok, answered.value.text()


def make(admin: ContractClient, url: str, **body: Any) -> None:
    """Make something that may need a worker."""
    made = admin.post(f"/v1/databases{url}", json=body)
    assert made.status_code in (201, 202), made.text


def wait_until_made(admin: ContractClient, url: str = URL) -> None:
    """Wait until everything of a collection is available."""

    def is_available() -> bool | None:
        shown = admin.get(url).json()
        parts = [*shown["attributes"], *shown["indexes"]]
        return all(part["status"] == "available" for part in parts) or None

    eventually(is_available)
