"""``/v1/databases`` and ``/v1/tablesdb``: attributes."""

from typing import Any

from raindrop.core.access import allow
from raindrop.core.credentials import current_actor
from raindrop.databases import attributes
from raindrop.databases.schemas import NewInteger, NewString
from raindrop.databases.vocabulary import BothWords, current_words

READ, WRITE = ("tables.read", "collections.read"), ("tables.write", "collections.write")
ATTRIBUTES = "/<database_id>/{collections}/<collection_id>/{attributes}"

both = BothWords("attributes")


@both.route("POST", f"{ATTRIBUTES}/string")
@allow(*WRITE)
def create_string(database_id: str, collection_id: str) -> tuple[dict[str, Any], int]:
    """Make an attribute of text."""
    body = current_words().parse_body(NewString)
    draft = attributes.Draft(
        key=body.key,
        type="string",
        size=body.size,
        is_required=body.required,
        is_array=body.array,
        default=body.default,
    )
    return _create(database_id, collection_id, draft)


@both.route("POST", f"{ATTRIBUTES}/integer")
@allow(*WRITE)
def create_integer(database_id: str, collection_id: str) -> tuple[dict[str, Any], int]:
    """Make an attribute of whole numbers."""
    body = current_words().parse_body(NewInteger)
    draft = attributes.Draft(
        key=body.key,
        type="integer",
        is_required=body.required,
        is_array=body.array,
        default=body.default,
        min=body.min,
        max=body.max,
    )
    return _create(database_id, collection_id, draft)


def _create(
    database_id: str, collection_id: str, draft: attributes.Draft
) -> tuple[dict[str, Any], int]:
    made = attributes.create_attribute(current_actor(), database_id, collection_id, draft)
    return current_words().outward(attributes.dump_attribute(made)), 202
