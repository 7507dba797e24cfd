"""What an operator does on the console, in Debian's chromium."""

import re
import subprocess
import time
from collections.abc import Callable

import httpx
import pyotp
import pytest
from playwright.sync_api import Page, Response, expect

from raindrop.config import load_settings
from tests.browser.conftest import FOREIGN_NAME
from tests.browser.console import SLOW_MS, fill, open_in, sign_in, sign_out
from tests.support.mailbox import wait_for_mail
from tests.support.operators import Operator, OwnedProject
from tests.support.site import Site
from tests.support.v1 import PASSWORD, Project, new_email

pytestmark = pytest.mark.browser


def create_user(admin: httpx.Client, **fields: str) -> str:
    """A user of the project that an administrator is at work in; the id."""
    body = {"userId": "unique()", "email": new_email(), "name": "Ann"}
    made = admin.post("/v1/users", json=body | fields)
    assert made.status_code == 201, made.text
    return made.json()["$id"]


def test_from_the_first_sign_up_to_a_suspended_user(
    new_site: Callable[..., Site], open_page: Callable[..., Page]
) -> None:
    """The whole way of a new owner, and the snippet that is shown is run."""
    site = new_site(NGINX="packaged")
    site.start()
    page = open_page(site.url)
    page.goto("/console/project/whatever")
    expect(page).to_have_url(re.compile("/console/sign-up$"))
    page.get_by_test_id("submit").click()
    expect(page.get_by_test_id("name")).to_have_attribute("aria-invalid", "true")
    fill(page, name="Ada", email="ada@example.test", password=PASSWORD)
    page.get_by_test_id("submit").click()

    expect(page.get_by_test_id("empty")).to_be_visible()
    page.get_by_test_id("create").click()
    fill(page, project_name="Web shop", project_id="shop", team_name="Shop people")
    page.get_by_test_id("submit").click()
    expect(page.get_by_test_id("count-users")).to_contain_text("0")
    expect(page).to_have_title(re.compile("Web shop"))
    expect(page.get_by_test_id("snippet")).to_contain_text(f"{site.url}/v1")

    page.get_by_test_id("nav-keys").click()
    page.get_by_test_id("create").click()
    fill(page, key_name="report")
    page.get_by_test_id("scope-users.read").click()
    page.get_by_test_id("submit").click()
    secret = page.get_by_test_id("secret").inner_text()
    command = page.get_by_test_id("snippet").inner_text()
    assert secret in command
    page.get_by_test_id("close-secret").click()
    expect(page.get_by_test_id("key")).to_have_count(1)
    assert secret not in page.content()
    page.reload()
    expect(page.get_by_test_id("key")).to_contain_text("report")
    assert secret not in page.content()
    shown = subprocess.run(["bash", "-c", command], capture_output=True, check=True, text=True)
    assert '"total":0' in shown.stdout

    page.get_by_test_id("nav-users").click()
    page.get_by_test_id("create").click()
    fill(page, user_name="Bob", user_email="bob@example.test", user_password=PASSWORD)
    page.get_by_test_id("submit").click()
    expect(page.get_by_test_id("suspend")).to_be_visible()
    body = {"email": "bob@example.test", "password": PASSWORD}
    bob = httpx.Client(base_url=site.url, headers={"X-Appwrite-Project": "shop"}, trust_env=False)
    assert bob.post("/v1/account/sessions/email", json=body).status_code == 201
    assert bob.get("/v1/account").status_code == 200
    page.get_by_test_id("suspend").click()
    page.get_by_test_id("submit").click()
    expect(page.get_by_test_id("suspended")).to_be_visible()
    assert bob.get("/v1/account").status_code == 401

    page.get_by_test_id("nav-audits").click()
    line = page.locator('[data-testid="audit"][data-event$=".update.status"]')
    reload_until(page, line.count)
    expect(line.first).to_contain_text("Ada")


def reload_until(page: Page, is_there: Callable[[], object]) -> None:
    """Press the page's button until a worker has done its part."""
    deadline = time.monotonic() + SLOW_MS / 1000
    while not is_there():
        assert time.monotonic() < deadline
        page.get_by_test_id("reload").click()
        page.wait_for_timeout(500)


def test_the_first_sign_up_by_another_name_needs_the_token(
    new_site: Callable[..., Site], open_page: Callable[..., Page]
) -> None:
    site = new_site(NGINX="packaged")
    site.start()
    page = open_page(f"http://{FOREIGN_NAME}:{site.port}")
    page.goto("/console")
    fill(page, name="Ada", email="ada@example.test", password=PASSWORD, token="wrong")
    page.get_by_test_id("submit").click()
    expect(page.get_by_test_id("error")).to_have_attribute(
        "data-type", "user_console_count_exceeded"
    )
    settings = load_settings(site.environment)
    token = (settings.var / "secrets" / "sign-up-token").read_text().strip()
    fill(page, token=token)
    page.get_by_test_id("submit").click()
    expect(page.get_by_test_id("empty")).to_be_visible()
    sign_out(page)
    page.goto("/console/sign-up")
    expect(page.get_by_test_id("submit")).to_have_count(0)


def test_signing_in_leads_to_where_one_wanted_to_go(
    project: OwnedProject, open_page: Callable[..., Page]
) -> None:
    page = open_page(project.site.url)
    open_in(page, project, "/users?search=zzz")
    expect(page).to_have_url(re.compile("/console/sign-in"))
    sign_in(page, project.owner.email, "not the password")
    expect(page.get_by_test_id("error")).to_have_attribute("data-type", "user_invalid_credentials")
    sign_in(page, project.owner.email)
    expect(page).to_have_url(re.compile(f"/console/project/{project.id}/users\\?search=zzz$"))
    expect(page.get_by_test_id("empty")).to_be_visible()
    sign_out(page)
    open_in(page, project)
    expect(page).to_have_url(re.compile("/console/sign-in"))


def test_a_session_that_ends_meanwhile_leads_to_sign_in(page: Page, project: OwnedProject) -> None:
    open_in(page, project)
    expect(page.get_by_test_id("count-users")).to_contain_text("0")
    assert project.console.delete("/v1/account/sessions").status_code == 204
    page.get_by_test_id("nav-users").click()
    expect(page).to_have_url(re.compile("/console/sign-in"))


def test_another_project_is_said_not_to_be_there(page: Page, project: OwnedProject) -> None:
    other = Operator(project.site).create_project()
    open_in(page, other, "/users")
    expect(page.get_by_test_id("error")).to_have_attribute("data-type", "project_not_found")


def test_users_are_searched_paged_and_deleted(page: Page, project: OwnedProject) -> None:
    admin = project.owner.admin_of(project.id)
    for number in range(26):
        create_user(admin, name=f"Person {number}")
    longest = create_user(admin, name="W" * 128, email=f"{'w' * 60}@{'example.' * 20}test")
    open_in(page, project, "/users")
    expect(page.get_by_test_id("user")).to_have_count(25)
    page.get_by_test_id("next").click()
    expect(page.get_by_test_id("user")).to_have_count(2)
    page.reload()
    expect(page.get_by_test_id("user")).to_have_count(2)
    page.get_by_test_id("search").fill("Person 25")
    expect(page.get_by_test_id("user")).to_have_count(1)
    page.get_by_test_id("user").get_by_role("link").click()
    email = page.get_by_test_id("user-email").input_value()
    fill(page, labels="vip, beta")
    page.get_by_test_id("save-labels").click()
    expect(page.get_by_test_id("toast")).to_be_visible()
    page.get_by_test_id("delete-user").click()
    expect(page.get_by_test_id("submit")).to_be_disabled()
    fill(page, typed=email)
    page.get_by_test_id("submit").click()
    expect(page).to_have_url(re.compile("/users$"))
    page.set_viewport_size({"width": 320, "height": 640})
    for rest in ("", "/users", f"/users/{longest}", "/keys", "/audits", "/settings/rules"):
        open_in(page, project, rest)
        page.wait_for_load_state("networkidle")
        assert page.evaluate("document.documentElement.scrollWidth") <= 320, rest


def test_a_users_sessions_end(page: Page, project: OwnedProject) -> None:
    person = project.sign_up()
    user = person.get("/v1/account").json()
    open_in(page, project, f"/users/{user['$id']}")
    page.get_by_test_id("end-session").click()
    expect(page.get_by_test_id("session")).to_have_count(0)
    assert person.get("/v1/account").status_code == 401


def test_a_team_gets_and_loses_a_member(page: Page, project: OwnedProject) -> None:
    create_user(project.owner.admin_of(project.id), email="team.mate@example.test")
    open_in(page, project, "/teams")
    page.get_by_test_id("create").click()
    fill(page, team_name="Editors")
    page.get_by_test_id("submit").click()
    page.get_by_test_id("invite").click()
    fill(page, member_email="team.mate@example.test", member_roles="editor")
    page.get_by_test_id("submit").click()
    expect(page.get_by_test_id("member")).to_contain_text("editor")
    page.get_by_test_id("remove").click()
    page.get_by_test_id("submit").click()
    expect(page.get_by_test_id("member")).to_have_count(0)


def test_platforms_take_a_pasted_address(page: Page, project: OwnedProject) -> None:
    open_in(page, project, "/platforms")
    page.get_by_test_id("create").click()
    fill(page, platform_name="Shop", hostname="https://shop.example.com:8443/start")
    page.get_by_test_id("submit").click()
    expect(page.get_by_test_id("platform")).to_contain_text("shop.example.com")
    (platform,) = project.get()["platforms"]
    assert platform["hostname"] == "shop.example.com"
    page.get_by_test_id("delete").click()
    page.get_by_test_id("submit").click()
    expect(page.get_by_test_id("empty")).to_be_visible()


def test_settings_take_effect(page: Page, project: OwnedProject) -> None:
    open_in(page, project, "/settings/sign-in")
    page.get_by_test_id("method-anonymous").click()
    expect(page.get_by_test_id("toast")).to_be_visible()
    assert project.guest().post("/v1/account/sessions/anonymous").status_code == 501
    page.get_by_test_id("settings-rules").click()
    fill(page, max_sessions="0")
    page.get_by_test_id("save").click()
    expect(page.get_by_test_id("max-sessions")).to_have_attribute("aria-invalid", "true")
    fill(page, max_sessions="3")
    page.get_by_test_id("save").click()
    expect(page.get_by_test_id("toast")).to_have_count(2)
    assert project.get()["authSessionsLimit"] == 3
    page.get_by_test_id("settings-general").click()
    page.get_by_test_id("delete-project").click()
    fill(page, typed="Web shop")
    page.get_by_test_id("submit").click()
    expect(page).to_have_url(re.compile("/console/?$"))
    assert project.console.get(project.path).status_code == 404


def test_a_mail_that_is_kept_can_be_read_and_followed(
    page: Page, project: OwnedProject, open_page: Callable[..., Page]
) -> None:
    """The console's own recovery mail, all the way to the new password."""
    sign_out(page)
    page.goto("/console/forgot")
    fill(page, email=project.owner.email)
    page.get_by_test_id("submit").click()
    expect(page.get_by_test_id("submit")).to_have_count(0)
    page.goto("/console/sign-in?next=/mails")
    sign_in(page, project.owner.email)
    reload_until(page, page.get_by_test_id("mail").count)
    page.get_by_test_id("mail").first.get_by_role("link").click()
    expect(page.locator("iframe")).to_have_attribute("sandbox", "")
    expect(page.frame_locator("iframe").get_by_role("link").first).to_be_visible()
    link = page.get_by_test_id("mail-link").first.get_attribute("href")
    assert link
    other = open_page(project.site.url)
    other.goto(link)
    fill(other, password="quite another horse")
    other.get_by_test_id("submit").click()
    expect(other).to_have_url(re.compile("/console/sign-in$"))
    sign_in(other, project.owner.email, "quite another horse")
    expect(other.get_by_test_id("project")).to_have_count(1)


def test_the_second_step(page: Page, project: OwnedProject, open_page: Callable[..., Page]) -> None:
    page.get_by_test_id("account").click()
    page.get_by_test_id("add-totp").click()
    authenticator = pyotp.TOTP(page.get_by_test_id("totp-secret").inner_text())
    fill(page, totp_code=authenticator.now())
    page.get_by_test_id("confirm-totp").click()
    expect(page.get_by_test_id("remove-totp")).to_be_visible()
    page.get_by_test_id("make-codes").click()
    codes = page.get_by_test_id("recovery-codes").inner_text().split()
    page.get_by_test_id("mfa").click()
    expect(page.get_by_test_id("mfa")).to_have_attribute("aria-checked", "true")

    other = open_page(project.site.url)
    other.goto("/console/account")
    sign_in(other, project.owner.email)
    fill(other, code="000000")
    other.get_by_test_id("submit").click()
    expect(other.get_by_test_id("error")).to_be_visible()
    other.goto(f"/console/project/{project.id}")
    expect(other).to_have_url(re.compile("/console/sign-in"))
    other.get_by_test_id("factor-recoverycode").click()
    fill(other, code=codes[0])
    other.get_by_test_id("submit").click()
    expect(other.get_by_test_id("count-users")).to_be_visible()


def test_the_server_away_is_said_and_recovered_from(page: Page, project: OwnedProject) -> None:
    open_in(page, project)
    expect(page.get_by_test_id("count-users")).to_contain_text("0")
    page.context.set_offline(True)
    page.get_by_test_id("nav-users").click()
    expect(page.get_by_test_id("error")).to_have_attribute("data-type", "client_network")
    page.context.set_offline(False)
    page.get_by_test_id("retry").click()
    expect(page.get_by_test_id("empty")).to_be_visible()


def test_a_viewer_is_told_what_the_role_does_not_allow(
    project: OwnedProject, open_page: Callable[..., Page]
) -> None:
    viewer = Operator(project.site)
    viewer.join(project.team_id, "viewer")
    page = open_page(project.site.url)
    open_in(page, project, "/teams")
    sign_in(page, viewer.email)
    page.get_by_test_id("create").click()
    fill(page, team_name="Mine")
    page.get_by_test_id("submit").click()
    expect(page.get_by_test_id("error")).to_have_attribute(
        "data-type", "general_unauthorized_scope"
    )
    assert re.search("/teams$", page.url)


def test_by_keyboard_on_a_phone_in_chinese(
    project: OwnedProject, open_page: Callable[..., Page]
) -> None:
    page = open_page(
        project.site.url,
        locale="zh-CN",
        viewport={"width": 390, "height": 780},
        color_scheme="dark",
    )
    page.goto("/console")
    expect(page.get_by_test_id("email")).to_be_focused()
    page.keyboard.type(project.owner.email)
    page.keyboard.press("Tab")
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    page.get_by_test_id("project").focus()
    page.keyboard.press("Enter")
    page.get_by_test_id("menu").focus()
    page.keyboard.press("Enter")
    page.get_by_test_id("nav-keys").last.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_test_id("nav-keys").last).not_to_be_visible()
    page.get_by_test_id("create").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_test_id("key-name")).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.get_by_test_id("key-name")).to_have_count(0)
    expect(page.locator("html")).to_have_attribute("lang", "zh-CN")


def test_the_board_does_not_load_the_console(
    running_site: Site, open_page: Callable[..., Page]
) -> None:
    page = open_page(running_site.url)
    loaded: list[str] = []

    def note(response: Response) -> None:
        loaded.append(response.url)

    page.on("response", note)
    page.goto("/")
    page.wait_for_load_state("networkidle")
    scripts = [url for url in loaded if url.endswith(".js")]
    assert len(scripts) == 1
    page.get_by_test_id("console").click()
    expect(page.get_by_test_id("email")).to_be_visible()


def test_a_magic_link_without_a_page_of_its_own(
    running_site: Site, open_page: Callable[..., Page]
) -> None:
    """It signs in to the project that it is of, at a click, once."""
    project, email = Project(running_site), new_email()
    asked = {"userId": "unique()", "email": email}
    assert project.guest().post("/v1/account/tokens/magic-url", json=asked).status_code == 201
    link = wait_for_mail(running_site, project.id, email, "magicsession").link
    page = open_page(running_site.url)
    page.goto(link)
    page.get_by_test_id("submit").click()
    expect(page.get_by_test_id("done")).to_be_visible()
    cookies = {cookie["name"] for cookie in page.context.cookies()}
    assert f"a_session_{project.id}" in cookies
    page.context.clear_cookies()
    page.goto(link)
    page.get_by_test_id("submit").click()
    expect(page.get_by_test_id("error")).to_have_attribute("data-type", "user_invalid_token")
