"""What the operations take, in the words of ``databases``."""

import json
from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from raindrop.core.v1 import NewId, Text, V1Model
from raindrop.databases.models import NAME_MAX

Key = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,35}\z")]
"""The key of an attribute or an index."""

DatabaseName = Annotated[Text, Field(min_length=1, max_length=NAME_MAX)]


def _read_object(value: Any) -> Any:
    if isinstance(value, str):  # some clients send it as a text
        try:
            return json.loads(value)
        except (ValueError, RecursionError):
            raise ValueError("must be a JSON object") from None
    return value


Data = Annotated[dict[str, Any], BeforeValidator(_read_object)]
"""A document's values by key."""

Permissions = Annotated[list[Text], Field(max_length=100)]


class NewDatabase(V1Model):
    """A database."""

    databaseId: NewId  # noqa: N815  # the contract's name
    name: DatabaseName
    enabled: bool = True


class DatabaseChange(V1Model):
    """A database's new name and state."""

    name: DatabaseName
    enabled: bool = True


class NewCollection(V1Model):
    """A collection."""

    collectionId: NewId  # noqa: N815
    name: DatabaseName
    permissions: Permissions = Field(default_factory=list)
    documentSecurity: bool = False  # noqa: N815
    enabled: bool = True


class CollectionChange(V1Model):
    """What changes of a collection; what is not given stays."""

    name: DatabaseName
    permissions: Permissions | None = None
    documentSecurity: bool | None = None  # noqa: N815
    enabled: bool | None = None
