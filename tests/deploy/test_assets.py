"""The upload of the client's assets, against a storage on loopback that checks signatures."""

import gzip
import io
import re
import socket
import subprocess
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import httpx
import oss2
import pytest

from deploy import assets
from deploy.assets import Storage, check_access, check_served, rewrite_index, upload
from deploy.errors import DeployError
from tests.deploy.oss import BUCKET, KEY_ID, REGION, SECRET, FakeOss, Stored

HOME = Path(__file__).parents[2]
SCRIPT = b"export const drop = 'a drop of rain'\n" * 400
STYLE = b".drop { color: #1f7ae0 }\n" * 200
FONT = bytes(range(256)) * 8


@pytest.fixture
def oss(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeOss]:
    """A storage with an empty bucket; the environment has its key, and retries do not wait."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setattr(assets, "FIRST_PAUSE_S", 0.001)
    monkeypatch.delenv("OSS_SESSION_TOKEN", raising=False)
    with FakeOss() as server:
        for name, value in server.environ.items():
            monkeypatch.setenv(name, value)
        yield server


@pytest.fixture
def storage(oss: FakeOss) -> Storage:
    return Storage.parse(oss.table)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """As the build of a client leaves it."""
    folder = tmp_path / "assets"
    folder.mkdir()
    (folder / "index-HGgPuXFt.js").write_bytes(SCRIPT)
    (folder / "index-KJU_dtmB.css").write_bytes(STYLE)
    (folder / "inter-aBcDeFgH.woff2").write_bytes(FONT)
    (folder / "dot-12345678.svg").write_bytes(b"<svg/>")
    return folder


def refusal(action: Callable[[], object]) -> str:
    """The one line that the operator sees; what a traceback would show holds no secret either."""
    with pytest.raises(DeployError) as caught:
        action()
    shown = "".join(traceback.format_exception(caught.value))
    message = str(caught.value)
    for hidden in (SECRET, "wrong-secret", "token-of-a-session"):
        assert hidden not in shown
    assert "\n" not in message
    assert message.endswith(".")
    return message


# --- the table of deploy.toml


def test_a_table_is_read_and_slashes_do_not_matter(oss: FakeOss) -> None:
    table = oss.table | {"prefix": "/web/raindrop/", "url": "https://cdn.example.com/web/raindrop/"}
    storage = Storage.parse(table)
    assert storage.key("a.js") == "web/raindrop/assets/a.js"
    assert storage.address("a.js") == "https://cdn.example.com/web/raindrop/assets/a.js"


def test_the_prefix_may_be_absent(oss: FakeOss) -> None:
    table = oss.table
    del table["prefix"]
    assert Storage.parse(table).key("a.js") == "assets/a.js"


@pytest.mark.parametrize("name", ["endpoint", "bucket", "region", "url"])
def test_a_missing_or_empty_key_is_named(oss: FakeOss, name: str) -> None:
    table = {key: value for key, value in oss.table.items() if key != name}
    assert refusal(lambda: Storage.parse(table)) == f"[assets] needs {name}."
    assert refusal(lambda: Storage.parse(table | {name: ""})) == f"[assets] needs {name}."


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("endpoint", "oss-cn-hangzhou.aliyuncs.com"),
        ("endpoint", "ftp://oss-cn-hangzhou.aliyuncs.com"),
        ("endpoint", "https://oss-cn-hangzhou.aliyuncs.com/assets-of-tests"),
        ("endpoint", "https://assets-of-tests.oss-cn-hangzhou.aliyuncs.com"),
        ("bucket", "Assets"),
        ("bucket", "ab"),
        ("region", "oss-cn-hangzhou"),
        ("region", 1),
        ("prefix", "../other"),
        ("prefix", "a//b"),
        ("prefix", "a b"),
        ("url", "cdn.example.com"),
        ("url", "//cdn.example.com"),
        ("url", "javascript:alert(1)"),
        ("url", "https://name:word@cdn.example.com"),
        ("url", "https://cdn.example.com/raindrop?a=1"),
        ("url", 'https://cdn.example.com/"><script>'),
    ],
)
def test_a_wrong_value_is_named(oss: FakeOss, name: str, value: object) -> None:
    assert refusal(lambda: Storage.parse(oss.table | {name: value})).startswith(f"[assets] {name} ")


def test_an_unknown_key_is_named(oss: FakeOss) -> None:
    table = oss.table | {"access_key_secret": SECRET}
    assert refusal(lambda: Storage.parse(table)).startswith("[assets] has no 'access_key_secret'")


# --- access


def test_access_is_found_good_on_an_empty_and_on_a_full_bucket(
    oss: FakeOss, storage: Storage
) -> None:
    check_access(storage)
    oss.objects["raindrop/assets/a.js"] = Stored(b"")
    check_access(storage)
    assert [params["max-keys"] for params in oss.lists] == ["1", "1"]
    assert not oss.puts


@pytest.mark.parametrize("action", ["check_access", "upload"])
@pytest.mark.parametrize(
    ("name", "value", "advice"),
    [
        ("OSS_ACCESS_KEY_ID", None, "Set OSS_ACCESS_KEY_ID and OSS_ACCESS_KEY_SECRET"),
        ("OSS_ACCESS_KEY_SECRET", " ", "Set OSS_ACCESS_KEY_ID and OSS_ACCESS_KEY_SECRET"),
        ("OSS_ACCESS_KEY_ID", "LTAIother", "check OSS_ACCESS_KEY_ID"),
        ("OSS_ACCESS_KEY_SECRET", "wrong-secret", "check OSS_ACCESS_KEY_SECRET"),
        ("OSS_SESSION_TOKEN", "token-of-a-session", "check OSS_SESSION_TOKEN"),
    ],
)
def test_wrong_credentials(
    oss: FakeOss,
    storage: Storage,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    action: str,
    name: str,
    value: str | None,
    advice: str,
) -> None:
    if value is None:
        monkeypatch.delenv(name)
    else:
        monkeypatch.setenv(name, value)
    run = {"check_access": lambda: check_access(storage), "upload": lambda: upload(storage, folder)}
    assert advice in refusal(run[action])
    assert not oss.puts
    assert not oss.objects


def test_a_wrong_secret_with_a_token_shows_neither(
    oss: FakeOss, storage: Storage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OSS_ACCESS_KEY_SECRET", "wrong-secret")
    monkeypatch.setenv("OSS_SESSION_TOKEN", "token-of-a-session")
    assert "check OSS_ACCESS_KEY_SECRET" in refusal(lambda: check_access(storage))


def test_a_session_token_is_sent(
    oss: FakeOss, storage: Storage, monkeypatch: pytest.MonkeyPatch
) -> None:
    oss.token = "token-of-a-session"
    assert "check OSS_SESSION_TOKEN" in refusal(lambda: check_access(storage))
    monkeypatch.setenv("OSS_SESSION_TOKEN", "token-of-a-session")
    check_access(storage)


def test_a_bucket_that_is_not_there(oss: FakeOss, folder: Path) -> None:
    storage = Storage.parse(oss.table | {"bucket": "another-bucket"})
    assert "there is no such bucket" in refusal(lambda: check_access(storage))
    assert "there is no such bucket" in refusal(lambda: upload(storage, folder))
    assert not oss.objects


def test_another_region_than_the_bucket_s(oss: FakeOss) -> None:
    storage = Storage.parse(oss.table | {"region": "cn-beijing"})
    assert "Invalid signing region" in refusal(lambda: check_access(storage))


def test_nobody_listens(oss: FakeOss, folder: Path) -> None:
    with closing(socket.socket()) as unused:
        unused.bind(("127.0.0.1", 0))
        endpoint = f"http://127.0.0.1:{unused.getsockname()[1]}"
        storage = Storage.parse(oss.table | {"endpoint": endpoint})
        message = refusal(lambda: check_access(storage))
        assert refusal(lambda: upload(storage, folder)) == message
    assert f"{endpoint} cannot be reached (ConnectionError)" in message


def test_something_else_answers(oss: FakeOss, storage: Storage) -> None:
    answers = [b"HTTP/1.1 200 OK\r\n\r\n<html>Sign in!", b"HTTP/1.1 404 No\r\n\r\n<html>Where?"]
    for answer in answers:
        with closing(socket.create_server(("127.0.0.1", 0))) as listener:
            serve = (
                f"import socket; s = socket.socket(fileno={listener.fileno()});"
                f" c = s.accept()[0]; c.recv(65536); c.sendall({answer!r}); c.close()"
            )
            server = subprocess.Popen([sys.executable, "-c", serve], pass_fds=[listener.fileno()])
            port = listener.getsockname()[1]
            other = Storage.parse(oss.table | {"endpoint": f"http://127.0.0.1:{port}"})
            message = refusal(lambda other=other: check_access(other))
            server.wait(10)
        assert "as object storage" in message
        assert "check `endpoint`" in message


# --- upload


def test_every_file_arrives_as_browsers_need_it(
    oss: FakeOss, storage: Storage, folder: Path
) -> None:
    done = upload(storage, folder)
    assert (done.count, done.skipped) == (4, 0)
    assert done.bytes == sum(len(stored.body) for stored in oss.objects.values())
    script = oss.objects["raindrop/assets/index-HGgPuXFt.js"]
    style = oss.objects["raindrop/assets/index-KJU_dtmB.css"]
    font = oss.objects["raindrop/assets/inter-aBcDeFgH.woff2"]
    image = oss.objects["raindrop/assets/dot-12345678.svg"]
    assert {stored.headers["Cache-Control"] for stored in oss.objects.values()} == {
        "public, max-age=31536000, immutable"
    }
    assert script.headers["Content-Type"] == "text/javascript; charset=utf-8"
    assert style.headers["Content-Type"] == "text/css; charset=utf-8"
    assert font.headers["Content-Type"] == "font/woff2"
    assert image.headers["Content-Type"] == "image/svg+xml"
    assert script.headers["Content-Encoding"] == style.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(script.body) == SCRIPT
    assert gzip.decompress(style.body) == STYLE
    assert "Content-Encoding" not in font.headers
    assert font.body == FONT
    # Packed it would be larger.
    assert "Content-Encoding" not in image.headers
    assert image.body == b"<svg/>"


def test_a_browser_gets_the_file_from_the_public_address(
    oss: FakeOss, storage: Storage, folder: Path
) -> None:
    upload(storage, folder)
    answer = httpx.get(storage.address("index-HGgPuXFt.js"), trust_env=False)
    assert answer.headers["content-encoding"] == "gzip"
    assert answer.content == SCRIPT


def test_the_same_file_is_the_same_object_every_time(
    oss: FakeOss, storage: Storage, folder: Path
) -> None:
    upload(storage, folder)
    first = {key: stored.body for key, stored in oss.objects.items()}
    oss.objects.clear()
    (folder / "index-HGgPuXFt.js").touch()
    upload(storage, folder)
    assert {key: stored.body for key, stored in oss.objects.items()} == first


def test_an_empty_file_an_unknown_kind_and_a_folder(
    oss: FakeOss, storage: Storage, folder: Path
) -> None:
    (folder / "empty-12345678.css").write_bytes(b"")
    (folder / "thing-12345678.xyz").write_bytes(b"thing")
    (folder / "deep").mkdir()
    (folder / "deep" / "A 雨-12345678.JS").write_bytes(SCRIPT)
    assert upload(storage, folder).count == 7
    assert oss.objects["raindrop/assets/empty-12345678.css"].body == b""
    thing = oss.objects["raindrop/assets/thing-12345678.xyz"]
    assert thing.headers["Content-Type"] == "application/octet-stream"
    deep = oss.objects["raindrop/assets/deep/A 雨-12345678.JS"]
    assert gzip.decompress(deep.body) == SCRIPT
    address = storage.address("deep/A 雨-12345678.JS")
    assert httpx.get(address, trust_env=False).content == SCRIPT
    assert upload(storage, folder).count == 0


def test_the_second_run_uploads_nothing(oss: FakeOss, storage: Storage, folder: Path) -> None:
    upload(storage, folder)
    oss.puts.clear()
    done = upload(storage, folder)
    assert (done.count, done.skipped, done.bytes) == (0, 4, 0)
    assert not oss.puts


def test_only_a_new_file_is_uploaded(oss: FakeOss, storage: Storage, folder: Path) -> None:
    upload(storage, folder)
    oss.puts.clear()
    (folder / "index-HGgPuXFt.js").rename(folder / "index-NewName1.js")
    done = upload(storage, folder)
    assert (done.count, done.skipped) == (1, 3)
    assert oss.puts == ["raindrop/assets/index-NewName1.js"]
    # A page that is still open may need it.
    assert "raindrop/assets/index-HGgPuXFt.js" in oss.objects


def test_what_is_there_is_found_on_every_page_of_the_list(
    oss: FakeOss, storage: Storage, folder: Path
) -> None:
    upload(storage, folder)
    oss.puts.clear()
    oss.objects |= {f"raindrop/assets/a-{number:04}.js": Stored(b"") for number in range(2100)}
    oss.objects["raindrop/other"] = Stored(b"")
    oss.lists.clear()
    assert upload(storage, folder).skipped == 4
    assert len(oss.lists) == 3
    oss.lists.clear()
    oss.largest_page = 7
    assert upload(storage, folder).skipped == 4
    assert len(oss.lists) == 301
    assert not oss.puts


def test_a_busy_storage_is_asked_again(oss: FakeOss, storage: Storage, folder: Path) -> None:
    oss.failing_puts = 3
    assert upload(storage, folder).count == 4
    assert len(oss.puts) == 7
    assert len(oss.objects) == 4


def test_a_cut_connection_is_tried_again(oss: FakeOss, storage: Storage, folder: Path) -> None:
    oss.dropped_puts = 3
    assert upload(storage, folder).count == 4
    assert len(oss.puts) == 7


def test_a_storage_that_does_not_answer_is_asked_again(
    oss: FakeOss, storage: Storage, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(assets, "TIMEOUT_S", 0.3)
    oss.stalled_puts = 2
    assert upload(storage, folder).count == 4
    assert len(oss.puts) == 6


def test_a_file_that_arrives_spoiled_is_sent_again(
    oss: FakeOss, storage: Storage, folder: Path
) -> None:
    oss.spoiled_puts = 2
    assert upload(storage, folder).count == 4
    assert len(oss.puts) == 6
    assert gzip.decompress(oss.objects["raindrop/assets/index-HGgPuXFt.js"].body) == SCRIPT


def test_a_file_that_cannot_be_stored_ends_the_run_and_the_next_goes_on(
    oss: FakeOss, storage: Storage, folder: Path
) -> None:
    key = "raindrop/assets/index-KJU_dtmB.css"
    oss.failing_keys = {key}
    message = refusal(lambda: upload(storage, folder))
    assert "Please reduce your request rate (503 ServiceUnavailable" in message
    assert oss.puts.count(key) == assets.ATTEMPTS
    stored = set(oss.objects)
    assert key not in stored
    oss.failing_keys = set()
    oss.puts.clear()
    done = upload(storage, folder)
    assert (done.count, done.skipped) == (4 - len(stored), len(stored))
    assert not stored & set(oss.puts)
    assert len(oss.objects) == 4


def test_a_refusal_is_not_tried_again(
    oss: FakeOss, storage: Storage, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OSS_ACCESS_KEY_SECRET", "wrong-secret")
    refusal(lambda: upload(storage, folder))
    assert oss.requests == [f"GET /{BUCKET}/"]


def test_a_folder_without_assets(oss: FakeOss, storage: Storage, tmp_path: Path) -> None:
    assert "build the client first" in refusal(lambda: upload(storage, tmp_path))
    assert "build the client first" in refusal(lambda: upload(storage, tmp_path / "none"))


def test_a_bar_counts_the_bytes_on_a_terminal_only(
    oss: FakeOss,
    storage: Storage,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    upload(storage, folder)
    assert capsys.readouterr() == ("", "")
    oss.objects.clear()
    oss.dropped_puts = 2
    terminal = io.StringIO()
    monkeypatch.setattr(terminal, "isatty", lambda: True, raising=False)
    monkeypatch.setattr(sys, "stderr", terminal)
    done = upload(storage, folder)
    # Bytes that are sent twice are counted once.
    last = terminal.getvalue().rstrip().rpartition("\r")[2]
    assert last.startswith("assets: 100%")
    size = f"{done.bytes / 1000:.2f}k"
    assert f"{size}/{size}" in last
    assert SECRET not in terminal.getvalue()


# --- the page


def test_the_built_page_loads_its_assets_from_the_storage(storage: Storage) -> None:
    index = (HOME / "client" / "dist" / "index.html").read_text()
    page = rewrite_index(index, storage)
    names = re.findall(r'(?:src|href)="/assets/([^"]+)"', index)
    assert names
    for name in names:
        assert f'"{storage.url}/assets/{name}"' in page
    assert "/assets/" not in page.replace(f"{storage.url}/assets/", "")
    assert 'href="/favicon.svg"' in page
    assert page.count("crossorigin") == index.count("crossorigin") >= 2
    assert page.replace(f"{storage.url}/assets/", "/assets/") == index


def test_a_page_without_assets_is_refused(storage: Storage) -> None:
    assert "build the client again" in refusal(lambda: rewrite_index("<p>/assets/</p>", storage))


# --- the public address


def names_of(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]


def test_assets_that_browsers_can_use(oss: FakeOss, storage: Storage, folder: Path) -> None:
    upload(storage, folder)
    oss.requests.clear()
    check_served(storage, names_of(folder))
    assert oss.requests == [
        f"GET /{BUCKET}/raindrop/assets/index-HGgPuXFt.js",
        f"GET /{BUCKET}/raindrop/assets/index-KJU_dtmB.css",
    ]


def test_a_bucket_without_a_cors_rule(oss: FakeOss, storage: Storage, folder: Path) -> None:
    upload(storage, folder)
    oss.has_cors = False
    message = refusal(lambda: check_served(storage, names_of(folder)))
    assert "Access-Control-Allow-Origin" in message
    assert "CORS rule to the bucket (method GET, origin *)" in message


def test_a_bucket_that_nobody_may_read(oss: FakeOss, storage: Storage, folder: Path) -> None:
    upload(storage, folder)
    oss.is_public = False
    assert "answers 403" in refusal(lambda: check_served(storage, names_of(folder)))


def test_an_address_that_leads_elsewhere(oss: FakeOss, folder: Path) -> None:
    storage = Storage.parse(oss.table | {"url": f"{oss.endpoint}/{BUCKET}"})
    upload(storage, folder)
    message = refusal(lambda: check_served(storage, names_of(folder)))
    assert "answers 404" in message
    assert "`url` must lead to `prefix`" in message


def test_a_cdn_that_changes_the_type(oss: FakeOss, storage: Storage, folder: Path) -> None:
    upload(storage, folder)
    oss.served_type = "application/octet-stream"
    message = refusal(lambda: check_served(storage, names_of(folder)))
    assert "comes as application/octet-stream" in message


def test_an_address_where_nobody_listens(oss: FakeOss, folder: Path) -> None:
    with closing(socket.socket()) as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}"
        storage = Storage.parse(oss.table | {"url": url})
        message = refusal(lambda: check_served(storage, names_of(folder)))
    assert "cannot be reached (ConnectionRefusedError)" in message


# --- the ground these tests stand on


@pytest.mark.parametrize("kind", [oss2.Auth, oss2.AuthV4])
def test_the_fake_checks_both_kinds_of_signature(oss: FakeOss, kind: type) -> None:
    def bucket(key_id: str, secret: str) -> oss2.Bucket:
        return oss2.Bucket(kind(key_id, secret), oss.endpoint, BUCKET, region=REGION)

    good = bucket(KEY_ID, SECRET)
    # oss2 compares the checksum that the storage answers with its own.
    assert good.put_object("a/b c.txt", b"drop", headers={"x-oss-meta-a": "1"}).crc
    assert good.get_object("a/b c.txt").read() == b"drop"
    assert [entry.key for entry in oss2.ObjectIterator(good, prefix="a/")] == ["a/b c.txt"]
    with pytest.raises(oss2.exceptions.NoSuchKey):
        good.get_object("none")
    with pytest.raises(oss2.exceptions.InvalidDigest):
        good.put_object("bad", b"drop", headers={"Content-MD5": "AAAAAAAAAAAAAAAAAAAAAA=="})
    with pytest.raises(oss2.exceptions.SignatureDoesNotMatch):
        bucket(KEY_ID, "wrong").put_object("c", b"")
    with pytest.raises(oss2.exceptions.ServerError, match="InvalidAccessKeyId"):
        bucket("other", SECRET).put_object("c", b"")
    assert list(oss.objects) == ["a/b c.txt"]


def test_deploy_is_imported_without_its_packages() -> None:
    code = (
        "import sys, deploy.assets;"
        "assert not {'oss2', 'tqdm', 'requests'} & set(sys.modules), sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], cwd=HOME, check=True)
