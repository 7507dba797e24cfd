"""``/v1/databases`` and ``/v1/tablesdb``: the room's routes, one file a part."""

from flask import Flask

from raindrop.databases import (
    routes_attributes,
    routes_collections,
    routes_databases,
    routes_documents,
    routes_indexes,
    routes_transactions,
)

PARTS = (
    routes_databases, routes_collections, routes_attributes, routes_indexes, routes_documents,
)  # fmt: skip


def init_room(app: Flask) -> None:
    """Register the room's routes."""
    for part in (
        routes_databases,
        routes_collections,
        routes_attributes,
        routes_indexes,
        routes_documents,
        routes_transactions,
    ):
        part.both.init_app(app)
