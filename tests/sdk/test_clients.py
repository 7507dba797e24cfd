"""The official client libraries, unmodified, against the stack: the judges of /v1."""

import functools
import http.server
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, sync_playwright

from tests.databases.places import Place
from tests.sdk.packages import (
    PYTHON_VERSIONS,
    bin_folder,
    node_environment,
    node_packages,
    python_package,
)
from tests.support.mailbox import wait_for_mail
from tests.support.site import Site
from tests.support.v1 import PASSWORD, Project, new_email

HERE = Path(__file__).parent


FLOWS = pytest.mark.parametrize("flow", ["flow", "flow_databases"])


@FLOWS
@pytest.mark.parametrize("version", PYTHON_VERSIONS)
def test_python(running_site: Site, version: str, flow: str) -> None:
    environment = os.environ | {"PYTHONPATH": str(python_package(version))}
    command = [sys.executable, str(HERE / f"{flow}.py")]
    run_flow(Project(running_site), command, environment, HERE)


@FLOWS
def test_node(running_site: Site, flow: str) -> None:
    command = [str(bin_folder() / "node"), str(HERE / f"{flow}.mjs")]
    run_flow(Project(running_site), command, node_environment(), node_packages())


def run_flow(
    project: Project, command: list[str], environment: dict[str, str], folder: Path
) -> None:
    """Run a flow to its end, and read its mails for it."""
    given = {
        "endpoint": f"{project.site.url}/v1",
        "project": project.id,
        "key": project.key().headers["X-Appwrite-Key"],
        "email": new_email(),
        "invited": new_email(),
    }
    given["narrow_key"] = given["narrowKey"] = project.key("users.read").headers["X-Appwrite-Key"]
    process = subprocess.Popen(
        [*command, json.dumps(given)],
        cwd=folder,
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout
    assert process.stdin
    is_done = False
    for line in process.stdout:
        asked = json.loads(line)
        if is_done := asked.get("done", False):
            break
        mail = wait_for_mail(project.site, project.id, asked["recipient"], asked["mail"])
        process.stdin.write(f"{mail.link}\n")
        process.stdin.flush()
    _, errors = process.communicate(timeout=60)
    assert is_done, errors


@pytest.fixture
def page_of_another_site() -> Iterator[str]:
    """The address of a developer's own page, on another port, with the web library beside it."""
    folder = node_packages() / "node_modules" / "appwrite" / "dist" / "iife"
    (folder / "index.html").write_text("<!doctype html><script src='sdk.js'></script>")
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=str(folder))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://localhost:{server.server_port}/index.html"
    server.shutdown()


@pytest.fixture
def page() -> Iterator[Page]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path="/usr/bin/chromium", args=["--no-sandbox", "--disable-gpu"]
        )
        yield browser.new_page()
        browser.close()


WEB_FLOW = """
async ({ endpoint, project, email, password }) => {
  const { Client, Account, Teams, ID } = Appwrite
  const client = new Client().setEndpoint(endpoint).setProject(project)
  const account = new Account(client), teams = new Teams(client)
  const steps = {}
  const made = await account.create(ID.unique(), email, password, 'Ann')
  await account.createEmailPasswordSession(email, password)
  steps.me = (await account.get()).$id === made.$id
  await account.updatePrefs({ theme: 'dark' })
  steps.prefs = (await account.getPrefs()).theme
  steps.sessions = (await account.listSessions()).total
  steps.wrong = await account.updateEmail('no', password).catch((error) => error.type)
  const team = await teams.create(ID.unique(), 'The team')
  steps.teams = (await teams.list()).total
  await teams.delete(team.$id)
  await account.deleteSession('current')
  steps.after = await account.get().catch((error) => error.type)
  return steps
}
"""


def test_web(running_site: Site, page: Page, page_of_another_site: str) -> None:
    """In Chromium, from a page of another origin, without TLS: the session travels by header."""
    page.goto(page_of_another_site)
    given: dict[str, Any] = {
        "endpoint": f"{running_site.url}/v1",
        "project": Project(running_site).id,
        "email": new_email(),
        "password": PASSWORD,
    }
    assert page.evaluate(WEB_FLOW, given) == {
        "me": True,
        "prefs": "dark",
        "sessions": 1,
        "wrong": "general_argument_invalid",
        "teams": 1,
        "after": "general_unauthorized_scope",
    }


WEB_DATA_FLOW = """
async ({ endpoint, project, email, password, place }) => {
  const { Client, Account, Databases, TablesDB, ID, Query, Permission, Role } = Appwrite
  const client = new Client().setEndpoint(endpoint).setProject(project)
  const account = new Account(client)
  const visitor = await new TablesDB(client).listRows(place)
  const made = await account.create(ID.unique(), email, password)
  await account.createEmailPasswordSession(email, password)
  const tables = new TablesDB(client), steps = { visitor: visitor.total }
  const { databaseId, tableId } = place
  const row = await tables.createRow({
    databaseId, tableId, rowId: ID.unique(), data: { title: '水' },
  })
  steps.own = row.$permissions.includes(Permission.update(Role.user(made.$id)))
  const changed = await tables.updateRow({
    databaseId, tableId, rowId: row.$id, data: { title: '火' },
  })
  steps.changed = changed.title
  const documents = new Databases(client)
  const listed = await documents.listDocuments(databaseId, tableId, [Query.equal('title', '火')])
  steps.listed = listed.documents.map((each) => each.$collectionId)
  await tables.deleteRow({ databaseId, tableId, rowId: row.$id })
  const gone = await tables.getRow({ databaseId, tableId, rowId: row.$id }).catch((e) => e.type)
  return { ...steps, gone }
}
"""


def test_web_databases(running_site: Site, page: Page, page_of_another_site: str) -> None:
    """In Chromium, from another origin: as a visitor, then signed in, in both sets of words."""
    place = Place(Project(running_site), "tablesdb")
    table = place.collection(
        {"key": "title"}, permissions=['read("any")', 'create("users")'], has_document_security=True
    )
    page.goto(page_of_another_site)
    given: dict[str, Any] = {
        "endpoint": f"{running_site.url}/v1",
        "project": place.project.id,
        "email": new_email(),
        "password": PASSWORD,
        "place": {"databaseId": place.id, "tableId": table},
    }
    assert page.evaluate(WEB_DATA_FLOW, given) == {
        "visitor": 0,
        "own": True,
        "changed": "火",
        "listed": [table],
        "gone": "row_not_found",
    }
