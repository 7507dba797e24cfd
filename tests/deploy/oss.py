"""Alibaba's object storage as far as an upload of assets needs it: a real HTTP server on loopback.

Requests are signed again with oss2's own classes and compared. An IP endpoint makes oss2 address
buckets by path, so the public address of a bucket here is `http://127.0.0.1:<port>/<bucket>`.
"""

import base64
import datetime
import hashlib
import re
import threading
import time
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qsl, quote, unquote, urlsplit
from xml.sax.saxutils import escape

import oss2
from oss2.credentials import StaticCredentialsProvider
from oss2.http import Request
from oss2.utils import Crc64

KEY_ID = "LTAI5tFakeKeyOfTheTests"
SECRET = "a-secret-that-nobody-may-see"
BUCKET = "assets-of-tests"
REGION = "cn-hangzhou"
LARGEST_PAGE = 1000
LARGEST_SKEW_S = 15 * 60
STALL_S = 1
STORED_HEADERS = ("Content-Type", "Content-Encoding", "Cache-Control", "Content-Disposition")
REQUEST_ID = "65F0FAKE0000000000000001"


@dataclass
class Stored:
    """An object: what a GET answers."""

    body: bytes
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def etag(self) -> str:
        """As the storage makes it from the content."""
        return f'"{hashlib.md5(self.body).hexdigest().upper()}"'


class Refused(Exception):
    """An error of the storage's own table."""

    def __init__(self, status: int, code: str, message: str, **details: str) -> None:
        super().__init__(code)
        self.status = status
        self.details = {"Code": code, "Message": message, "RequestId": REQUEST_ID, **details}


class FakeOss:
    """One bucket in memory; a context manager. The knobs may be turned while it runs."""

    def __init__(self, *, has_cors: bool = True, largest_page: int = LARGEST_PAGE) -> None:
        self.has_cors = has_cors
        self.largest_page = largest_page
        self.is_public = True
        self.token = ""
        self.served_type = ""  # what a CDN makes of every Content-Type
        self.failing_puts = 0  # the next so many are answered 503
        self.dropped_puts = 0  # the next so many are cut without an answer
        self.stalled_puts = 0  # the next so many get none for STALL_S
        self.spoiled_puts = 0  # the next so many are altered on their way
        self.failing_keys: set[str] = set()
        self.objects: dict[str, Stored] = {}
        self.requests: list[str] = []  # method and path of all that came, the refused too
        self.puts: list[str] = []
        self.lists: list[dict[str, str]] = []
        self.lock = threading.Lock()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler_of(self))
        self._server.daemon_threads = True
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True
        )

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._server.shutdown()
        self._server.server_close()

    @property
    def endpoint(self) -> str:
        """For `endpoint` of deploy.toml."""
        return f"http://127.0.0.1:{self._server.server_port}"

    @property
    def table(self) -> dict[str, str]:
        """The table `[assets]` of deploy.toml."""
        return {
            "endpoint": self.endpoint,
            "bucket": BUCKET,
            "region": REGION,
            "prefix": "raindrop",
            "url": f"{self.endpoint}/{BUCKET}/raindrop",
        }

    @property
    def environ(self) -> dict[str, str]:
        """The credentials, for the environment."""
        names = {"OSS_ACCESS_KEY_ID": KEY_ID, "OSS_ACCESS_KEY_SECRET": SECRET}
        return names | ({"OSS_SESSION_TOKEN": self.token} if self.token else {})

    def takes_down(self, knob: str) -> bool:
        """Whether a counter was above zero, which it loses one of."""
        with self.lock:
            left: int = getattr(self, knob)
            setattr(self, knob, max(0, left - 1))
            return left > 0


def _handler_of(oss: FakeOss) -> type[BaseHTTPRequestHandler]:
    return type("Handler", (_Handler,), {"oss": oss})


class _Handler(BaseHTTPRequestHandler):
    oss: FakeOss
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        self._answer(self._get)

    def do_HEAD(self) -> None:
        self._answer(self._get)

    def do_PUT(self) -> None:
        self._answer(self._put)

    def _answer(self, action: Any) -> None:
        body = self._read_body()
        parts = urlsplit(self.path)
        with self.oss.lock:
            self.oss.requests.append(f"{self.command} {parts.path}")
        self.params = dict(parse_qsl(parts.query, keep_blank_values=True))
        self.bucket, _, key = parts.path.lstrip("/").partition("/")
        self.key = unquote(key)
        try:
            action(body)
        except Refused as error:
            lines = (f"  <{k}>{escape(v)}</{k}>\n" for k, v in error.details.items())
            self._send_xml(error.status, f"<Error>\n{''.join(lines)}</Error>")

    def _get(self, _: bytes) -> None:
        if self.key or "Authorization" not in self.headers:
            self._get_object()
        else:
            self._check_signature()
            self._list()

    def _get_object(self) -> None:
        if "Authorization" in self.headers:
            self._check_signature()
        elif not self.oss.is_public:
            raise Refused(403, "AccessDenied", "You have no right to access this object.")
        stored = self.oss.objects.get(self.key)
        if self.bucket != BUCKET:
            raise Refused(404, "NoSuchBucket", "The specified bucket does not exist.")
        if stored is None:
            raise Refused(404, "NoSuchKey", "The specified key does not exist.", Key=self.key)
        headers = stored.headers | {"ETag": stored.etag, "x-oss-hash-crc64ecma": _crc(stored.body)}
        if self.oss.served_type:
            headers["Content-Type"] = self.oss.served_type
        self._send(200, stored.body, headers)

    def _put(self, body: bytes) -> None:
        self._check_signature()
        with self.oss.lock:
            self.oss.puts.append(self.key)
        if self.oss.takes_down("spoiled_puts"):
            body += b"?"
        if self.oss.takes_down("stalled_puts"):
            time.sleep(STALL_S)
            self.close_connection = True
            return
        if self.oss.takes_down("dropped_puts"):
            self.close_connection = True
            return
        if self.key in self.oss.failing_keys or self.oss.takes_down("failing_puts"):
            raise Refused(503, "ServiceUnavailable", "Please reduce your request rate.")
        digest = base64.b64encode(hashlib.md5(body).digest()).decode()
        if self.headers.get("Content-MD5", digest) != digest:
            raise Refused(400, "InvalidDigest", "The Content-MD5 you specified was invalid.")
        kept = {name: self.headers[name] for name in STORED_HEADERS if name in self.headers}
        stored = Stored(body, kept)
        with self.oss.lock:
            self.oss.objects[self.key] = stored
        self._send(200, b"", {"ETag": stored.etag, "x-oss-hash-crc64ecma": _crc(body)})

    def _list(self) -> None:
        size = int(self.params.get("max-keys") or 100)
        if not 1 <= size <= LARGEST_PAGE or self.params.get("delimiter"):
            raise Refused(400, "InvalidArgument", "The argument is not known here.")
        is_second = self.params.get("list-type") == "2"
        after = self.params.get("continuation-token" if is_second else "marker", "")
        with self.oss.lock:
            self.oss.lists.append(self.params)
            keys = sorted(
                key
                for key in self.oss.objects
                if key.startswith(self.params.get("prefix", "")) and key > after
            )
        page = keys[: min(size, self.oss.largest_page)]
        is_cut = len(page) < len(keys)
        name = "NextContinuationToken" if is_second else "NextMarker"
        following = f"<{name}>{quote(page[-1])}</{name}>" if is_cut else ""
        entries = "".join(_entry(key, self.oss.objects[key]) for key in page)
        self._send_xml(
            200,
            f"<ListBucketResult><Name>{BUCKET}</Name><EncodingType>url</EncodingType>"
            f"<IsTruncated>{str(is_cut).lower()}</IsTruncated>{following}{entries}"
            f"<KeyCount>{len(page)}</KeyCount></ListBucketResult>",
        )

    def _check_signature(self) -> None:
        sent = self.headers.get("Authorization", "")
        if not sent:
            raise Refused(403, "AccessDenied", "Anonymous access is forbidden.")
        found = re.fullmatch(r"OSS4-HMAC-SHA256 Credential=(.+), Signature=(\w+)", sent)
        if found:
            self._check_scope(found[1])
        else:
            self._check_key_and_time(
                sent.removeprefix("OSS ").partition(":")[0],
                parsedate_to_datetime(self.headers["Date"]),
            )
        request = Request(
            self.command,
            self.path,
            params=self.params,
            headers=dict(self.headers),
            region=REGION,
            product="oss",
        )
        provider = StaticCredentialsProvider(KEY_ID, SECRET, self.oss.token)
        credentials = provider.get_credentials()
        # The public _sign_request would put in its own time.
        if found:
            auth = oss2.ProviderAuthV4(provider)
            expected = auth._ProviderAuthV4__make_signature(
                request, self.bucket, self.key, [], credentials, self.headers["x-oss-date"]
            )
            given = found[2]
        else:
            auth = oss2.ProviderAuth(provider)
            expected = auth._ProviderAuth__make_signature(
                request, self.bucket, self.key, credentials
            )
            given = sent.partition(":")[2]
        if given != expected:
            raise Refused(
                403,
                "SignatureDoesNotMatch",
                "The request signature we calculated does not match the signature you provided.",
                # As the real one does, it quotes what it signed.
                StringToSign=str(self.headers),
                SignatureProvided=given,
            )
        if self.headers.get("x-oss-security-token", "") != self.oss.token:
            raise Refused(403, "InvalidSecurityToken", "The security token is invalid.")
        if self.bucket != BUCKET:
            raise Refused(404, "NoSuchBucket", "The specified bucket does not exist.")

    def _check_scope(self, credential: str) -> None:
        key_id, day, region, product, end = credential.split("/")
        sent = self.headers["x-oss-date"]
        moment = datetime.datetime.strptime(sent, "%Y%m%dT%H%M%SZ").replace(tzinfo=datetime.UTC)
        self._check_key_and_time(key_id, moment)
        if (day, region, product, end) != (sent[:8], REGION, "oss", "aliyun_v4_request"):
            raise Refused(400, "InvalidArgument", "Invalid signing region in Authorization header.")

    def _check_key_and_time(self, key_id: str, moment: datetime.datetime) -> None:
        if key_id != KEY_ID:
            raise Refused(
                403, "InvalidAccessKeyId", "The OSS Access Key Id you provided does not exist."
            )
        if abs(datetime.datetime.now(datetime.UTC) - moment).total_seconds() > LARGEST_SKEW_S:
            raise Refused(403, "RequestTimeTooSkewed", "The difference is too large.")

    def _read_body(self) -> bytes:
        """What oss2 sends; an empty body with a progress callback comes in chunks."""
        if self.headers.get("Transfer-Encoding") != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length", 0)))
        body = b""
        while size := int(self.rfile.readline(), 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return body

    def _send_xml(self, status: int, text: str) -> None:
        xml = f'<?xml version="1.0" encoding="UTF-8"?>\n{text}'
        self._send(status, xml.encode(), {"Content-Type": "application/xml"})

    def _send(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        if self.oss.has_cors and "Origin" in self.headers:
            headers = headers | {"Access-Control-Allow-Origin": "*"}
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("x-oss-request-id", REQUEST_ID)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """No lines on stderr."""


def _entry(key: str, stored: Stored) -> str:
    return (
        f"<Contents><Key>{quote(key)}</Key><LastModified>2026-01-02T03:04:05.000Z</LastModified>"
        f"<ETag>{escape(stored.etag)}</ETag><Type>Normal</Type><Size>{len(stored.body)}</Size>"
        "<StorageClass>Standard</StorageClass></Contents>"
    )


def _crc(body: bytes) -> str:
    crc = Crc64()
    crc.update(body)
    return str(crc.crc)
