"""The tree of typed errors and the one handler that turns them into answers.

A ``type`` that the Appwrite contract has keeps its name and status; the others are ours.
"""

import logging
from http import HTTPStatus

from flask import Flask, Response, g, jsonify, request
from pydantic import ValidationError
from sqlalchemy.exc import OperationalError
from werkzeug.exceptions import HTTPException

from raindrop import __version__

log = logging.getLogger(__name__)


class AppError(Exception):
    """An error with a stable ``type``, an HTTP ``status`` and a message for a person."""

    type = "general_unknown"
    status = HTTPStatus.INTERNAL_SERVER_ERROR
    message = "Something went wrong on the server. Try again; if it stays, tell the operator."
    retry_after_s: int | None = None

    def __init__(self, message: str | None = None) -> None:
        super().__init__(message or self.message)
        self.message = message or self.message


class BadRequest(AppError):
    """The request's form or one of its arguments is wrong."""

    type = "general_argument_invalid"
    status = HTTPStatus.BAD_REQUEST
    message = "The request is not valid."


class NotFound(AppError):
    """No such address."""

    type = "general_route_not_found"
    status = HTTPStatus.NOT_FOUND
    message = "There is nothing at this address."


class MethodNotAllowed(AppError):
    """The address exists, but not for this method."""

    type = "general_method_not_allowed"
    status = HTTPStatus.METHOD_NOT_ALLOWED
    message = "This address does not answer to this method."


class PayloadTooLarge(AppError):
    """The body or a file in it is over the stated limit."""

    type = "general_payload_too_large"
    status = HTTPStatus.REQUEST_ENTITY_TOO_LARGE
    message = "The request is too large."


class UnsupportedMediaType(AppError):
    """The body's content type is not one that the address reads."""

    type = "general_media_type_unsupported"
    status = HTTPStatus.UNSUPPORTED_MEDIA_TYPE
    message = "The body's content type is not supported here."


class Conflict(AppError):
    """The state of the thing does not allow this."""

    type = "general_state_conflict"
    status = HTTPStatus.CONFLICT
    message = "The state of the resource does not allow this."


class RateLimitExceeded(AppError):
    """Too many requests from one client."""

    type = "general_rate_limit_exceeded"
    status = HTTPStatus.TOO_MANY_REQUESTS
    message = "Too many requests; wait a moment."


class ServiceUnavailable(AppError):
    """The server is full or a part of it is away; the same request may work soon."""

    type = "general_service_unavailable"
    status = HTTPStatus.SERVICE_UNAVAILABLE
    message = "The server is busy; try again in a moment."
    retry_after_s = 1


class NotImplementedYet(AppError):
    """An operation of the contract that this release does not have."""

    type = "general_not_implemented"
    status = HTTPStatus.METHOD_NOT_ALLOWED
    message = "This release does not have this operation yet."


class UsageDisabled(AppError):
    """There are no usage figures."""

    type = "general_usage_disabled"
    status = HTTPStatus.NOT_IMPLEMENTED
    message = "This server keeps no usage figures yet."


class OutboundRefused(AppError):
    """The address, the request or the redirect is not one that this server makes: do not retry.

    A name that does not exist is refused with the same words as a private one: the answer tells
    nobody which names the operator's network has.
    """

    type = "general_outbound_refused"
    status = HTTPStatus.BAD_REQUEST
    message = "This host does not exist, or its address and port may not be called from here."


class OutboundFailed(AppError):
    """The other server could not be reached or did not answer properly: it may work later."""

    type = "general_outbound_failed"
    status = HTTPStatus.BAD_GATEWAY
    message = "The other server could not be reached, or its answer could not be read."


class OutboundTimeout(OutboundFailed):
    """The other server was too slow."""

    message = "The other server took too long to answer."


class OutboundTooLarge(OutboundFailed):
    """The answer is over a limit."""

    message = "The other server's answer is too large."


_PASSING_MYSQL_ERRORS = {
    1040,  # too many connections
    1053,  # shutting down
    1205,  # waited too long for a lock
    1213,  # deadlock
    *range(2002, 2014),  # no connection, or lost
}

_BY_STATUS: dict[int, type[AppError]] = {
    error.status: error
    for error in (
        BadRequest,
        NotFound,
        MethodNotAllowed,
        PayloadTooLarge,
        UnsupportedMediaType,
        RateLimitExceeded,
        ServiceUnavailable,
    )
}


def init_errors(app: Flask) -> None:
    """Register the one handler."""
    app.register_error_handler(Exception, _answer)


def answer_error(error: AppError) -> Response:
    """An error as an answer to return: raised, it would roll back what the refusal itself writes,
    such as the count of wrong tries."""
    return _envelope(error)


def answer_invalid(error: ValidationError) -> Response:
    """The answer to a request whose path, query or body does not fit its schema."""
    return _envelope(BadRequest(explain_invalid(error)))


def explain_invalid(error: ValidationError) -> str:
    """The first thing that is wrong, as ``field: reason``."""
    first = error.errors(include_url=False, include_input=False, include_context=False)[0]
    where = ".".join(str(part) for part in first["loc"])
    return f"{where}: {first['msg']}" if where else str(first["msg"])


def _answer(error: Exception) -> Response:
    if isinstance(error, AppError):
        return _envelope(error)
    if isinstance(error, HTTPException) and error.code is not None:
        return _from_http(error, error.code)
    if isinstance(error, OperationalError) and _is_passing(error):
        log.error("the database did not answer", exc_info=error)
        return _envelope(ServiceUnavailable("The database does not answer; try again soon."))
    log.error("unhandled error", exc_info=error)
    return _envelope(AppError())


def _is_passing(error: OperationalError) -> bool:
    """Whether the database was away or busy, not asked for something that it does not have."""
    if error.connection_invalidated or "locked" in str(error.orig):
        return True
    return getattr(error.orig, "args", (None,))[0] in _PASSING_MYSQL_ERRORS


def _from_http(error: HTTPException, code: int) -> Response:
    if code < HTTPStatus.BAD_REQUEST:
        return Response(error.get_response().get_data(), code, error.get_headers())
    kind = _BY_STATUS.get(code, BadRequest if code < HTTPStatus.INTERNAL_SERVER_ERROR else AppError)
    response = _envelope(kind())
    for name, value in error.get_headers():
        if name in ("Allow", "Retry-After"):
            response.headers[name] = value
    return response


_V1_ERRORS: dict[str, tuple[str, HTTPStatus]] = {
    MethodNotAllowed.type: ("general_not_implemented", HTTPStatus.METHOD_NOT_ALLOWED),
    PayloadTooLarge.type: ("general_argument_invalid", HTTPStatus.BAD_REQUEST),
    UnsupportedMediaType.type: ("general_argument_invalid", HTTPStatus.BAD_REQUEST),
    Conflict.type: ("resource_already_exists", HTTPStatus.CONFLICT),
    OutboundRefused.type: ("general_argument_invalid", HTTPStatus.BAD_REQUEST),
    OutboundFailed.type: ("general_provider_failure", HTTPStatus.BAD_REQUEST),
}
"""What the contract of /v1 calls those of our errors that it does not have."""


def _envelope(error: AppError) -> Response:
    kind, status = error.type, error.status
    if request.path.startswith("/api/v1/"):
        return _openwhisk_envelope(error)
    if request.path.startswith("/v1/"):
        kind, status = _V1_ERRORS.get(kind, (kind, status))
    response = jsonify(message=error.message, code=int(status), type=kind, version=__version__)
    response.status_code = status
    if error.retry_after_s is not None:
        response.headers["Retry-After"] = str(error.retry_after_s)
    return response


def _openwhisk_envelope(error: AppError) -> Response:
    """OpenWhisk's form; its ``code`` is what finds the request in the log."""
    response = jsonify(error=error.message, code=g.get("request_id", ""))
    response.status_code = error.status
    if error.status == HTTPStatus.UNAUTHORIZED:
        response.headers["WWW-Authenticate"] = 'Basic realm="Raindrop"'
    if error.retry_after_s is not None:
        response.headers["Retry-After"] = str(error.retry_after_s)
    return response
