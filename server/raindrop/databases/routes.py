"""``/v1/databases`` and ``/v1/tablesdb``: the room's routes, one file a part."""

from flask_openapi3 import OpenAPI

from raindrop.databases import (
    routes_attributes,
    routes_collections,
    routes_databases,
    routes_documents,
    routes_indexes,
    routes_relationships,
    routes_transactions,
    routes_transfers,
)

PARTS = (
    routes_databases, routes_collections, routes_attributes, routes_relationships, routes_indexes,
    routes_documents, routes_transactions,
)  # fmt: skip


def init_room(app: OpenAPI) -> None:
    """Register the room's routes."""
    for part in PARTS:
        part.both.init_app(app)
    app.register_api(routes_transfers.blueprint)
