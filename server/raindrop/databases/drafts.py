"""What a caller's data makes of a document: a new row, or the changes of one."""

import datetime
from collections.abc import Mapping, Sequence
from typing import Any

from raindrop.core.access import Actor
from raindrop.core.db import utc_now
from raindrop.core.errors import ServiceUnavailable
from raindrop.databases import operators
from raindrop.databases.errors import DocumentInvalidStructure
from raindrop.databases.rows import Row
from raindrop.databases.rules import own_permissions
from raindrop.databases.schema import Schema
from raindrop.databases.values import check_data, parse_time

_TIMES = {"$createdAt": "_created", "$updatedAt": "_updated"}


def new_row(
    actor: Actor,
    schema: Schema,
    public_id: str,
    data: Mapping[str, Any],
    permissions: Sequence[str] | None,
    *,
    is_upsert: bool = False,
) -> dict[str, Any]:
    """The row of a new document, ready for the table.

    Args:
        is_upsert: texts may be operators; they work on the attributes' defaults.

    Raises:
        BadRequest, Unauthorized: of the permissions.
        DocumentInvalidStructure
        ServiceUnavailable: the collection's table is still being made.
    """
    if not schema.has_table:
        raise ServiceUnavailable("The collection is still being made; try again in a moment.")
    if is_upsert:
        data, found = operators.split(schema, data)
        data = {**data, **operators.results(schema, {}, found)}
    now = utc_now()
    return {
        "_uid": public_id,
        "_created": now,
        "_updated": now,
        "_permissions": own_permissions(actor, permissions, is_new=True),
        **check_data(schema, data, is_partial=False),
        **_given_times(actor, data),
    }


def changes_of(
    actor: Actor,
    schema: Schema,
    row: Row,
    data: Mapping[str, Any],
    permissions: Sequence[str] | None,
) -> dict[str, Any]:
    """The new values of a locked row, by column.

    Raises:
        BadRequest, Unauthorized: of the permissions.
        DocumentInvalidStructure
    """
    data, found = operators.split(schema, data)
    if found:
        data = {**data, **operators.results(schema, row, found)}
    values = {"_updated": utc_now(), **check_data(schema, data, is_partial=True)}
    given = own_permissions(actor, permissions, is_new=False)
    if given is not None:
        values["_permissions"] = given
    return values | _given_times(actor, data)


def _given_times(actor: Actor, data: Mapping[str, Any]) -> dict[str, datetime.datetime]:
    """The times that keys and administrators may set; from others they are passed over, since
    clients send back what they were shown."""
    if not actor.is_privileged:
        return {}
    times = {}
    for name, column in _TIMES.items():
        if data.get(name) is not None:
            time = parse_time(data[name])
            if time is None:
                raise DocumentInvalidStructure(f"{name}: must be a time in ISO 8601")
            times[column] = time.replace(microsecond=time.microsecond // 1000 * 1000)
    return times
