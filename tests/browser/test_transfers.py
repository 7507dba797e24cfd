"""Importing and exporting documents on the console, in Debian's chromium."""

import csv
import json
from pathlib import Path

import pytest
from playwright.sync_api import FilePayload, Page, expect

from tests.browser.console import SLOW_MS, fill, open_in
from tests.browser.databases import COLLECTION, URL, make_collection, save
from tests.contract.recorder import ContractClient
from tests.support.operators import OwnedProject

pytestmark = pytest.mark.browser

MANY = 20_000
LIMIT_BYTES = 100 * 1024 * 1024


@pytest.fixture
def transfer(page: Page, project: OwnedProject, admin: ContractClient) -> Page:
    """The tab, of a collection with two documents."""
    make_collection(admin, "Old", "Old too")
    open_in(page, project, f"{COLLECTION}/transfer")
    return page


def choose(page: Page, name: str, text: str) -> None:
    payload: FilePayload = {"name": name, "mimeType": "text/plain", "buffer": text.encode()}
    page.get_by_test_id("import-file").set_input_files(payload)


def wait_until_ended(page: Page, kind: str, status: str = "finished") -> None:
    shown = page.get_by_test_id(f"{kind}-status")
    expect(shown).to_have_attribute("data-status", status, timeout=3 * SLOW_MS)


def test_a_csv_file_is_imported_and_its_bad_lines_are_told(
    transfer: Page, admin: ContractClient
) -> None:
    lines = [
        "$id,title,views",
        "a000,New,1",
        'b1,"水滴, with a comma",2',
        "b2,,3",
        "b3,Wrong,many",
        "!,Bad id,4",
        "b5,Too much,5,6",
    ]
    choose(transfer, "articles.csv", "\n".join(lines))
    transfer.get_by_test_id("start-import").click()
    wait_until_ended(transfer, "import")
    expect(transfer.get_by_test_id("import-counts")).to_have_text(
        "1 new, 0 overwritten, 1 left as they were, 4 refused."
    )
    refused = transfer.get_by_test_id("rejection")
    expect(refused).to_have_count(4)
    for place, words in enumerate(("Line 4: ", "Line 5: ", "Line 6: ", "Line 7: ")):
        expect(refused.nth(place)).to_contain_text(words)
    expect(refused.nth(0)).to_contain_text("title")
    expect(refused.nth(1)).to_contain_text("views")
    assert admin.get(f"{URL}/documents/b1").json()["title"] == "水滴, with a comma"
    assert admin.get(f"{URL}/documents/a000").json()["title"] == "Old"
    transfer.get_by_test_id("start-import").click()  # the file is sent: it is not sent twice
    expect(transfer.get_by_test_id("import-file")).to_have_attribute("aria-invalid", "true")
    transfer.get_by_test_id("show-imported").click()
    expect(transfer.get_by_test_id("document")).to_have_count(3)


def test_json_lines_overwrite_and_the_progress_outlives_a_reload(
    transfer: Page, admin: ContractClient
) -> None:
    records: list[dict[str, object]] = [
        {"$id": f"n{number:05}", "title": f"Number {number}", "views": number % 1000}
        for number in range(MANY)
    ]
    lines = [json.dumps({"$id": "a000", "title": "New"}), "{no JSON", '{"nothing": 1}']
    choose(transfer, "many.jsonl", "\n".join(lines + [json.dumps(each) for each in records]))
    transfer.get_by_test_id("conflict").select_option("overwrite")
    transfer.get_by_test_id("start-import").click()
    bar = transfer.get_by_test_id("import-status").get_by_role("progressbar")
    expect(bar).to_be_visible()
    expect(bar).to_have_attribute("aria-valuenow", "0")
    expect(bar).not_to_have_attribute("aria-valuenow", "0", timeout=SLOW_MS)
    transfer.reload()
    wait_until_ended(transfer, "import")
    expect(transfer.get_by_test_id("import-counts")).to_have_text(
        "20,000 new, 1 overwritten, 0 left as they were, 2 refused."
    )
    expect(transfer.get_by_test_id("rejection")).to_have_count(2)
    assert admin.get(f"{URL}/documents/a000").json()["title"] == "New"


def test_what_cannot_be_imported_is_not_sent(transfer: Page, tmp_path: Path) -> None:
    file = transfer.get_by_test_id("import-file")
    start = transfer.get_by_test_id("start-import")
    requests: list[str] = []
    transfer.on("request", lambda request: requests.append(request.url))
    start.click()
    expect(file).to_have_attribute("aria-invalid", "true")
    large = tmp_path / "large.csv"
    with large.open("wb") as sparse:
        sparse.truncate(LIMIT_BYTES + 1)
    for name, words in (("data.xlsx", ".csv"), ("none.csv", "empty")):
        choose(transfer, name, "x" if name.endswith("xlsx") else "")
        expect(transfer.get_by_role("alert")).to_contain_text(words)
        start.click()
    file.set_input_files(large)
    expect(transfer.get_by_role("alert")).to_contain_text("split")
    start.click()
    choose(transfer, "good.csv", "title\nHello\n")
    expect(transfer.get_by_role("alert")).to_have_count(0)
    assert not [url for url in requests if "/import" in url]


def test_documents_are_exported_and_downloaded(
    transfer: Page, admin: ContractClient, tmp_path: Path
) -> None:
    fill(transfer, export_filters='equal("title"')
    transfer.get_by_test_id("start-export").click()
    expect(transfer.get_by_test_id("export-filters")).to_have_attribute("aria-invalid", "true")
    fill(transfer, export_filters='equal("nowhere", 1)')
    transfer.get_by_test_id("start-export").click()
    expect(transfer.get_by_test_id("error")).to_have_attribute("data-type", "general_query_invalid")
    fill(transfer, export_filters='equal("title", "Old too")')
    save(transfer, "start-export")
    text = download(transfer, tmp_path / "one.csv")
    (row,) = csv.DictReader(text.splitlines())
    assert (row["$id"], row["title"], row["views"]) == ("a001", "Old too", "1")

    fill(transfer, export_filters="")
    transfer.get_by_test_id("export-format").select_option("jsonl")
    save(transfer, "start-export")
    lines = download(transfer, tmp_path / "all.jsonl").splitlines()
    assert [json.loads(line)["title"] for line in lines] == ["Old", "Old too"]
    deleted = admin.delete(f"{URL}/documents/a000")
    assert deleted.status_code == 204
    choose(transfer, "all.jsonl", "\n".join(lines))
    transfer.get_by_test_id("start-import").click()
    wait_until_ended(transfer, "import")
    assert admin.get(f"{URL}/documents/a000").json()["title"] == "Old"


def download(page: Page, path: Path) -> str:
    """The text of the exported file, once it is there."""
    wait_until_ended(page, "export")
    with page.expect_download() as downloading:
        page.get_by_test_id("export-download").click()
    downloading.value.save_as(path)
    assert downloading.value.suggested_filename == f"articles{path.suffix}"
    return path.read_text("utf-8-sig")
