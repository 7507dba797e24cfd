"""What of the contract the app serves, by its routes."""

import re
from collections.abc import Iterator

from flask import Flask

from tests.contract.contract import Contract, Operation, is_under_base, shape_of

STUBS = "raindrop.v1.not_implemented"


def is_stub(app: Flask, endpoint: str) -> bool:
    """Whether a route is there and only answers that it is not implemented.

    The app may keep a set of such endpoints as ``app.extensions["raindrop.v1.not_implemented"]``;
    without it every route counts as served.
    """
    return endpoint in app.extensions.get(STUBS, ())


def served_operations(app: Flask, contract: Contract) -> set[str]:
    """The ids of the operations that a route of the app answers for real."""
    routes = {key for key, endpoint in _routes(app) if not is_stub(app, endpoint)}
    return {o.id for o in contract.operations if (o.method, o.segments) in routes}


def served_views(app: Flask, contract: Contract) -> Iterator[tuple[Operation, object]]:
    """Each operation that the app answers for real, with its view function."""
    routes = {key: endpoint for key, endpoint in _routes(app) if not is_stub(app, endpoint)}
    for operation in contract.operations:
        endpoint = routes.get((operation.method, operation.segments))
        if endpoint:
            yield operation, app.view_functions[endpoint]


def extra_routes(app: Flask, contract: Contract) -> list[str]:
    """The app's routes under /v1 that the contract does not have."""
    known = {(operation.method, operation.segments) for operation in contract.operations}
    extra = {key for key, _ in _routes(app)} - known
    return sorted(f"{method} {'/'.join(segments)}" for method, segments in extra)


def _routes(app: Flask) -> list[tuple[tuple[str, tuple[str, ...]], str]]:
    """``((method, segments), endpoint)`` of each route under /v1, parameters as ``{}``.

    A parameter that takes several segments stays what it is, so that it equals nothing.
    """
    return [
        ((method, shape_of(re.sub(r"<(?!path:)[^>]*>", "{}", rule.rule))), rule.endpoint)
        for rule in app.url_map.iter_rules()
        if is_under_base(rule.rule)
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    ]
