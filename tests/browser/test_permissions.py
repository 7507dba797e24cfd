"""Who may do what with documents, set on the console, in Debian's chromium."""

import itertools
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.console import fill, open_in
from tests.browser.databases import COLLECTION, URL, make_collection, save
from tests.contract.recorder import ContractClient
from tests.support.operators import OwnedProject

pytestmark = pytest.mark.browser

SETTINGS = f"{COLLECTION}/settings"


def add_role(page: Page, kind: str, role_id: str = "", team_role: str = "") -> None:
    page.get_by_test_id("add-role").click()
    page.get_by_test_id("role-kind").select_option(kind)
    if role_id:
        fill(page, role_id=role_id)
    if team_role:
        fill(page, team_role=team_role)
    page.get_by_test_id("choose-role").click()


def turn(page: Page, role: str, *actions: str) -> None:
    for action in actions:
        page.get_by_test_id(f"may-{role}-{action}").click()


def permissions(admin: ContractClient, url: str = URL) -> set[str]:
    return set(admin.get(url).json()["$permissions"])


def test_the_matrix_of_a_collection(
    page: Page, project: OwnedProject, admin: ContractClient
) -> None:
    """What is ticked is what the server keeps and does."""
    make_collection(admin, "One")
    team = admin.post("/v1/teams", json={"teamId": "staff", "name": "The staff"})
    assert team.status_code == 201, team.text
    ann = project.sign_up()
    user = ann.get("/v1/account").json()["$id"]
    open_in(page, project, SETTINGS)
    add_role(page, "user", user)
    turn(page, f"user:{user}", "update", "create")
    add_role(page, "team", "staff", "editor")
    add_role(page, "label", "vip")
    turn(page, "label:vip", "read", "delete")  # it may read at first
    add_role(page, "guests")
    page.get_by_test_id("remove-guests").click()
    page.get_by_test_id("add-role").click()
    page.get_by_test_id("role-kind").select_option("label")
    fill(page, role_id="not a label")
    page.get_by_test_id("choose-role").click()
    expect(page.get_by_test_id("role-id")).to_have_attribute("aria-invalid", "true")
    save(page, "save-permissions")
    wanted = {f'{action}("user:{user}")' for action in ("read", "update", "create")}
    wanted |= {'read("team:staff/editor")', 'delete("label:vip")'}
    assert permissions(admin) == wanted
    changed = ann.patch(f"{URL}/documents/a000", json={"data": {"views": 5}})
    assert changed.status_code == 200, changed.text
    assert ann.delete(f"{URL}/documents/a000").status_code == 401
    assert project.guest().get(f"{URL}/documents").status_code == 401

    page.reload()
    expect(page.get_by_test_id("role")).to_have_count(3)
    turn(page, f"user:{user}", "update")
    page.get_by_test_id("enabled").click()  # what is being edited stays
    expect(page.get_by_test_id("enabled")).to_have_attribute("aria-checked", "false")
    box = page.get_by_test_id(f"may-user:{user}-update")
    expect(box).to_have_attribute("aria-checked", "false")
    save(page, "save-permissions")
    assert permissions(admin) == wanted - {f'update("user:{user}")'}


def test_permissions_of_a_document(
    page: Page, project: OwnedProject, admin: ContractClient
) -> None:
    make_collection(admin, "One", "Two")
    assert project.guest().get(f"{URL}/documents/a000").status_code == 401
    open_in(page, project, f"{COLLECTION}/documents/a000")
    expect(page.get_by_test_id("add-role")).to_have_count(0)
    open_in(page, project, SETTINGS)
    save(page, "document-security")
    open_in(page, project, f"{COLLECTION}/documents/a000")
    add_role(page, "any")
    expect(page.get_by_test_id("may-any-create")).to_have_count(0)  # no matter of a document
    save(page)
    assert permissions(admin, f"{URL}/documents/a000") == {'read("any")'}
    shown = project.guest().get(f"{URL}/documents").json()
    assert [each["$id"] for each in shown["documents"]] == ["a000"]


def test_the_matrix_fits_a_phone(page: Page, project: OwnedProject, admin: ContractClient) -> None:
    """Each role has its line, the boxes stand side by side under it, nothing lies over another."""
    make_collection(admin)
    long = "a-team-whose-id-has-thirty-six-chars"
    given = ['read("any")', f'update("team:{long}/editor-in-chief")', 'create("users/verified")']
    changed = admin.put(URL, json={"name": "Articles", "permissions": given})
    assert changed.status_code == 200, changed.text
    page.set_viewport_size({"width": 390, "height": 844})
    open_in(page, project, SETTINGS)
    expect(page.get_by_test_id("role")).to_have_count(3)
    expect(page.get_by_test_id("tab-settings")).to_be_in_viewport(ratio=1)
    for row in page.get_by_test_id("role").all():
        name, *boxes = [place(cell) for cell in row.locator("td").all()]
        remove = boxes.pop()
        assert name["width"] > 250
        assert len({box["y"] for box in boxes}) == 1
        assert boxes[0]["y"] >= name["y"] + name["height"]
        for left, right in itertools.pairwise(boxes):
            assert left["x"] + left["width"] <= right["x"]
        assert remove["y"] + remove["height"] <= boxes[-1]["y"] + 1
        assert boxes[-1]["x"] + boxes[-1]["width"] <= 390
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


def place(cell: Locator) -> Any:
    box = cell.bounding_box()
    assert box is not None
    return box
