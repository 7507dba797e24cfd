"""Attributes of collections: making, finding, deleting, showing."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from raindrop.core.access import Actor
from raindrop.core.cache import get_cache
from raindrop.core.db import db, utc_now
from raindrop.core.events import publish
from raindrop.core.queries import list_selected
from raindrop.core.tenancy import Tenant
from raindrop.databases.converging import converge_soon
from raindrop.databases.errors import (
    AttributeAlreadyExists,
    AttributeDefaultUnsupported,
    AttributeFormatUnsupported,
    AttributeNotFound,
    AttributeValueInvalid,
    DocumentInvalidStructure,
    EncryptedTooShort,
    IndexDependency,
)
from raindrop.databases.models import AttributeRow, Collection, IndexRow, Status
from raindrop.databases.schema import Attribute, Schema, collection_tag, rows_tag
from raindrop.databases.schema_store import attribute_of, load_schema, related_names
from raindrop.databases.service import find_collection
from raindrop.databases.tables import FORMAT_SIZES, SPATIAL
from raindrop.databases.values import check_value
from raindrop.databases.widths import check_width

ENCRYPTED_SIZE_MIN = 150
"""Characters, as Appwrite has it."""


@dataclass(frozen=True)
class Draft:
    """An attribute to make, or what one shall become; named as in ``schema.Attribute``."""

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
    is_encrypted: bool = False

    def details(self) -> dict[str, Any]:
        """What the row keeps as JSON."""
        details: dict[str, Any] = {"default": self.default}
        if self.is_encrypted:
            details["is_encrypted"] = True
        if self.type in ("integer", "double"):
            details |= {"min": self.min, "max": self.max}
        if self.format == "enum":
            details["elements"] = list(self.elements)
        return details

    def as_attribute(self) -> Attribute:
        """As documents would see it."""
        return Attribute(
            id=0,
            key=self.key,
            type=self.type,
            format=self.format,
            size=self.size,
            is_required=self.is_required,
            is_array=self.is_array,
            status=Status.AVAILABLE,
            error="",
            created_at="",
            updated_at="",
            default=self.default,
            min=self.min,
            max=self.max,
            elements=self.elements,
            is_encrypted=self.is_encrypted,
        )


def create_attribute(actor: Actor, database_id: str, collection_id: str, draft: Draft) -> Attribute:
    """Record an attribute; a job makes its column and then it is available.

    Raises:
        DatabaseNotFound, CollectionNotFound, AttributeAlreadyExists, AttributeLimitExceeded,
        AttributeDefaultUnsupported, AttributeValueInvalid
        AttributeFormatUnsupported: this database cannot keep such.
        EncryptedTooShort
    """
    collection = find_collection(actor.tenant, database_id, collection_id, lock=True)
    if draft.type in SPATIAL and db.engine.dialect.name == "sqlite":
        raise AttributeFormatUnsupported(
            "Coordinates need MySQL or MariaDB; this server keeps its data in SQLite."
        )
    check_encryption(draft)
    if draft.format:
        draft = replace(draft, size=FORMAT_SIZES[draft.format])
    check_default(draft)
    schema = schema_of(actor.tenant, collection)
    check_width(schema, draft.as_attribute())
    attribute = attribute_of(_insert(collection, draft), {})
    converge_soon(collection.id)
    publish_attribute(actor, database_id, collection, attribute, "create")
    return attribute


def list_attributes(
    actor: Actor, database_id: str, collection_id: str, queries: Sequence[str], *, is_counted: bool
) -> tuple[list[Attribute], int]:
    """The attributes of a collection, and how many.

    Raises:
        DatabaseNotFound, CollectionNotFound, QueryInvalid, CursorNotFound
    """
    collection = find_collection(actor.tenant, database_id, collection_id)
    rows, total = list_selected(
        sa.select(AttributeRow).where(AttributeRow.collection_id == collection.id),
        AttributeRow,
        queries,
        {
            "key": AttributeRow.key,
            "type": AttributeRow.type,
            "size": AttributeRow.size,
            "required": AttributeRow.is_required,
            "array": AttributeRow.is_array,
            "status": AttributeRow.status,
            "error": AttributeRow.error,
        },
        is_counted=is_counted,
    )
    names = related_names(rows)
    return [attribute_of(row, names) for row in rows], total


def get_attribute(tenant: Tenant, database_id: str, collection_id: str, key: str) -> Attribute:
    """One attribute.

    Raises:
        DatabaseNotFound, CollectionNotFound, AttributeNotFound
    """
    row = find_attribute(find_collection(tenant, database_id, collection_id), key)
    return attribute_of(row, related_names([row]))


def delete_attribute(actor: Actor, database_id: str, collection_id: str, key: str) -> None:
    """Delete an attribute: documents have it no more; a job drops its column.

    Raises:
        DatabaseNotFound, CollectionNotFound, AttributeNotFound
        IndexDependency: an index is of it.
    """
    collection = find_collection(actor.tenant, database_id, collection_id, lock=True)
    row = find_attribute(collection, key)
    _check_unused(row)
    begin_deletion(actor, database_id, collection, row)


def begin_deletion(
    actor: Actor, database_id: str, collection: Collection, row: AttributeRow
) -> None:
    """Mark an attribute as being deleted; a job does it."""
    row.status, row.error, row.updated_at = Status.DELETING, "", utc_now()
    converge_soon(collection.id)
    attribute = attribute_of(row, related_names([row]))
    publish_attribute(actor, database_id, collection, attribute, "delete")


def publish_attribute(
    actor: Actor, database_id: str, collection: Collection, attribute: Attribute, action: str
) -> None:
    """Leave the event ``databases.D.collections.C.attributes.ID.…`` and drop what is cached."""
    where = (actor.tenant.public_id, database_id, collection.public_id)
    get_cache().invalidate(collection_tag(*where), rows_tag(collection.id))
    publish(
        f"databases.{database_id}.collections.{collection.public_id}"
        f".attributes.{attribute.key}.{action}",
        resource=f"database/{database_id}/collection/{collection.public_id}",
        payload=dump_attribute(attribute),
        actor=actor,
    )


def _insert(collection: Collection, draft: Draft) -> AttributeRow:
    now = utc_now()
    row = AttributeRow(
        project_id=collection.project_id,
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
    return row


def find_attribute(collection: Collection, key: str) -> AttributeRow:
    """An attribute's row.

    Raises:
        AttributeNotFound
    """
    row: AttributeRow | None = db.session.scalar(
        sa.select(AttributeRow).where(
            AttributeRow.collection_id == collection.id, AttributeRow.key == key
        )
    )
    if row is None:
        raise AttributeNotFound
    return row


def schema_of(tenant: Tenant, collection: Collection) -> Schema:
    """A collection whose row is locked, as requests see it."""
    schema = load_schema(tenant, collection.id)
    assert schema is not None  # its row is locked
    return schema


def check_default(draft: Draft) -> None:
    """Whether bounds and default fit together.

    Raises:
        AttributeValueInvalid, AttributeDefaultUnsupported
    """
    if draft.min is not None and draft.max is not None and draft.min > draft.max:
        raise AttributeValueInvalid("The minimum is more than the maximum.")
    if draft.default is None:
        return
    if draft.is_required or draft.is_array:
        raise AttributeDefaultUnsupported
    try:
        check_value(draft.as_attribute(), draft.default)
    except DocumentInvalidStructure as error:
        raise AttributeValueInvalid(f"The default does not fit: {error.message}") from None


def check_encryption(draft: Draft) -> None:
    """Whether a text may be encrypted.

    Raises:
        EncryptedTooShort
    """
    if draft.is_encrypted and draft.size < ENCRYPTED_SIZE_MIN:
        raise EncryptedTooShort(
            f"Size too small. Encrypted strings require a size of {ENCRYPTED_SIZE_MIN} or more."
        )


def _check_unused(row: AttributeRow) -> None:
    if index := next(indexes_of(row), None):
        raise IndexDependency(f"The index {index.key} is of this attribute; delete it first.")


def indexes_of(row: AttributeRow) -> Iterator[IndexRow]:
    """The indexes that need an attribute; one that is being deleted is dropped before."""
    query = sa.select(IndexRow).where(
        IndexRow.collection_id == row.collection_id, IndexRow.status != Status.DELETING
    )
    for index in db.session.scalars(query):
        if any(member["attribute"] == row.id for member in index.members):
            yield index


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
        shown |= {"size": attribute.size, "encrypt": attribute.is_encrypted}
    if attribute.type == "datetime":
        shown["format"] = ""
    return shown
