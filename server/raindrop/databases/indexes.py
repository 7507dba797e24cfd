"""Indexes of collections: making, finding, deleting, showing."""

from typing import Any

from raindrop.databases.schema import Index


def dump_index(index: Index) -> dict[str, Any]:
    """An index as the contract has it."""
    return {
        "$id": str(index.id),
        "$createdAt": index.created_at,
        "$updatedAt": index.updated_at,
        "key": index.key,
        "type": index.type,
        "status": index.status,
        "error": index.error,
        "attributes": [member.key for member in index.members],
        "lengths": [member.length for member in index.members],
        "orders": [member.order for member in index.members],
    }
