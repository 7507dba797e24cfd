"""``/v1/databases`` and ``/v1/tablesdb``: relationships."""

from typing import Any

from raindrop.core.access import allow
from raindrop.core.credentials import current_actor
from raindrop.databases import relationships
from raindrop.databases.routes_attributes import ATTRIBUTES, WRITE, show
from raindrop.databases.schemas_attributes import NewRelationship, RelationshipChange
from raindrop.databases.vocabulary import BothWords, current_words

both = BothWords("relationships")


@both.route("POST", f"{ATTRIBUTES}/relationship")
@allow(*WRITE)
def create_relationship(database_id: str, collection_id: str) -> tuple[dict[str, Any], int]:
    """Relate a collection to another one, or to itself."""
    body = current_words().parse_body(NewRelationship)
    draft = relationships.Draft(
        related_id=body.relatedCollectionId,
        type=body.type,
        is_two_way=body.twoWay,
        key=body.key or "",
        two_way_key=body.twoWayKey or "",
        on_delete=body.onDelete,
    )
    made = relationships.create_relationship(current_actor(), database_id, collection_id, draft)
    return show(made), 202


@both.route("PATCH", f"{ATTRIBUTES}/<key>/relationship")
@allow(*WRITE)
def update_relationship(database_id: str, collection_id: str, key: str) -> dict[str, Any]:
    """Change what deleting a document does to related ones, or a key."""
    body = current_words().parse_body(RelationshipChange)
    changed = relationships.update_relationship(
        current_actor(),
        database_id,
        collection_id,
        key,
        on_delete=body.onDelete,
        new_key=body.newKey,
    )
    return show(changed)
