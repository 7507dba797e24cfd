"""What a visitor does, in Debian's chromium, on the stack that `make run` starts."""

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.support.site import Site

pytestmark = pytest.mark.browser


@pytest.fixture
def page(site: Site, open_page: Callable[..., Page]) -> Page:
    """The site's page."""
    page = open_page(site.url, accept_downloads=True)
    page.goto("/")
    return page


def add(page: Page, text: str) -> None:
    page.get_by_test_id("new-content").fill(text)
    page.get_by_test_id("new-content").press("Enter")
    expect(page.get_by_test_id("todo").first.get_by_test_id("content")).to_have_text(text)


def test_a_visitor_keeps_a_list(page: Page) -> None:
    expect(page.get_by_test_id("empty")).to_be_visible()
    for text in ("water the plants", "浇花", "<b>bold</b>"):
        add(page, text)
    expect(page.get_by_test_id("total")).to_have_attribute("data-count", "3")
    first = page.get_by_test_id("todo").first
    first.get_by_test_id("finish").click()
    expect(first.get_by_test_id("finish")).to_have_attribute("aria-checked", "true")
    page.reload()
    first = page.get_by_test_id("todo").first
    expect(first.get_by_test_id("content")).to_have_text("<b>bold</b>")
    expect(first.get_by_test_id("finish")).to_have_attribute("aria-checked", "true")


def test_deleting_can_be_undone(page: Page) -> None:
    for text in ("one", "two", "three"):
        add(page, text)
    page.get_by_test_id("todo").nth(1).get_by_test_id("delete").click()
    expect(page.get_by_test_id("todo")).to_have_count(2)
    page.get_by_test_id("undo").last.click()
    expect(page.get_by_test_id("content")).to_have_text(["three", "two", "one"])
    page.reload()
    expect(page.get_by_test_id("content")).to_have_text(["three", "two", "one"])


def test_older_todos_by_keyset(site: Site, page: Page) -> None:
    with site.client() as client:
        for number in range(25):
            client.post("/api/todo", json={"content": f"number {number}"})
    page.reload()
    expect(page.get_by_test_id("todo")).to_have_count(10)
    page.get_by_test_id("older").click()
    expect(page.get_by_test_id("todo")).to_have_count(20)
    page.get_by_test_id("older").click()
    expect(page.get_by_test_id("todo")).to_have_count(25)
    expect(page.get_by_test_id("older")).to_have_count(0)


def test_import_with_progress_then_export(site: Site, page: Page, tmp_path: Path) -> None:
    """The page learns of both ends without a reload."""
    lines = [json.dumps({"content": f"imported {number}"}) for number in range(3000)]
    file = tmp_path / "list.jsonl"
    file.write_text("\n".join([*lines, "not json", ""]))
    page.get_by_test_id("import").click()
    page.get_by_test_id("import-file").set_input_files(file)
    expect(page.get_by_test_id("import-progress")).to_be_visible()
    result = page.get_by_test_id("import-result")
    expect(result).to_contain_text("3,000", timeout=30_000)
    expect(result).to_contain_text("3,001")
    expect(page.get_by_test_id("total")).to_have_attribute("data-count", "3000")
    page.get_by_test_id("export").click()
    with page.expect_download(timeout=30_000) as download:
        page.get_by_test_id("export-jsonl").click()
    saved = tmp_path / "saved"
    download.value.save_as(saved)
    assert len(saved.read_text().splitlines()) == 3000


def test_language_and_theme_are_kept(page: Page) -> None:
    english = page.title()
    expect(page.locator("html")).to_have_attribute("lang", re.compile("^en"))
    page.get_by_test_id("language").click()
    expect(page.locator("html")).to_have_attribute("lang", re.compile("^zh"))
    before = page.evaluate("getComputedStyle(document.body).backgroundColor")
    page.get_by_test_id("theme").click()
    page.reload()
    expect(page.locator("html")).to_have_attribute("lang", re.compile("^zh"))
    assert page.title() != english
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") != before


def test_by_keyboard_alone(page: Page) -> None:
    page.get_by_test_id("new-content").focus()
    page.keyboard.type("typed")
    page.keyboard.press("Enter")
    todo = page.get_by_test_id("todo").first
    expect(todo.get_by_test_id("content")).to_have_text("typed")
    todo.get_by_test_id("finish").focus()
    page.keyboard.press("Space")
    expect(todo.get_by_test_id("finish")).to_have_attribute("aria-checked", "true")
    todo.get_by_test_id("delete").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_test_id("empty")).to_be_visible()


def test_small_screen_does_not_scroll_sideways(site: Site, page: Page) -> None:
    with site.client() as client:
        client.post("/api/todo", json={"content": "W" * 1000})
    page.set_viewport_size({"width": 320, "height": 640})
    page.reload()
    expect(page.get_by_test_id("todo")).to_have_count(1)
    assert page.evaluate("document.documentElement.scrollWidth") <= 320


def test_server_away_is_said_and_recovered_from(page: Page) -> None:
    add(page, "kept")
    page.context.set_offline(True)
    page.get_by_test_id("new-content").fill("typed while away")
    page.get_by_test_id("add").click()
    expect(page.get_by_test_id("error").first).to_be_visible()
    expect(page.get_by_test_id("new-content")).to_have_value("typed while away")
    page.context.set_offline(False)
    page.get_by_test_id("add").click()
    expect(page.get_by_test_id("content")).to_have_text(["typed while away", "kept"])


def test_api_pages_work_offline(site: Site, page: Page) -> None:
    page.goto("/api/docs")
    expect(page.get_by_text("/api/todo/import")).to_be_visible()
