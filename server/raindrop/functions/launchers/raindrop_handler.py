"""``context.req`` and ``context.res`` of a handler ``main(context)``, as functions written for
Appwrite's runtimes expect them; both spellings of the names are there."""

from __future__ import annotations

import base64
import json
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class Request:
    def __init__(self, value: dict[str, Any]) -> None:
        body = value.get("body") or ""
        is_binary = value.get("encoding") == "base64"
        self.body_binary = base64.b64decode(body) if is_binary else body.encode()
        self.headers = {name.lower(): text for name, text in (value.get("headers") or {}).items()}
        self.method = value.get("method") or "GET"
        self.scheme = value.get("scheme") or "http"
        self.host = value.get("host") or "localhost"
        self.port = value.get("port") or (443 if self.scheme == "https" else 80)
        self.path = value.get("path") or "/"
        self.query_string = value.get("query") or ""
        self.query: dict[str, str] = {}
        for pair in filter(None, self.query_string.split("&")):
            name, _, text = pair.partition("=")
            self.query[name] = text
        usual = 443 if self.scheme == "https" else 80
        place = self.host if self.port == usual else f"{self.host}:{self.port}"
        self.url = f"{self.scheme}://{place}{self.path}"
        if self.query_string:
            self.url += "?" + self.query_string

    @property
    def body_text(self) -> str:
        return self.body_binary.decode()

    @property
    def body_json(self) -> Any:
        return json.loads(self.body_text)

    @property
    def body(self) -> Any:
        if self.headers.get("content-type", "").lower().startswith("application/json"):
            return self.body_json if self.body_binary else {}
        return self.body_text

    body_raw = bodyRaw = bodyText = body_text  # noqa: N815
    bodyJson = body_json  # noqa: N815
    bodyBinary = property(lambda self: self.body_binary)  # noqa: N815
    queryString = property(lambda self: self.query_string)  # noqa: N815


class Response:
    def binary(
        self,
        body: Any,
        status_code: int = 200,
        headers: dict[str, str] | None = None,
        **named: Any,
    ) -> dict[str, Any]:
        return {
            "body": body,
            "statusCode": named.get("statusCode", status_code),
            "headers": dict(headers or {}),
        }

    def text(
        self,
        body: Any,
        status_code: int = 200,
        headers: dict[str, str] | None = None,
        **named: Any,
    ) -> dict[str, Any]:
        return self.binary(body, status_code, headers, **named)

    send = text

    def json(
        self,
        value: Any,
        status_code: int = 200,
        headers: dict[str, str] | None = None,
        **named: Any,
    ) -> dict[str, Any]:
        headers = {**(headers or {}), "content-type": "application/json"}
        return self.binary(json.dumps(value, separators=(",", ":")), status_code, headers, **named)

    def empty(self) -> dict[str, Any]:
        return self.binary("", 204)

    def redirect(
        self,
        url: str,
        status_code: int = 301,
        headers: dict[str, str] | None = None,
        **named: Any,
    ) -> dict[str, Any]:
        return self.binary("", status_code, {**(headers or {}), "location": url}, **named)


class Context:
    def __init__(self, value: dict[str, Any]) -> None:
        self.req = Request(value)
        self.res = Response()

    def log(self, *messages: Any) -> None:
        print(*map(_show, messages))

    def error(self, *messages: Any) -> None:
        print(*map(_show, messages), file=sys.stderr)


def _show(message: Any) -> Any:
    if isinstance(message, (dict, list)):
        return json.dumps(message, default=str)
    return message


def encode(output: Any) -> dict[str, Any]:
    """A response as the channel carries it: bytes that are no UTF-8 go as base64."""
    if not isinstance(output, dict):
        raise TypeError("The function must return what a method of context.res gives.")
    body = output.get("body", "")
    encoding = "utf-8"
    if isinstance(body, (bytes, bytearray)):
        try:
            body = bytes(body).decode()
        except UnicodeDecodeError:
            body, encoding = base64.b64encode(body).decode(), "base64"
    return {
        "statusCode": int(output.get("statusCode", 200)),
        "headers": {
            str(name).lower(): str(text) for name, text in output.get("headers", {}).items()
        },
        "body": str(body),
        "encoding": encoding,
    }
