"""Finding, editing and deleting documents on the console, in Debian's chromium."""

import re
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.console import SLOW_MS, fill, open_in
from tests.browser.databases import (
    COLLECTION,
    URL,
    create_attribute,
    make,
    make_collection,
    save,
    submit,
    wait_until_made,
)
from tests.contract.recorder import ContractClient
from tests.support.operators import OwnedProject

pytestmark = pytest.mark.browser

PAGE = 25
PARTS = "/main/collections/articles"


def create_many(admin: ContractClient, documents: list[dict[str, Any]]) -> None:
    made = admin.post(f"{URL}/documents", json={"documents": documents})
    assert made.status_code == 201, made.text


def ids(page: Page, count: int) -> list[str]:
    """The ids of the page that is shown, once so many are."""
    rows = page.get_by_test_id("document")
    expect(rows).to_have_count(count)
    expect(page.locator('[aria-busy="true"]')).to_have_count(0)
    return [row.get_by_role("link").inner_text() for row in rows.all()]


def add_filter(page: Page, key: str, method: str, *values: str) -> None:
    page.get_by_test_id("filter").click()
    page.get_by_test_id("filter-key").select_option(key)
    page.get_by_test_id("filter-method").select_option(method)
    for number, value in enumerate(values, 1):
        field = page.get_by_test_id(f"filter-value-{number}")
        if field.evaluate("field => field.tagName") == "SELECT":
            field.select_option(value)
        else:
            field.fill(value)
    page.get_by_test_id("add-filter").click()
    expect(page.get_by_test_id("chip")).to_have_count(1)


def test_pages_show_each_document_once_also_where_many_are_equal(
    page: Page, project: OwnedProject, admin: ContractClient
) -> None:
    make_collection(admin)
    everything = [f"d{number:03}" for number in range(60)]
    create_many(
        admin,
        [
            {"$id": each, "title": "Same", "views": place % 3}
            for place, each in enumerate(everything)
        ],
    )
    open_in(page, project, f"{COLLECTION}/documents")
    expect(page.get_by_test_id("document").first).to_contain_text("d059")
    page.get_by_test_id("sort-views").click()
    heading = page.get_by_role("columnheader").filter(has_text="views")
    expect(heading).to_have_attribute("aria-sort", "ascending")
    page.get_by_test_id("sort-views").click()
    expect(heading).to_have_attribute("aria-sort", "descending")
    expect(page.get_by_test_id("document").first).to_contain_text("2")
    first = ids(page, PAGE)
    page.get_by_test_id("next").click()
    expect(page.get_by_text(first[0], exact=True)).to_have_count(0)
    second = ids(page, PAGE)
    page.get_by_test_id("next").click()
    third = ids(page, 10)
    assert sorted(first + second + third) == everything
    page.get_by_test_id("previous").click()
    assert ids(page, PAGE) == second
    page.get_by_test_id("next").click()
    assert ids(page, 10) == third
    page.get_by_test_id("first").click()
    assert ids(page, PAGE) == first
    open_in(page, project, f"{COLLECTION}/documents?after=gone")
    expect(page.get_by_test_id("error")).to_have_attribute("data-type", "general_cursor_not_found")
    page.get_by_test_id("show-all").click()
    ids(page, PAGE)


def test_every_type_has_its_filters(
    page: Page, project: OwnedProject, admin: ContractClient
) -> None:
    make_collection(admin)
    for kind, fields in (
        ("boolean", {"key": "open"}),
        ("datetime", {"key": "due"}),
        ("enum", {"key": "state", "elements": ["new", "old"]}),
        ("string", {"key": "tags", "size": 20, "array": True}),
        ("float", {"key": "price"}),
    ):
        make(admin, f"{PARTS}/attributes/{kind}", **{"required": False} | fields)
    wait_until_made(admin)
    make(admin, f"{PARTS}/indexes", key="words", type="fulltext", attributes=["title"])
    wait_until_made(admin)
    due = "2026-01-31T12:00:00.000+00:00"
    wet = ["wet"]
    create_many(
        admin,
        [
            {
                "$id": "a",
                "title": "下雨天的水滴",
                "open": True,
                "price": 1.5,
                "due": due,
                "tags": wet,
            },
            {"$id": "b", "title": "Sunny days", "open": False, "price": 2.5, "tags": [*wet, "x"]},
            {"$id": "c", "title": "Both 水滴 and sun", "state": "old", "views": 7},
        ],
    )
    open_in(page, project, f"{COLLECTION}/documents")
    for key, method, values, found in (
        ("title", "search", ("水滴",), "ac"),
        ("title", "startsWith", ("Sun",), "b"),
        ("open", "equal", ("false",), "b"),
        ("due", "lessThan", ("2026-02-01T00:00",), "a"),
        ("state", "equal", ("old",), "c"),
        ("tags", "contains", ("wet",), "ab"),
        ("price", "between", ("1.5", "2"), "a"),
        ("price", "isNull", (), "c"),
        ("$id", "notEqual", ("a",), "bc"),
    ):
        add_filter(page, key, method, *values)
        assert sorted(ids(page, len(found))) == list(found), (key, method)
        page.get_by_test_id("clear-filters").click()
        ids(page, 3)
    page.get_by_test_id("filter").click()
    page.get_by_test_id("filter-key").select_option("views")
    fill(page, filter_value_1="many")
    page.get_by_test_id("add-filter").click()
    expect(page.get_by_test_id("filter-value-1")).to_have_attribute("aria-invalid", "true")


def test_json_that_is_not_right_is_not_sent(
    page: Page, project: OwnedProject, admin: ContractClient
) -> None:
    make_collection(admin, "One", "Two")
    make(admin, f"{PARTS}/indexes", key="once", type="unique", attributes=["title"])
    wait_until_made(admin)
    open_in(page, project, f"{COLLECTION}/documents/a000")
    page.get_by_test_id("mode-json").click()
    problem = page.get_by_test_id("json-problem")
    for text, words in (
        ('{"title": "One",\n"views": }', "line 2"),
        ("", "line 1"),
        ("[1]", "object"),
        ('{"title": 5}', "title: This is a text."),
        ('{"title": "One", "views": 1001}', "views: At most 1,?000."),
        ('{"title": "One", "views": 1.5}', "views: This is not a whole number."),
        ('{"title": null}', "title: "),
        ('{"title": "One", "nothing": 1}', "nothing: There is no attribute"),
        ('{"title": "%s"}' % ("x" * 101), "title: 101 characters"),
    ):
        fill(page, json=text)
        page.get_by_test_id("save").click()
        expect(problem).to_contain_text(re.compile(words))
    expect(page.get_by_test_id("mode-form")).to_be_enabled()
    fill(page, json="{")
    expect(page.get_by_test_id("mode-form")).to_be_disabled()
    fill(page, json='{"title": "Two", "views": 5}')
    page.get_by_test_id("save").click()
    expect(page.get_by_test_id("error")).to_have_attribute("data-type", "document_already_exists")
    fill(page, json='{"title": "Three", "views": 5}')
    page.get_by_test_id("mode-form").click()
    expect(page.get_by_test_id("value-title")).to_have_value("Three")
    save(page)
    shown = admin.get(f"{URL}/documents/a000").json()
    assert (shown["title"], shown["views"]) == ("Three", 5)


def test_a_page_of_documents_is_deleted_at_once(
    page: Page, project: OwnedProject, admin: ContractClient
) -> None:
    make_collection(admin)
    create_many(admin, [{"$id": f"d{place:02}", "title": "x", "views": 0} for place in range(30)])
    open_in(page, project, f"{COLLECTION}/documents")
    ids(page, PAGE)
    page.get_by_test_id("choose-all").click()
    page.get_by_test_id("delete-chosen").click()
    expect(page.get_by_role("dialog")).to_contain_text("Delete 25 documents?")
    submit(page)
    assert ids(page, 5) == [f"d{place:02}" for place in reversed(range(5))]
    page.set_viewport_size({"width": 390, "height": 844})  # where a table has no head
    page.get_by_test_id("choose").first.click()
    page.get_by_test_id("choose-page").click()
    page.get_by_test_id("choose").last.click()
    page.get_by_test_id("delete-chosen").click()
    submit(page)
    assert ids(page, 1) == ["d00"]
    assert admin.get(f"{URL}/documents").json()["total"] == 1


def test_coordinates(
    page: Page, project: OwnedProject, admin: ContractClient, database: str
) -> None:
    """Points, lines and polygons in the forms; a server on SQLite says that it cannot."""
    make_collection(admin)
    open_in(page, project, f"{COLLECTION}/attributes")
    if database == "sqlite":
        page.get_by_test_id("create").click()
        page.get_by_test_id("kind").select_option("point")
        fill(page, attribute_key="spot")
        page.get_by_test_id("submit").click()
        expect(page.get_by_test_id("error")).to_contain_text("MySQL or MariaDB")
        return
    page.get_by_test_id("create").click()
    page.get_by_test_id("kind").select_option("point")
    fill(page, attribute_key="home", default="[2.35")
    page.get_by_test_id("submit").click()
    expect(page.get_by_test_id("default")).to_have_attribute("aria-invalid", "true")
    fill(page, default="[2.35, 48.86]")
    submit(page)
    for kind, key in (("point", "spot"), ("line", "way"), ("polygon", "field")):
        create_attribute(page, kind, key)
    available = page.locator('[data-testid="status"][data-status="available"]')
    expect(available).to_have_count(6, timeout=SLOW_MS)

    open_in(page, project, f"{COLLECTION}/new")
    expect(page.get_by_test_id("value-home")).to_have_value("[2.35,48.86]")
    fill(page, document_id="here", value_title="Here", value_spot="[1]", value_way="[[1, 2]]")
    fill(page, value_field="[[0, 0], [0, 1]]")
    page.get_by_test_id("save").click()
    for key in ("spot", "way", "field"):
        field = page.get_by_test_id(f"value-{key}")
        expect(field).to_have_attribute("aria-invalid", "true")
    fill(page, value_spot="[121.47, 31.23]", value_way="[[1, 2], [3, 4.5]]")
    fill(page, value_field="[[[0, 0], [0, 1], [1, 1], [2, 2]]]")
    page.get_by_test_id("save").click()
    expect(page.get_by_test_id("value-field")).to_have_attribute("aria-invalid", "true")
    fill(page, value_field="[[[0, 0], [0, 1], [1, 1], [0, 0]]]")
    save(page)
    expect(page).to_have_url(re.compile("/documents/here$"))
    shown = admin.get(f"{URL}/documents/here").json()
    assert (shown["home"], shown["spot"]) == ([2.35, 48.86], [121.47, 31.23])
    assert shown["way"] == [[1, 2], [3, 4.5]]
    assert shown["field"] == [[[0, 0], [0, 1], [1, 1], [0, 0]]]
    expect(page.get_by_test_id("value-way")).to_have_value("[[1,2],[3,4.5]]")
    fill(page, value_spot="")
    save(page)
    assert admin.get(f"{URL}/documents/here").json()["spot"] is None

    open_in(page, project, f"{COLLECTION}/indexes")
    page.get_by_test_id("create").click()
    page.get_by_test_id("index-type").select_option("spatial")
    fill(page, index_key="by_way")
    page.get_by_test_id("part-0").select_option("way")
    page.get_by_test_id("submit").click()
    expect(page.get_by_test_id("error")).to_contain_text("required")


def test_an_encrypted_text(page: Page, project: OwnedProject, admin: ContractClient) -> None:
    """It needs room, is shown like any other, and is offered for no filter and no index."""
    make_collection(admin)
    open_in(page, project, f"{COLLECTION}/attributes")
    page.get_by_test_id("create").click()
    fill(page, attribute_key="secret", size="149")
    page.get_by_test_id("encrypt").click()
    page.get_by_test_id("submit").click()
    expect(page.get_by_test_id("size")).to_have_attribute("aria-invalid", "true")
    fill(page, size="150")
    submit(page)
    wait_until_made(admin)
    assert admin.get(f"{URL}/attributes/secret").json()["encrypt"] is True
    created = admin.post(
        f"{URL}/documents",
        json={"documentId": "one", "data": {"title": "One", "secret": "under the mat"}},
    )
    assert created.status_code == 201, created.text
    open_in(page, project, f"{COLLECTION}/documents")
    expect(page.get_by_test_id("document")).to_contain_text("under the mat")
    page.get_by_test_id("filter").click()
    offered = page.get_by_test_id("filter-key")
    expect(offered).to_contain_text("title")
    expect(offered).not_to_contain_text("secret")
