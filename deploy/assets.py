"""The client's hashed assets in Alibaba's object storage, from where a CDN serves them.

Only `<prefix>/assets/` is written; index.html and the files of `client/public` stay on the site.
Nothing is ever overwritten or deleted: a name holds a hash of the content, and a page that was
opened before a release still loads the assets of its own release.
"""

import gzip
import hashlib
import http.client
import os
import re
import threading
import time
import urllib.error
import urllib.request
from base64 import b64encode
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import dataclass, fields
from functools import partial
from pathlib import Path
from typing import Any, Self, TypeVar
from urllib.parse import quote, urlsplit
from xml.etree import ElementTree

from deploy.errors import DeployError

FOLDER = "assets"
CACHE_CONTROL = "public, max-age=31536000, immutable"
TYPES = {
    ".avif": "image/avif",
    ".css": "text/css; charset=utf-8",
    ".gif": "image/gif",
    ".ico": "image/vnd.microsoft.icon",
    ".jpeg": "image/jpeg",
    ".jpg": "image/jpeg",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".map": "application/json",
    ".mjs": "text/javascript; charset=utf-8",
    ".mp3": "audio/mpeg",
    ".mp4": "video/mp4",
    ".otf": "font/otf",
    ".pdf": "application/pdf",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".ttf": "font/ttf",
    ".txt": "text/plain; charset=utf-8",
    ".wasm": "application/wasm",
    ".webm": "video/webm",
    ".webmanifest": "application/manifest+json",
    ".webp": "image/webp",
    ".woff": "font/woff",
    ".woff2": "font/woff2",
    ".xml": "application/xml",
}
UNKNOWN_TYPE = "application/octet-stream"
COMPRESSIBLE = frozenset(
    {".css", ".ico", ".js", ".json", ".map", ".mjs", ".otf", ".svg", ".ttf", ".txt", ".wasm"}
    | {".webmanifest", ".xml"}
)

THREADS = 4
TIMEOUT_S = 30
LIST_PAGE = 1000
ATTEMPTS = 5
FIRST_PAUSE_S = 0.5
# Any origin will do: the assets are public, and the site's own address is not known here.
ORIGIN = "https://any-site.example"

# Not 5xx, and yet another try can succeed: a body that was cut or altered on its way.
PASSING_CODES = frozenset({"InvalidDigest", "RequestTimeout"})
ADVICE = {
    "AccessDenied": (
        "the key may not do this: it needs oss:ListObjects and oss:PutObject in the bucket, and"
        " `endpoint` must be the one of the bucket's region"
    ),
    "InvalidAccessKeyId": "there is no such key: check OSS_ACCESS_KEY_ID",
    "InvalidSecurityToken": "the token does not fit the key: check OSS_SESSION_TOKEN",
    "NoSuchBucket": "there is no such bucket: check `bucket` and `endpoint`, or create it",
    "RequestTimeTooSkewed": "the clock of this machine is wrong: set it",
    "SecurityTokenExpired": "the token has expired: get a new key and OSS_SESSION_TOKEN",
    "SignatureDoesNotMatch": "the key does not fit: check OSS_ACCESS_KEY_SECRET",
}

_ADDRESS = re.compile(r"https?://[A-Za-z0-9.-]+(:\d+)?")
_PATH = re.compile(r"(/[A-Za-z0-9_~-][A-Za-z0-9._~-]*)*")
_BUCKET = re.compile(r"[a-z0-9][a-z0-9-]{1,61}[a-z0-9]")
_REGION = re.compile(r"(?!oss-)[a-z0-9-]+")
_LINK = re.compile(rf"""(\s(?:src|href)=["'])/{FOLDER}/""")

Result = TypeVar("Result")


@dataclass(frozen=True)
class Storage:
    """Where the assets go and where browsers get them: the table `[assets]` of deploy.toml."""

    endpoint: str
    bucket: str
    region: str
    url: str
    prefix: str = ""

    @classmethod
    def parse(cls, table: dict[str, Any]) -> Self:
        """Read and check the table; a `prefix` and a `url` may end in a slash.

        Raises `DeployError`.
        """
        known = [field.name for field in fields(cls)]
        for name, value in table.items():
            if name not in known:
                raise DeployError(f"[assets] has no {name!r}; it has {', '.join(known)}.")
            if not isinstance(value, str):
                raise DeployError(f"[assets] {name} must be a text in quotes.")
        for name in known:
            if name != "prefix" and not table.get(name):
                raise DeployError(f"[assets] needs {name}.")
        storage = cls(
            endpoint=table["endpoint"].rstrip("/"),
            bucket=table["bucket"],
            region=table["region"],
            url=table["url"].rstrip("/"),
            prefix=table.get("prefix", "").strip("/"),
        )
        storage._check()
        return storage

    def key(self, name: str) -> str:
        """The key of an asset; with an empty name, what all keys of assets begin with."""
        return f"{self.prefix}/{FOLDER}/{name}".lstrip("/")

    def address(self, name: str) -> str:
        """Where a browser gets an asset."""
        return f"{self.url}/{FOLDER}/{quote(name)}"

    def _check(self) -> None:
        if not _ADDRESS.fullmatch(self.endpoint):
            raise DeployError(
                "[assets] endpoint must be an http(s) address without a path, such as"
                " https://oss-cn-hangzhou.aliyuncs.com."
            )
        if not _BUCKET.fullmatch(self.bucket):
            raise DeployError("[assets] bucket must be 3 to 63 small letters, digits and hyphens.")
        if str(urlsplit(self.endpoint).hostname).startswith(f"{self.bucket}."):
            raise DeployError("[assets] endpoint must not begin with the bucket's name.")
        if not _REGION.fullmatch(self.region):
            raise DeployError("[assets] region must be a name such as cn-hangzhou, without oss-.")
        if not _PATH.fullmatch(self.prefix and f"/{self.prefix}"):
            raise DeployError("[assets] prefix must be a path such as raindrop or web/raindrop.")
        address = _ADDRESS.match(self.url)
        if not address or not _PATH.fullmatch(self.url, address.end()):
            raise DeployError(
                "[assets] url must be an http(s) address, such as https://cdn.example.com/raindrop."
            )


@dataclass(frozen=True)
class Uploaded:
    """What an upload did: objects stored, objects that were there, bytes sent."""

    count: int
    skipped: int
    bytes: int


@dataclass(frozen=True)
class _Asset:
    key: str
    body: bytes
    headers: dict[str, str]


def check_access(storage: Storage) -> None:
    """Find out before anything is built whether the key, the bucket and the network serve.

    Lists one key; that the key may also write shows at the first upload. Raises `DeployError`.
    """
    with _explained(storage):
        _list_page(_bucket(storage), storage.key(""), max_keys=1)


def upload(storage: Storage, folder: Path) -> Uploaded:
    """Store every file of `folder` (client/dist/assets) that is not there yet.

    A run that was cut short goes on at the next. Shows a progress bar where stderr is a terminal.
    Raises `DeployError` at the first file that cannot be stored.
    """
    names = sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file())
    if not names:
        raise DeployError(f"{folder} holds no assets: build the client first.")
    with _explained(storage):
        bucket = _bucket(storage)
        present = _list_keys(bucket, storage.key(""))
        # All at once: the assets of a client are a few megabytes.
        new = [_read(storage, folder, name) for name in names if storage.key(name) not in present]
        _put_all(bucket, new)
    return Uploaded(len(new), len(names) - len(new), sum(len(asset.body) for asset in new))


def rewrite_index(index: str, storage: Storage) -> str:
    """Let the page load its assets from the storage's public address.

    Raises `DeployError` when the page names none, which no built page does.
    """
    page, count = _LINK.subn(lambda match: f"{match[1]}{storage.url}/{FOLDER}/", index)
    if not count:
        raise DeployError(f"index.html names nothing under /{FOLDER}/: build the client again.")
    return page


def check_served(storage: Storage, names: Iterable[str]) -> None:
    """Get one script and one style sheet as a browser of another origin does.

    `names` are those of the files of client/dist/assets. Raises `DeployError`.
    """
    ordered = sorted(names)
    for suffix in (".js", ".css"):
        name = next((name for name in ordered if name.endswith(suffix)), None)
        if name:
            _check_served(storage, name)


def _check_served(storage: Storage, name: str) -> None:
    address = storage.address(name)
    try:
        headers = _with_retries(lambda: _get_headers(address), _is_passing_answer)
    except urllib.error.HTTPError as error:
        raise DeployError(
            f"{address} answers {error.code}: `url` must lead to `prefix` in the bucket, and the"
            " bucket be readable, by all or by the CDN."
        ) from None
    except (OSError, http.client.HTTPException) as error:
        raise DeployError(
            f"{address} cannot be reached ({_cause(error)}): check `url` and the network."
        ) from None
    if headers.get_content_type() != TYPES[Path(name).suffix].partition(";")[0]:
        raise DeployError(
            f"{address} comes as {headers.get_content_type()}, which browsers refuse: the CDN must"
            " pass on the Content-Type that the bucket gives."
        )
    if headers.get("Access-Control-Allow-Origin") not in {"*", ORIGIN}:
        raise DeployError(
            f"{address} comes without Access-Control-Allow-Origin, so browsers refuse it: add a"
            " CORS rule to the bucket (method GET, origin *), let the CDN pass the header on, and"
            " purge what the CDN has cached."
        )


def _get_headers(address: str) -> http.client.HTTPMessage:
    request = urllib.request.Request(
        address, headers={"Origin": ORIGIN, "Accept-Encoding": "gzip", "User-Agent": "raindrop"}
    )
    with urllib.request.urlopen(request, timeout=TIMEOUT_S) as answer:
        answer.read()
        headers: http.client.HTTPMessage = answer.headers
        return headers


def _is_passing_answer(error: Exception) -> bool:
    if isinstance(error, urllib.error.HTTPError):
        return error.code >= 500
    return isinstance(error, (OSError, http.client.HTTPException))


def _bucket(storage: Storage) -> Any:
    import oss2
    from oss2.credentials import StaticCredentialsProvider

    names = ("OSS_ACCESS_KEY_ID", "OSS_ACCESS_KEY_SECRET", "OSS_SESSION_TOKEN")
    key_id, secret, token = (os.environ.get(name, "").strip() for name in names)
    if not key_id or not secret:
        raise DeployError("Set OSS_ACCESS_KEY_ID and OSS_ACCESS_KEY_SECRET in the environment.")
    return oss2.Bucket(
        oss2.ProviderAuthV4(StaticCredentialsProvider(key_id, secret, token)),
        storage.endpoint,
        storage.bucket,
        region=storage.region,
        connect_timeout=TIMEOUT_S,
        # The server checks Content-MD5; without a compiled crcmod the CRC is slow.
        enable_crc=False,
    )


def _list_keys(bucket: Any, prefix: str) -> set[str]:
    keys: set[str] = set()
    token = ""
    while True:
        page = _with_retries(partial(_list_page, bucket, prefix, token), _is_passing)
        keys.update(entry.key for entry in page.object_list)
        if not page.is_truncated:
            return keys
        token = page.next_continuation_token


def _list_page(bucket: Any, prefix: str, token: str = "", max_keys: int = LIST_PAGE) -> Any:
    try:
        return bucket.list_objects_v2(prefix=prefix, continuation_token=token, max_keys=max_keys)
    except (ElementTree.ParseError, RuntimeError, ValueError):
        # What oss2 raises on an answer that is not the storage's, such as a page of a proxy.
        raise DeployError(
            f"{bucket.endpoint} does not answer as object storage: check `endpoint`."
        ) from None


def _read(storage: Storage, folder: Path, name: str) -> _Asset:
    body = (folder / name).read_bytes()
    suffix = Path(name).suffix.lower()
    headers = {"Content-Type": TYPES.get(suffix, UNKNOWN_TYPE), "Cache-Control": CACHE_CONTROL}
    if suffix in COMPRESSIBLE:
        packed = gzip.compress(body, 9, mtime=0)
        if len(packed) < len(body):
            body = packed
            headers["Content-Encoding"] = "gzip"
    digest = hashlib.md5(body, usedforsecurity=False).digest()
    headers["Content-MD5"] = b64encode(digest).decode()
    return _Asset(storage.key(name), body, headers)


def _put_all(bucket: Any, assets: list[_Asset]) -> None:
    if not assets:
        return
    from tqdm import tqdm

    total = sum(len(asset.body) for asset in assets)
    with (
        tqdm(total=total, unit="B", unit_scale=True, desc=FOLDER, disable=None) as bar,
        ThreadPoolExecutor(THREADS) as pool,
    ):
        meter = _Meter(bar)
        futures = [pool.submit(_put, bucket, asset, meter) for asset in assets]
        try:
            for future in as_completed(futures):
                future.result()
        except BaseException:  # Ctrl-C too: what runs is ended, what waits is dropped
            pool.shutdown(wait=False, cancel_futures=True)
            raise


class _Meter:
    """Adds up the bytes of several threads; a bar counts for one."""

    def __init__(self, bar: Any) -> None:
        self._bar = bar
        self._lock = threading.Lock()

    def add(self, size_bytes: int) -> None:
        """Move the bar, backwards when a file begins again."""
        with self._lock:
            self._bar.update(size_bytes)


def _put(bucket: Any, asset: _Asset, meter: _Meter) -> None:
    sent = 0

    def report(consumed: int, _: int) -> None:
        nonlocal sent
        meter.add(consumed - sent)
        sent = consumed

    _with_retries(
        lambda: bucket.put_object(
            asset.key, asset.body, headers=asset.headers, progress_callback=report
        ),
        _is_passing,
    )


def _with_retries(action: Callable[[], Result], is_passing: Callable[[Exception], bool]) -> Result:
    for attempt in range(ATTEMPTS - 1):
        try:
            return action()
        except Exception as error:
            if not is_passing(error):
                raise
        time.sleep(FIRST_PAUSE_S * 2**attempt)
    return action()


def _is_passing(error: Exception) -> bool:
    import requests
    from oss2.exceptions import RequestError, ServerError

    if isinstance(error, ServerError):
        return error.status >= 500 or error.code in PASSING_CODES
    # oss2 wraps what fails before the answer's headers, not what fails in its body.
    return isinstance(error, (RequestError, requests.RequestException))


@contextmanager
def _explained(storage: Storage) -> Iterator[None]:
    """Turn the library's errors into one line.

    `from None`: the library's own text quotes the signed headers, the session token among them.
    """
    import requests
    from oss2.exceptions import OssError, RequestError, ServerError

    place = f"Bucket {storage.bucket} at {storage.endpoint}"
    try:
        yield
    except ServerError as error:
        raise DeployError(f"{place}: {_explain(error)}.") from None
    except RequestError as error:
        raise DeployError(f"{place} {_unreachable(error.exception)}") from None
    except requests.RequestException as error:
        raise DeployError(f"{place} {_unreachable(error)}") from None
    except OssError:
        raise DeployError(f"{place}: check `endpoint`, `bucket` and `region`.") from None


def _explain(error: Any) -> str:
    """What a typed answer of the storage means; the request's id helps Alibaba's support."""
    if not error.code:
        return f"answered {error.status}, not as object storage does: check `endpoint`"
    advice = ADVICE.get(error.code) or " ".join(error.message.split()).rstrip(".")
    belongs = error.details.get("Endpoint")
    if belongs:
        advice = f"the bucket is at {belongs}: set `endpoint` and `region` to that"
    return f"{advice} ({error.status} {error.code}, request {error.request_id or 'unknown'})"


def _unreachable(error: Exception) -> str:
    return f"cannot be reached ({_cause(error)}): check `endpoint` and the network."


def _cause(error: Exception) -> str:
    """The error's kind; its text is long and may hold what was sent."""
    reason = getattr(error, "reason", None)
    return type(reason if isinstance(reason, Exception) else error).__name__
