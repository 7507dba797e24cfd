"""``/v1/databases`` and ``/v1/tablesdb``: databases."""

from typing import Any

from flask import Blueprint, Response

from raindrop.core.access import allow
from raindrop.core.credentials import current_actor
from raindrop.core.errors import UsageDisabled
from raindrop.core.v1 import (
    ListArguments,
    empty,
    not_served,
    parse_body,
    parse_query,
    show_list,
)
from raindrop.databases import deletion, service
from raindrop.databases.schemas import DatabaseChange, NewDatabase
from raindrop.databases.vocabulary import BothWords, Words, current_words

both = BothWords("databases")


def _add_usage(blueprint: Blueprint, words: Words) -> None:
    """Figures of use, which nobody keeps yet."""
    one = f"/<database_id>/{words.collections}/<collection_id>"
    for rule in ("/usage", "/<database_id>/usage", f"{one}/usage"):
        not_served(blueprint, "GET", rule, UsageDisabled)


both.each(_add_usage)


@both.route("GET", "")
@allow("databases.read")
def list_databases() -> dict[str, Any]:
    """The project's databases."""
    given = parse_query(ListArguments)
    found, total = service.list_databases(
        current_actor(), given.queries, given.search, is_counted=given.total
    )
    return show_list("databases", found, total, service.dump_database)


@both.route("POST", "")
@allow("databases.write")
def create_database() -> tuple[dict[str, Any], int]:
    """Make a database."""
    body = parse_body(NewDatabase)
    made = service.create_database(
        current_actor(),
        body.databaseId,
        body.name,
        is_enabled=body.enabled,
        kind=current_words().kind,
    )
    return service.dump_database(made), 201


@both.route("GET", "/<database_id>")
@allow("databases.read")
def get_database(database_id: str) -> dict[str, Any]:
    """One database."""
    return service.dump_database(service.get_database(current_actor().tenant, database_id))


@both.route("PUT", "/<database_id>")
@allow("databases.write")
def update_database(database_id: str) -> dict[str, Any]:
    """Rename a database, switch it on or off."""
    body = parse_body(DatabaseChange)
    changed = service.update_database(
        current_actor(), database_id, body.name, is_enabled=body.enabled
    )
    return service.dump_database(changed)


@both.route("DELETE", "/<database_id>")
@allow("databases.write")
def delete_database(database_id: str) -> Response:
    """Delete a database with all that is in it."""
    deletion.delete_database(current_actor(), database_id)
    return empty()
