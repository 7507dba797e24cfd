"""What the operations under ``/v1`` share: ids, arguments, lists, times, rate limits, CORS."""

import json
import re
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial, wraps
from typing import Annotated, Any, TypeVar, cast

from flask import Blueprint, Flask, Response, after_this_request, request
from flask.blueprints import BlueprintSetupState
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from raindrop.core import credentials
from raindrop.core.credentials import current_actor
from raindrop.core.errors import AppError, BadRequest, NotImplementedYet, explain_invalid
from raindrop.core.formats import check_id
from raindrop.core.http import limiter, read_fields
from raindrop.core.origins import is_known_origin

BASE = "/v1"

F = TypeVar("F", bound=Callable[..., Any])

ANSWER_FLOOR_S = 0.25
"""Longer than an operation that mails something takes but under great load."""


class V1Model(BaseModel):
    """The base of what an operation takes: no coercion; names that it does not know are passed
    over, since newer clients send some."""

    model_config = ConfigDict(strict=True, extra="ignore")


V = TypeVar("V", bound=V1Model)


def _check_text(value: str) -> str:
    if "\0" in value or any("\ud800" <= character <= "\udfff" for character in value):
        raise ValueError("must be Unicode text")
    return value


def _check_object(value: Any) -> Any:
    """An object of the caller's own: it is kept as JSON, so it has a size."""
    if isinstance(value, str):  # some clients send it as a text
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            raise ValueError("must be a JSON object") from None
    # MariaDB keeps no NaN and no infinity, which Python's reader lets in.
    if isinstance(value, dict) and len(json.dumps(value, allow_nan=False)) > PREFS_MAX:
        raise ValueError(f"must have at most {PREFS_MAX} characters as JSON")
    return value


PREFS_MAX = 65_536

NewId = Annotated[str, AfterValidator(check_id)]
"""An id that the caller gives, or ``unique()``."""

Text = Annotated[str, AfterValidator(_check_text)]
"""Text without surrogates and NUL, which no database keeps."""

Name = Annotated[Text, Field(max_length=128)]

Prefs = Annotated[dict[str, Any], BeforeValidator(_check_object)]
"""An object that the service keeps for its caller."""


def _url_bool(value: Any) -> Any:
    return {"true": True, "1": True, "false": False, "0": False}.get(value, value)


def _url_int(value: Any) -> Any:
    if isinstance(value, str) and re.fullmatch(r"-?[0-9]{1,18}", value):
        return int(value)
    return value


UrlBool = Annotated[bool, BeforeValidator(_url_bool)]
UrlInteger = Annotated[int, BeforeValidator(_url_int)]


class ListArguments(V1Model):
    """What lists take: ``queries[0]=…``, a search and whether to count."""

    queries: list[str] = Field(default_factory=list)
    search: str = Field("", max_length=256)
    total: UrlBool = True


def parse_body(model: type[V]) -> V:
    """The body as a typed object; a value of null is one that is not given.

    Raises:
        BadRequest
    """
    fields = read_fields()
    return validate(model, {name: value for name, value in fields.items() if value is not None})


def parse_query(model: type[V]) -> V:
    """The query string as a typed object; ``name[0]=…`` and ``name[]=…`` make lists.

    Raises:
        BadRequest
    """
    fields: dict[str, Any] = {}
    for name in request.args:
        values = request.args.getlist(name)
        base, is_list = re.subn(r"\[\d{0,4}\]$", "", name)
        if is_list:
            fields.setdefault(base, []).extend(values)
        elif len(values) > 1:
            raise BadRequest(f"{name}: given more than once")
        else:
            fields[name] = values[0]
    return validate(model, fields)


def validate(model: type[V], fields: Mapping[str, Any]) -> V:
    """Named values as a typed object.

    Raises:
        BadRequest
    """
    try:
        return model.model_validate(fields)
    except ValidationError as error:
        raise BadRequest(explain_invalid(error)) from None


def show_list(
    name: str, rows: Sequence[Any], total: int, dump: Callable[[Any], dict[str, Any]]
) -> dict[str, Any]:
    """The contract's list: a total and the rows under the resource's name."""
    return {"total": total, name: [dump(row) for row in rows]}


def empty() -> Response:
    """204 without a body."""
    # A content type all the same: the Python client library looks at it in every answer.
    return Response(status=204, content_type="text/plain; charset=utf-8")


def limited(count: int, period_s: int, *keys: str) -> Callable[[F], F]:
    """The operation's rate limit, in the contract's words; keys and administrators are exempt.

    Args:
        keys: such as ``url:{url},email:{param-email}``; each is a budget of its own.
    """

    def decorate(view: Any) -> Any:
        for template in keys:
            view = limiter.limit(
                f"{count} per {period_s} second",
                key_func=partial(_rate_key, template),
                exempt_when=_is_exempt,
            )(view)
        view.rate_limit = (count, period_s, keys)  # a test reads it
        return view

    return decorate


def _is_exempt() -> bool:
    actor = current_actor()
    return actor.is_privileged or credentials.has_dev_key(actor.tenant)


def _rate_key(template: str) -> str:
    actor = current_actor()

    def fill(match: re.Match[str]) -> str:
        name = match[1]
        if name == "url":
            return f"{request.method} {request.url_rule}"
        if name == "ip":
            return request.remote_addr or ""
        if name == "userId":
            return actor.user_id
        return _rate_argument(name.removeprefix("param-"))

    # repr keeps the parts apart: arguments hold what their sender likes.
    key = re.sub(r"\{([A-Za-z-]+)\}", lambda match: repr(fill(match)), template)
    return f"{actor.tenant.public_id},{key}"


def _rate_argument(name: str) -> str:
    """An argument of the path or the body; spellings of one address count as one."""
    value = (request.view_args or {}).get(name)
    if value is None:
        try:
            value = read_fields().get(name)
        except AppError:
            value = ""  # the operation refuses it for itself
    return value.strip().lower()[:256] if isinstance(value, str) else ""


def unhurried(view: F) -> F:
    """Answer no sooner than ``ANSWER_FLOOR_S`` after the request: what an operation does for an
    address that is known takes another time than for one that is not.

    The wait comes after the commit, when the request holds no connection and no lock.
    """

    @wraps(view)
    def waiting(*args: Any, **kwargs: Any) -> Any:
        due = time.monotonic() + ANSWER_FLOOR_S

        @after_this_request
        def wait(response: Response) -> Response:
            time.sleep(max(0.0, due - time.monotonic()))
            return response

        return view(*args, **kwargs)

    return cast(F, waiting)


def not_served(
    blueprint: Blueprint, method: str, rule: str, error: type[AppError] | None = None
) -> None:
    """An operation of the contract that this release answers with a typed error.

    Args:
        error: by default that it is not implemented.
    """
    kind = error or NotImplementedYet
    endpoint = re.sub(r"\W+", "_", f"{method} {rule}").strip("_").lower()

    def refuse(**_: Any) -> Response:
        current_actor()
        raise kind

    blueprint.add_url_rule(rule, endpoint, refuse, methods=[method])

    def note(state: BlueprintSetupState) -> None:
        name = f"{state.name_prefix}.{state.name}.{endpoint}".lstrip(".")
        _stubs(cast(Flask, state.app)).add(name)

    blueprint.record(note)


def _stubs(app: Flask) -> set[str]:
    stubs: set[str] = app.extensions.setdefault("raindrop.v1.not_implemented", set())
    return stubs


ALLOWED_HEADERS = (
    "Origin, Cookie, Set-Cookie, X-Requested-With, Content-Type, Accept, Authorization,"
    " Range, Cache-Control, Expires, Pragma, X-Appwrite-ID, X-Appwrite-Timestamp,"
    " X-Appwrite-Project, X-Appwrite-Key, X-Appwrite-Dev-Key, X-Appwrite-Locale,"
    " X-Appwrite-Mode, X-Appwrite-JWT, X-Appwrite-Response-Format, X-Appwrite-Timeout,"
    " X-Appwrite-Session, X-Appwrite-Platform, X-Fallback-Cookies, X-Forwarded-For,"
    " X-Forwarded-User-Agent, X-SDK-Version, X-SDK-Name, X-SDK-Language, X-SDK-Platform,"
    " X-SDK-GraphQL, Content-Range, X-Request-Id"
)
EXPOSED_HEADERS = (
    "X-Appwrite-Session, X-Fallback-Cookies, X-RateLimit-Limit, X-RateLimit-Remaining,"
    " X-RateLimit-Reset, Retry-After, X-Request-Id"
)


def init_v1(app: Flask) -> None:
    """Cross-origin requests: a preflight names no project, so it is the request that is judged."""

    @app.before_request
    def answer_preflight() -> Response | None:
        is_preflight = request.method == "OPTIONS" and _is_v1(request.path)
        return Response(status=204) if is_preflight else None

    @app.after_request
    def allow_origin(response: Response) -> Response:
        origin = request.headers.get("Origin")
        if not origin or not _is_v1(request.path):
            return response
        response.headers.add("Vary", "Origin")
        if request.method == "OPTIONS" or _may_read(origin):
            response.headers["Access-Control-Allow-Origin"] = origin
            response.headers["Access-Control-Allow-Credentials"] = "true"
            response.headers["Access-Control-Expose-Headers"] = EXPOSED_HEADERS
        if request.method == "OPTIONS":
            response.headers["Access-Control-Allow-Methods"] = "GET, POST, PUT, PATCH, DELETE"
            response.headers["Access-Control-Allow-Headers"] = ALLOWED_HEADERS
            response.headers["Access-Control-Max-Age"] = "3600"
        return response

    @app.after_request
    def tell_limit(response: Response) -> Response:
        # Not by the limiter's own option: it would ask Redis twice more for every other route.
        limit = limiter.current_limit
        if limit and _is_v1(request.path):
            response.headers["X-RateLimit-Limit"] = str(limit.limit.amount)
            response.headers["X-RateLimit-Remaining"] = str(limit.remaining)
            response.headers["X-RateLimit-Reset"] = str(limit.reset_at)
        return response


def _is_v1(path: str) -> bool:
    return path == BASE or path.startswith(f"{BASE}/")


def _may_read(origin: str) -> bool:
    """Whether the page may see the answer. A refusal is for everybody to read: it says how to
    become a platform, and it holds nothing of the project's."""
    tenant = credentials.current_tenant()
    if tenant is None or is_known_origin(tenant, origin):
        return True
    return credentials.has_dev_key(tenant)
