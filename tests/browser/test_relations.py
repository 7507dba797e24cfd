"""Relationships on the console, in Debian's chromium."""

import pytest
from playwright.sync_api import Page, expect

from tests.browser.console import SLOW_MS, fill, open_in
from tests.browser.databases import (
    COLLECTION,
    URL,
    make,
    make_collection,
    save,
    submit,
    wait_until_made,
)
from tests.contract.recorder import ContractClient
from tests.support.operators import OwnedProject

pytestmark = pytest.mark.browser

AUTHORS = "/databases/main/collections/authors"
KINDS = {
    "cover": ("oneToOne", "coverOf", "has at most one of Authors"),
    "parts": ("oneToMany", "", "any number of Authors"),
    "owner": ("manyToOne", "owned", "can share one of Authors"),
    "writers": ("manyToMany", "wrote", "linked in any number"),
}
"""By the key: the kind, the key on the other side if it has one, and what the drawing says."""


@pytest.fixture
def console(page: Page, project: OwnedProject, admin: ContractClient) -> Page:
    """Two articles, and three authors with names, that do not know of each other."""
    make_collection(admin, "One", "Two")
    make(admin, "/main/collections", collectionId="authors", name="Authors")
    make(admin, "/main/collections/authors/attributes/string", key="name", size=50, required=True)
    wait_until_made(admin, f"/v1{AUTHORS}")
    for name in ("ada", "bob", "cy"):
        body = {"documentId": name, "data": {"name": name.title()}}
        made = admin.post(f"/v1{AUTHORS}/documents", json=body)
        assert made.status_code == 201, made.text
    return page


def create(page: Page, key: str, *, on_delete: str = "setNull") -> None:
    """Make a relationship in the open form."""
    kind, other, words = KINDS[key]
    page.get_by_test_id("create").click()
    page.get_by_test_id("kind").select_option("relationship")
    fill(page, attribute_key=key)
    page.get_by_test_id("submit").click()  # without the other collection nothing is sent
    page.get_by_test_id("related").select_option("authors")
    page.get_by_test_id("relation-type").select_option(kind)
    if other:
        page.get_by_test_id("two-way").click()
        fill(page, two_way_key=other)
    page.get_by_test_id("on-delete").select_option(on_delete)
    expect(page.locator("figcaption")).to_contain_text(words)
    submit(page)
    row = page.get_by_test_id("attribute").filter(has_text=key)
    status = row.get_by_test_id("status")
    expect(status).to_have_attribute("data-status", "available", timeout=SLOW_MS)


def link(page: Page, key: str, *documents: str) -> None:
    """Choose documents of those that are offered, in the open editor."""
    for document in documents:
        page.get_by_test_id(f"relation-{key}").click()
        page.get_by_test_id(f"take-{document}").click()
    expect(page.get_by_test_id(f"linked-{key}")).to_have_count(len(documents))


def test_every_kind_is_made_linked_and_seen(
    console: Page, project: OwnedProject, admin: ContractClient
) -> None:
    open_in(console, project, f"{COLLECTION}/attributes")
    for key in KINDS:
        create(console, key)
    console.get_by_test_id("create").click()
    console.get_by_test_id("kind").select_option("relationship")
    console.get_by_test_id("related").select_option("authors")
    console.get_by_test_id("two-way").click()
    fill(console, attribute_key="again", two_way_key="wrote")
    expect(console.get_by_test_id("two-way-key")).to_have_attribute("aria-invalid", "true")
    console.get_by_test_id("submit").click()
    expect(console.get_by_test_id("error")).to_have_attribute(
        "data-type", "attribute_already_exists"
    )

    open_in(console, project, f"{COLLECTION}/documents/a000")
    link(console, "cover", "ada")
    link(console, "parts", "ada", "bob")
    link(console, "owner", "cy")
    link(console, "writers", "bob", "cy")
    save(console)
    console.reload()
    for key, count in (("cover", 1), ("parts", 2), ("owner", 1), ("writers", 2)):
        expect(console.get_by_test_id(f"linked-{key}")).to_have_count(count)
    expect(console.get_by_test_id("linked-owner")).to_contain_text("cy")

    console.get_by_test_id("linked-owner").get_by_role("link").click()
    expect(console.get_by_test_id("value-name")).to_have_value("Cy")
    expect(console.get_by_test_id("linked-owned")).to_contain_text("a000")
    expect(console.get_by_test_id("linked-wrote")).to_contain_text("a000")
    link(console, "coverOf", "a001")  # from the other side
    save(console)
    open_in(console, project, f"{COLLECTION}/documents")
    console.get_by_test_id("columns").click()
    for key in KINDS:
        console.get_by_test_id(f"column-{key}").click()
    rows = console.get_by_test_id("document")
    expect(rows.filter(has_text="a001")).to_contain_text("cy")
    expect(rows.filter(has_text="a000")).to_contain_text('["bob","cy"]')

    open_in(console, project, f"{COLLECTION}/documents/a000")
    console.get_by_test_id("unlink-cy").last.click()
    console.get_by_test_id("mode-json").click()
    expect(console.get_by_test_id("json")).to_have_value(
        '{\n  "title": "One",\n  "views": 0,\n  "cover": "ada",\n  "parts": [\n    "ada",\n'
        '    "bob"\n  ],\n  "owner": "cy",\n  "writers": [\n    "bob"\n  ]\n}'
    )
    save(console)
    shown = admin.get(
        f"{URL}/documents/a000",
        params={"queries[0]": '{"method": "select", "values": ["*", "writers.$id"]}'},
    )
    assert [each["$id"] for each in shown.json()["writers"]] == ["bob"]


def test_what_a_relationship_refuses_is_said(
    console: Page, project: OwnedProject, admin: ContractClient
) -> None:
    """A document that cannot go stays chosen; one that is not there is no link."""
    open_in(console, project, f"{COLLECTION}/attributes")
    create(console, "writers", on_delete="restrict")
    open_in(console, project, f"{COLLECTION}/documents/a000")
    fill(console, relation_writers="nobody")
    console.get_by_test_id("relation-writers").press("Enter")
    console.get_by_test_id("save").click()
    expect(console.get_by_text('there is no document "nobody"')).to_be_visible()
    console.get_by_test_id("unlink-nobody").click()
    link(console, "writers", "ada")
    save(console)
    open_in(console, project, f"{COLLECTION}/documents")
    console.get_by_test_id("choose-all").click()
    console.get_by_test_id("delete-chosen").click()
    console.get_by_test_id("submit").click()
    refused = console.get_by_test_id("error")
    expect(refused).to_have_attribute("data-type", "document_delete_restricted")
    expect(refused).to_contain_text("Undo the links first")
    assert [each["$id"] for each in admin.get(f"{URL}/documents").json()["documents"]] == ["a000"]
    expect(console.get_by_test_id("document")).to_have_count(1)  # the other one is gone
    open_in(console, project, f"{AUTHORS}/documents")
    console.get_by_test_id("choose").last.click()  # a relationship leads here, without a key here
    console.get_by_test_id("delete-chosen").click()
    submit(console)
    expect(console.get_by_test_id("document")).to_have_count(2)
