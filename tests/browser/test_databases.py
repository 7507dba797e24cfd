"""What an operator does with databases on the console, in Debian's chromium."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.console import SLOW_MS, fill, open_in
from tests.browser.databases import (
    COLLECTION,
    URL,
    create_attribute,
    make_collection,
    save,
    submit,
)
from tests.contract.recorder import ContractClient
from tests.support.operators import OwnedProject

pytestmark = pytest.mark.browser


def test_from_a_database_to_documents_and_back(
    page: Page, project: OwnedProject, admin: ContractClient
) -> None:
    """The whole way, with nothing made beforehand."""
    page.get_by_test_id("project").click()
    page.get_by_test_id("nav-databases").click()
    expect(page.get_by_test_id("empty")).to_be_visible()
    page.get_by_test_id("create").click()
    fill(page, new_name="Main", new_id="main")
    submit(page)
    expect(page.get_by_test_id("snippet")).to_contain_text("'main'")
    page.get_by_test_id("create").click()
    fill(page, new_name="Articles", new_id="articles")
    submit(page)

    for kind, key in (("string", "title"), ("integer", "views"), ("enum", "state")):
        create_attribute(page, kind, key)
    available = page.locator('[data-testid="status"][data-status="available"]')
    expect(available).to_have_count(3, timeout=SLOW_MS)
    page.get_by_test_id("tab-indexes").click()
    page.get_by_test_id("create").click()
    fill(page, index_key="by_views")
    page.get_by_test_id("part-0").select_option("views")
    submit(page)
    expect(available).to_have_count(1, timeout=SLOW_MS)

    page.get_by_test_id("tab-documents").click()
    expect(page.get_by_test_id("snippet")).to_contain_text("'articles'")
    page.get_by_test_id("create").click()
    fill(page, document_id="first", value_title="Hello", value_views="seven")
    page.get_by_test_id("save").click()
    expect(page.get_by_test_id("value-views")).to_have_attribute("aria-invalid", "true")
    fill(page, value_views="7")
    page.get_by_test_id("value-state").select_option("draft")
    page.get_by_test_id("save").click()
    expect(page).to_have_url(re.compile("/documents/first$"))

    page.get_by_test_id("mode-json").click()
    fill(page, json='{"title": "Hello", "views": 8, "state": "gone"}')
    page.get_by_test_id("save").click()
    expect(page.get_by_test_id("json-problem")).to_contain_text("state")
    fill(page, json='{"title": "Hello again", "views": 8,')
    expect(page.get_by_test_id("json-problem")).to_be_visible()
    fill(page, json='{"title": "Hello again", "views": 8, "state": "published"}')
    save(page)
    document = admin.get(f"{URL}/documents/first").json()
    assert (document["title"], document["views"], document["state"]) == (
        "Hello again",
        8,
        "published",
    )
    page.get_by_test_id("back").click()
    expect(page.get_by_test_id("document")).to_contain_text("Hello again")


def test_documents_are_filtered_sorted_paged_and_deleted(
    page: Page, project: OwnedProject, admin: ContractClient
) -> None:
    make_collection(admin, *(f"Article {number}" for number in range(30)))
    open_in(page, project, f"{COLLECTION}/documents")
    rows = page.get_by_test_id("document")
    expect(rows).to_have_count(25)
    expect(page.get_by_test_id("total")).to_contain_text("30")
    expect(rows.first).to_contain_text("Article 29")
    page.get_by_test_id("next").click()
    expect(rows).to_have_count(5)
    expect(page.get_by_test_id("next")).to_be_disabled()
    page.reload()
    expect(rows).to_have_count(5)
    page.get_by_test_id("previous").click()
    expect(rows).to_have_count(25)
    expect(page.get_by_test_id("previous")).to_be_disabled()

    page.get_by_test_id("sort-views").click()
    expect(rows.first).to_contain_text("Article 0")
    page.get_by_test_id("filter").click()
    page.get_by_test_id("filter-key").select_option("views")
    page.get_by_test_id("filter-method").select_option("between")
    fill(page, filter_value_1="3", filter_value_2="6")
    page.get_by_test_id("add-filter").click()
    expect(rows).to_have_count(4)
    page.get_by_test_id("raw").click()
    expect(page.get_by_test_id("query")).to_have_value('between("views", 3, 6)')
    fill(page, query='equal("title", ["Article 3"')
    page.get_by_test_id("apply").click()
    expect(page.get_by_test_id("query")).to_have_attribute("aria-invalid", "true")
    fill(page, query='or([equal("title", ["Article 3"]), greaterThan("views", 27)])')
    page.get_by_test_id("apply").click()
    expect(rows).to_have_count(3)

    page.get_by_test_id("choose").first.click()
    page.get_by_test_id("choose").last.click()
    page.get_by_test_id("delete-chosen").click()
    submit(page)
    expect(rows).to_have_count(1)
    expect(page.get_by_test_id("total")).to_contain_text("1")
    assert admin.get(f"{URL}/documents").json()["total"] == 28
    page.set_viewport_size({"width": 320, "height": 640})
    tabs = ("documents", "attributes", "indexes", "settings", "activity", "documents/a001", "new")
    for rest in (*(f"{COLLECTION}/{tab}" for tab in tabs), "/databases", "/databases/main"):
        open_in(page, project, rest)
        page.wait_for_load_state("networkidle")
        assert page.evaluate("document.documentElement.scrollWidth") <= 320, rest


def test_what_cannot_be_is_said_where_it_is(
    page: Page, project: OwnedProject, admin: ContractClient
) -> None:
    """Refusals by the server, what failed in the worker, and what is gone."""
    make_collection(admin, "One")
    open_in(page, project, f"{COLLECTION}/new")
    fill(page, document_id="a000", value_title="Another")
    page.get_by_test_id("save").click()
    expect(page.get_by_test_id("error")).to_have_attribute("data-type", "document_already_exists")
    open_in(page, project, f"{COLLECTION}/documents?q=equal(%22nowhere%22,1)")
    expect(page.get_by_test_id("error")).to_be_visible()
    page.get_by_test_id("clear-filters").click()
    expect(page.get_by_test_id("document")).to_have_count(1)
    open_in(page, project, f"{COLLECTION}/documents/none")
    expect(page.get_by_test_id("error")).to_have_attribute("data-type", "document_not_found")
    project.site.sql(
        "UPDATE attributes SET status = 'failed', error = 'No room.' WHERE `key` = 'views'"
    )
    renamed = admin.put(URL, json={"name": "Renamed"})  # what is cached of it goes
    assert renamed.status_code == 200, renamed.text
    open_in(page, project, f"{COLLECTION}/attributes")
    failed = page.locator('[data-testid="status"][data-status="failed"]')
    expect(failed).to_contain_text("No room.")
    page.get_by_test_id("attribute").last.get_by_test_id("delete").click()
    submit(page)
    expect(page.get_by_test_id("attribute")).to_have_count(1, timeout=SLOW_MS)


def test_permissions_and_deletion(page: Page, project: OwnedProject, admin: ContractClient) -> None:
    make_collection(admin, "One")
    assert project.guest().get(f"{URL}/documents").status_code == 401
    open_in(page, project, f"{COLLECTION}/settings")
    page.get_by_test_id("add-role").click()
    page.get_by_test_id("choose-role").click()
    save(page, "save-permissions")
    assert project.guest().get(f"{URL}/documents").json()["total"] == 1
    page.get_by_test_id("delete-collection").click()
    expect(page.get_by_test_id("submit")).to_be_disabled()
    fill(page, typed="Articles")
    submit(page)
    expect(page).to_have_url(re.compile("/databases/main$"))
    page.get_by_test_id("tab-settings").click()
    page.get_by_test_id("enabled").click()
    expect(page.get_by_test_id("enabled")).to_have_attribute("aria-checked", "false")
    page.get_by_test_id("delete-database").click()
    fill(page, typed="Main")
    submit(page)
    expect(page).to_have_url(re.compile("/databases$"))
    assert admin.get("/v1/databases/main").status_code == 404
