"""Requests and answers: strict parsing, the request id, the wrapper that commits."""

import logging
import math
import re
import time
import uuid
from collections.abc import Mapping
from functools import cache
from http import HTTPStatus
from typing import Annotated, Any, TypeVar

from flask import Flask, Response, g, request
from flask.typing import ResponseReturnValue
from flask_limiter import Limiter
from flask_limiter.util import get_remote_address
from flask_openapi3 import OpenAPI
from flask_openapi3.types import ResponseDict
from prometheus_client import Counter, Histogram
from pydantic import BaseModel, BeforeValidator, ConfigDict, ValidationError
from sqlalchemy.exc import DBAPIError
from werkzeug.datastructures import FileStorage
from werkzeug.middleware.proxy_fix import ProxyFix

from raindrop.config import Settings
from raindrop.core import logs
from raindrop.core.db import is_deadlock, is_outdated, unit_of_work
from raindrop.core.errors import (
    BadRequest,
    ServiceUnavailable,
    UnsupportedMediaType,
    explain_invalid,
)
from raindrop.core.formats import FILE_LIMIT_BYTES, FORM_OVERHEAD_BYTES

log = logging.getLogger(__name__)

REQUEST_ID_HEADER = "X-Request-Id"
DEADLOCK_RETRIES = 3
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})

_requests = Counter(
    "raindrop_http_requests", "Requests answered by gunicorn", ["method", "endpoint", "status"]
)
_latency = Histogram(
    "raindrop_http_request_seconds",
    "Time from the route's match to the answer",
    ["endpoint"],
    buckets=(0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)

limiter = Limiter(get_remote_address)


def _digits_to_int(value: Any) -> Any:
    """A query string's or a path's number: digits only, no sign, space or other script."""
    if isinstance(value, str) and re.fullmatch(r"[0-9]{1,18}", value):
        return int(value)
    return value


UrlInt = Annotated[int, BeforeValidator(_digits_to_int)]
"""A whole number that comes as text in an address."""


class RequestModel(BaseModel):
    """The base of what a request may hold: no coercion, nothing unknown."""

    model_config = ConfigDict(strict=True, extra="forbid")

    @classmethod
    @cache
    def _schema(cls, **options: Any) -> dict[str, Any]:
        return super().model_json_schema(**options)

    @classmethod
    def model_json_schema(cls, **options: Any) -> dict[str, Any]:  # type: ignore[override]
        """The schema, built once: the framework asks for it in every request."""
        return cls._schema(**options)


M = TypeVar("M", bound=RequestModel)


class ErrorAnswer(BaseModel):
    """The envelope of every error."""

    message: str
    code: int
    type: str
    version: str


class RaindropApp(OpenAPI):
    """Flask with one unit of work a request."""

    def dispatch_request(self) -> ResponseReturnValue:
        """Run the view in a transaction that is committed before the answer is made.

        A transaction that lost a deadlock left nothing behind, so the view runs again; so it does,
        once, when a worker changed a table while the view was at it.
        """
        is_repeated = False
        for _ in range(DEADLOCK_RETRIES):
            try:
                return self._dispatch_once()
            except DBAPIError as error:
                if is_deadlock(error):
                    continue
                if not is_outdated(error):
                    raise
                if is_repeated:
                    log.error("the database has not what was asked for", exc_info=error)
                    raise ServiceUnavailable("This is being changed; try again soon.") from error
                is_repeated = True
        return self._dispatch_once()

    def _dispatch_once(self) -> ResponseReturnValue:
        with unit_of_work(is_write=request.method not in SAFE_METHODS):
            return super().dispatch_request()


def init_requests(app: Flask) -> None:
    """Request ids and metrics; before whatever answers requests without a view."""
    app.before_request(_begin_request)
    app.after_request(_end_request)


def init_http(app: Flask, settings: Settings) -> None:
    """Body limit, rate limits."""
    # gunicorn listens on a private socket that only nginx reaches, and nginx overwrites the
    # header, so the one address in it is the client's.
    app.wsgi_app = ProxyFix(app.wsgi_app, x_for=1, x_proto=1, x_host=1)  # type: ignore[method-assign]
    app.config["MAX_CONTENT_LENGTH"] = FILE_LIMIT_BYTES + FORM_OVERHEAD_BYTES
    app.config["RATELIMIT_STORAGE_URI"] = settings.cache_url.replace("unix://", "redis+unix://", 1)
    app.config["RATELIMIT_STORAGE_OPTIONS"] = {"socket_timeout": 0.5, "socket_connect_timeout": 0.5}
    # Without Redis each process counts for itself; a request never fails for the limiter.
    app.config["RATELIMIT_IN_MEMORY_FALLBACK_ENABLED"] = True
    limiter.init_app(app)


def parse_body(model: type[M]) -> M:
    """The body, JSON or a form, as a typed object.

    Raises:
        BadRequest: it does not fit the model.
        UnsupportedMediaType: it is neither JSON nor a form.
    """
    try:
        return model.model_validate(read_fields())
    except ValidationError as error:
        raise BadRequest(explain_invalid(error)) from None


def read_fields() -> Mapping[str, Any]:
    """The names and values of the body, JSON or a form; empty without a body.

    Raises:
        BadRequest: it is no JSON object, or a name of the form is given twice.
        UnsupportedMediaType: it is neither JSON nor a form.
    """
    if request.mimetype in ("application/x-www-form-urlencoded", "multipart/form-data"):
        return {name: _only(name) for name in request.form}
    if request.mimetype == "application/json" and request.content_length != 0:
        try:
            fields = request.get_json()
        except RecursionError:
            raise BadRequest("The body is nested too deeply.") from None
        if not isinstance(fields, Mapping):
            raise BadRequest("The body must be a JSON object.")
        return fields
    if request.content_length:
        raise UnsupportedMediaType("Send the body as application/json or as a form.")
    return {}


def only_file(name: str, limit_bytes: int = FILE_LIMIT_BYTES) -> FileStorage:
    """The one uploaded file of a multipart body; a large one is on the disk, not in memory.

    Args:
        limit_bytes: of the whole file; nginx lets as much through to this address.

    Raises:
        BadRequest: it is missing, or there is more than one.
    """
    request.max_content_length = limit_bytes + FORM_OVERHEAD_BYTES
    files = request.files.getlist(name)
    if len(files) != 1 or len(request.files) != 1:
        raise BadRequest(f'Send one file, as the field "{name}" of a multipart/form-data body.')
    return files[0]


def answers(status: int, model: type[BaseModel], *errors: int) -> ResponseDict:
    """The ``responses`` of an operation: its success, and the errors that it has of its own
    besides those that every operation has."""
    refusals = (HTTPStatus.BAD_REQUEST, *errors, HTTPStatus.SERVICE_UNAVAILABLE)
    return {status: model, **{int(error): ErrorAnswer for error in refusals}}


def body_of(model: type[RequestModel], *media_types: str) -> dict[str, Any]:
    """The ``requestBody`` of an operation that reads its body with :func:`parse_body`."""
    schema = model.model_json_schema()
    return {
        "requestBody": {
            "required": "required" in schema,
            "content": {media_type: {"schema": schema} for media_type in media_types},
        }
    }


def file_body(name: str) -> dict[str, Any]:
    """The ``requestBody`` of an operation that reads one file with :func:`only_file`."""
    schema = {
        "type": "object",
        "required": [name],
        "properties": {name: {"type": "string", "format": "binary"}},
    }
    return {
        "requestBody": {"required": True, "content": {"multipart/form-data": {"schema": schema}}}
    }


def _only(name: str) -> str:
    values = request.form.getlist(name)
    if len(values) > 1:
        raise BadRequest(f"{name}: given more than once")
    return values[0]


def _begin_request() -> None:
    given = request.headers.get(REQUEST_ID_HEADER, "")
    g.request_id = given if re.fullmatch(r"[0-9a-f]{32}", given) else uuid.uuid4().hex
    g.began = time.perf_counter()
    logs.request_id.set(g.request_id)


def _end_request(response: Response) -> Response:
    response.headers[REQUEST_ID_HEADER] = g.request_id
    response.headers.setdefault("Cache-Control", "no-store")
    if response.status_code == HTTPStatus.TOO_MANY_REQUESTS and limiter.current_limit:
        wait_s = limiter.current_limit.window.reset_time - time.time()
        response.headers["Retry-After"] = str(max(1, math.ceil(wait_s)))
    endpoint = request.endpoint or "none"
    _requests.labels(request.method, endpoint, response.status_code).inc()
    _latency.labels(endpoint).observe(time.perf_counter() - g.began)
    return response
