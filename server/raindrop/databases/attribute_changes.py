"""Changing attributes: their names, rules and sizes."""

from dataclasses import replace

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from raindrop.core.access import Actor
from raindrop.core.db import db, utc_now
from raindrop.core.secrets import sealed_length
from raindrop.databases.attributes import (
    Draft,
    check_default,
    check_encryption,
    find_attribute,
    indexes_of,
    publish_attribute,
    schema_of,
)
from raindrop.databases.converging import converge_soon
from raindrop.databases.errors import (
    AttributeAlreadyExists,
    AttributeInvalidResize,
    AttributeNotAvailable,
    AttributeTypeInvalid,
    IndexDependency,
)
from raindrop.databases.models import AttributeRow, Status
from raindrop.databases.schema import Attribute, Schema
from raindrop.databases.schema_store import attribute_of
from raindrop.databases.service import find_collection
from raindrop.databases.tables import rows_of
from raindrop.databases.widths import INDEX_BYTES_MAX, check_width, index_bytes

ROWS_BATCH = 1000


def update_attribute(
    actor: Actor, database_id: str, collection_id: str, key: str, change: Draft
) -> Attribute:
    """Change an attribute. A text that grows is altered by a job; until it is ``available`` again
    its documents have the size of before.

    Args:
        change: what it shall be; its key another one to rename it; a size of 0 and bounds of None
            stay.

    Raises:
        DatabaseNotFound, CollectionNotFound, AttributeNotFound, AttributeNotAvailable,
        AttributeTypeInvalid, AttributeAlreadyExists, AttributeDefaultUnsupported,
        AttributeValueInvalid, AttributeInvalidResize, AttributeLimitExceeded, EncryptedTooShort
        IndexDependency: a spatial index needs it to be required.
    """
    collection = find_collection(actor.tenant, database_id, collection_id, lock=True)
    row = find_attribute(collection, key)
    if (row.type, row.format) != (change.type, change.format):
        raise AttributeTypeInvalid
    if row.status != Status.AVAILABLE:
        raise AttributeNotAvailable
    change = _completed(row, change)
    check_default(change)
    check_encryption(change)
    if not change.is_required:
        _check_may_be_null(row)
    row.details = change.details()
    if change.size != row.size:
        _resize(schema_of(actor.tenant, collection), row, change)
    row.key, row.is_required, row.updated_at = change.key, change.is_required, utc_now()
    row.error = ""
    try:
        db.session.flush()  # the database decides who was first
    except IntegrityError:
        raise AttributeAlreadyExists from None
    attribute = attribute_of(row, {})
    publish_attribute(actor, database_id, collection, attribute, "update")
    return attribute


def _completed(row: AttributeRow, change: Draft) -> Draft:
    """What an attribute shall be, with what stays of it."""
    return replace(
        change,
        is_array=row.is_array,
        is_encrypted=row.details.get("is_encrypted", False),
        size=change.size or row.size,
        min=row.details.get("min") if change.min is None else change.min,
        max=row.details.get("max") if change.max is None else change.max,
    )


def _check_may_be_null(row: AttributeRow) -> None:
    if index := next((each for each in indexes_of(row) if each.type == "spatial"), None):
        raise IndexDependency(f"The spatial index {index.key} needs a required attribute.")


def _resize(schema: Schema, row: AttributeRow, change: Draft) -> None:
    """Smaller is a matter of the record; larger may need another column type, made by a job."""
    if change.size < row.size:
        if _has_longer(schema, row, change.size):
            raise AttributeInvalidResize
        row.size = change.size
        return
    grown = next(each for each in schema.attributes if each.id == row.id)
    _check_indexes(schema, replace(grown, size=change.size))
    check_width(schema, replace(grown, size=change.size), replaced=row.id)
    row.details = row.details | {"grown_from": row.size}
    row.size, row.status = change.size, Status.PROCESSING
    converge_soon(schema.id)


def _check_indexes(schema: Schema, attribute: Attribute) -> None:
    """Whether the indexes can be of the longer text."""
    attributes = {each.key: each for each in schema.attributes} | {attribute.key: attribute}
    for index in schema.indexes:
        is_plain = index.type in ("key", "unique") and index.status != Status.DELETING
        if is_plain and index_bytes(attributes, index.members) > INDEX_BYTES_MAX:
            raise AttributeInvalidResize(
                f"The index {index.key} would be of more than {INDEX_BYTES_MAX} bytes."
            )


def _has_longer(schema: Schema, row: AttributeRow, size: int) -> bool:
    column = rows_of(schema).c[f"a_{row.id}"]
    is_sqlite = db.engine.dialect.name == "sqlite"
    length = sa.func.length(column) if is_sqlite else sa.func.char_length(column)
    is_encrypted = row.details.get("is_encrypted", False)
    if row.is_array or is_encrypted:
        # Of what is encrypted only what is long enough to hold such a text is decrypted.
        least = sealed_length(size + 1) if is_encrypted else 0
        query = sa.select(column).where(column.is_not(None), length >= least)
        values = db.session.scalars(query).yield_per(ROWS_BATCH)
        return any(
            len(text) > size for value in values for text in (value if row.is_array else (value,))
        )
    return db.session.scalar(sa.select(sa.literal(1)).where(length > size).limit(1)) is not None
