"""Attributes of collections: making, finding, changing, deleting, showing."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy.exc import IntegrityError

from raindrop.core.access import Actor
from raindrop.core.cache import get_cache
from raindrop.core.db import db, utc_now
from raindrop.core.events import publish
from raindrop.databases.errors import AttributeAlreadyExists
from raindrop.databases.models import AttributeRow, Collection, Status
from raindrop.databases.schema import Attribute, attribute_of, collection_tag
from raindrop.databases.service import find_collection
from raindrop.jobs.service import create_job


@dataclass(frozen=True)
class Draft:
    """An attribute to make; the names are those of ``schema.Attribute``."""

    key: str
    type: str
    is_required: bool
    format: str = ""
    size: int = 0
    is_array: bool = False
    default: Any = None
    min: float | int | None = None
    max: float | int | None = None
    elements: tuple[str, ...] = ()

    def details(self) -> dict[str, Any]:
        """What the row keeps as JSON."""
        details: dict[str, Any] = {"default": self.default}
        if self.type in ("integer", "double"):
            details |= {"min": self.min, "max": self.max}
        if self.format == "enum":
            details["elements"] = list(self.elements)
        return details


def create_attribute(actor: Actor, database_id: str, collection_id: str, draft: Draft) -> Attribute:
    """Record an attribute; a job makes its column and then it is available.

    Raises:
        DatabaseNotFound, CollectionNotFound, AttributeAlreadyExists
    """
    collection = find_collection(actor.tenant, database_id, collection_id, lock=True)
    now = utc_now()
    row = AttributeRow(
        project_id=actor.tenant.id,
        collection_id=collection.id,
        key=draft.key,
        type=draft.type,
        format=draft.format,
        size=draft.size,
        is_required=draft.is_required,
        is_array=draft.is_array,
        details=draft.details(),
        status=Status.PROCESSING,
        error="",
        created_at=now,
        updated_at=now,
    )
    db.session.add(row)
    try:
        db.session.flush()  # the database decides who was first
    except IntegrityError:
        raise AttributeAlreadyExists from None
    create_job("databases.converge", queue="databases", params={"collection": collection.id})
    attribute = attribute_of(row, {})
    publish_attribute(actor, database_id, collection, attribute, "create")
    return attribute


def publish_attribute(
    actor: Actor, database_id: str, collection: Collection, attribute: Attribute, action: str
) -> None:
    """Leave the event ``databases.D.collections.C.attributes.ID.…`` and drop what is cached."""
    where = (actor.tenant.public_id, database_id, collection.public_id)
    get_cache().invalidate(collection_tag(*where))
    publish(
        f"databases.{database_id}.collections.{collection.public_id}"
        f".attributes.{attribute.key}.{action}",
        resource=f"database/{database_id}/collection/{collection.public_id}",
        payload=dump_attribute(attribute),
        actor=actor,
    )


def dump_attribute(attribute: Attribute) -> dict[str, Any]:
    """An attribute as the contract has it."""
    shown: dict[str, Any] = {
        "key": attribute.key,
        "type": attribute.type,
        "status": attribute.status,
        "error": attribute.error,
        "required": attribute.is_required,
        "array": attribute.is_array,
        "$createdAt": attribute.created_at,
        "$updatedAt": attribute.updated_at,
    }
    return shown | _options(attribute)


def _options(attribute: Attribute) -> dict[str, Any]:
    """What only attributes of its kind have."""
    relation = attribute.relation
    if relation is not None:
        return {
            "relatedCollection": relation.collection,
            "relationType": relation.type,
            "twoWay": relation.is_two_way,
            "twoWayKey": relation.two_way_key,
            "onDelete": relation.on_delete,
            "side": relation.side,
        }
    shown: dict[str, Any] = {"default": attribute.default}
    if attribute.type in ("integer", "double"):
        shown |= {"min": attribute.min, "max": attribute.max}
    if attribute.format:
        shown["format"] = attribute.format
    if attribute.format == "enum":
        shown["elements"] = list(attribute.elements)
    if attribute.type == "string" and not attribute.format:
        shown |= {"size": attribute.size, "encrypt": False}
    if attribute.type == "datetime":
        shown["format"] = ""
    return shown
