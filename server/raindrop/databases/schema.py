"""A collection as requests see it: the facts of database, collection, attributes and indexes."""

import dataclasses
from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Any, TypeVar

from raindrop.core.tenancy import project_tag
from raindrop.databases.models import Status

T = TypeVar("T")


@dataclasses.dataclass(frozen=True)
class Relation:
    """The options of a relationship.

    Attributes:
        type: ``oneToOne``, ``oneToMany``, ``manyToOne``, ``manyToMany``, seen from the collection
            in which the relationship was made (its ``parent`` side).
        side: which side this attribute is: ``parent`` or ``child``.
        collection_id: the number of the collection on the other side.
        collection: its public id.
        two_way_key: the key of the attribute on the other side, which is there if ``is_two_way``.
        anchor_id: the number of the parent side's attribute: what is stored is named by it.
    """

    type: str
    side: str
    collection_id: int
    collection: str
    is_two_way: bool
    two_way_key: str
    on_delete: str
    anchor_id: int


@dataclasses.dataclass(frozen=True)
class Attribute:
    """An attribute of a collection; the names are those of ``models.AttributeRow``.

    Attributes:
        grown_from: the size that documents have until the column is made wider.
        is_encrypted: its values are unreadable where they are stored; no query looks at them.
    """

    id: int
    key: str
    type: str
    format: str
    size: int
    is_required: bool
    is_array: bool
    status: str
    error: str
    created_at: str
    updated_at: str
    default: Any = None
    min: float | int | None = None
    max: float | int | None = None
    elements: tuple[str, ...] = ()
    relation: Relation | None = None
    grown_from: int | None = None
    is_encrypted: bool = False

    @property
    def column(self) -> str:
        """The name of its column."""
        return f"a_{self.id}"

    @property
    def is_available(self) -> bool:
        """Whether documents may have it; also while its column is made wider."""
        return self.status == Status.AVAILABLE or self.grown_from is not None

    @property
    def length_max(self) -> int:
        """The characters that a text may have just now."""
        return self.size if self.grown_from is None else self.grown_from


@dataclasses.dataclass(frozen=True)
class IndexMember:
    """What an index orders by: an attribute's key or a system name; ``length`` 0 for all of it."""

    key: str
    order: str
    length: int


@dataclasses.dataclass(frozen=True)
class Index:
    """An index of a collection."""

    id: int
    key: str
    type: str
    members: tuple[IndexMember, ...]
    is_written: bool
    status: str
    error: str
    created_at: str
    updated_at: str

    @property
    def name(self) -> str:
        """Its name in the table; of a fulltext index also that of the column of its terms."""
        return f"i_{self.id}"


@dataclasses.dataclass(frozen=True)
class Schema:
    """A collection with all that its documents depend on."""

    id: int
    project_id: int
    project: str
    database: str
    database_name: str
    is_database_enabled: bool
    public_id: str
    name: str
    is_enabled: bool
    has_document_security: bool
    permissions: tuple[str, ...]
    schema_version: int
    created_at: str
    updated_at: str
    attributes: tuple[Attribute, ...]
    indexes: tuple[Index, ...]
    incoming: tuple[Attribute, ...] = ()
    """The child sides of one-way relationships that lead here: its documents do not show them."""

    @cached_property
    def available(self) -> Mapping[str, Attribute]:
        """The attributes that documents have, by key."""
        return {each.key: each for each in self.attributes if each.is_available}

    @cached_property
    def plain(self) -> Mapping[str, Attribute]:
        """Those that are no relationship: each is a column of the collection's own table."""
        return {key: each for key, each in self.available.items() if each.relation is None}

    @cached_property
    def relations(self) -> Mapping[str, Attribute]:
        """Those that are relationships."""
        return {key: each for key, each in self.available.items() if each.relation is not None}

    @cached_property
    def encrypted(self) -> frozenset[str]:
        """The keys of those whose values are stored encrypted."""
        return frozenset(key for key, each in self.plain.items() if each.is_encrypted)

    @cached_property
    def _derived(self) -> dict[Any, Any]:
        return {}

    def derive(self, make: "Callable[[Schema], T]") -> T:
        """What a function makes of this object, made once and kept with it."""
        if make not in self._derived:
            self._derived[make] = make(self)
        return self._derived[make]  # type: ignore[no-any-return]

    @property
    def has_table(self) -> bool:
        """Whether the worker has made its table yet; before, there can be no document."""
        return self.schema_version > 0

    @cached_property
    def tag(self) -> str:
        """The cache tag of what this object says."""
        return collection_tag(self.project, self.database, self.public_id)

    @cached_property
    def rows_tag(self) -> str:
        """The cache tag of its documents."""
        return rows_tag(self.id)

    @cached_property
    def project_tag(self) -> str:
        """The cache tag of its project."""
        return project_tag(self.project)

    @cached_property
    def database_tag(self) -> str:
        """The cache tag of its database."""
        return database_tag(self.project, self.database)

    def to_json(self) -> dict[str, Any]:
        """For the cache."""
        return dataclasses.asdict(self)

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> "Schema":
        """From the cache."""
        values = dict(stored)
        values["permissions"] = tuple(values["permissions"])
        values["attributes"] = tuple(_attribute(each) for each in values["attributes"])
        values["incoming"] = tuple(_attribute(each) for each in values["incoming"])
        values["indexes"] = tuple(
            Index(**each | {"members": tuple(IndexMember(**m) for m in each["members"])})
            for each in values["indexes"]
        )
        return cls(**values)


def _attribute(stored: Mapping[str, Any]) -> Attribute:
    relation = stored["relation"]
    return Attribute(
        **{
            **stored,
            "elements": tuple(stored["elements"]),
            "relation": Relation(**relation) if relation else None,
        }
    )


def collection_tag(project: str, database: str, collection: str) -> str:
    """The cache tag of a collection's facts, by the public ids."""
    return f"collection:{project}/{database}/{collection}"


def rows_tag(collection_id: int) -> str:
    """The cache tag of a collection's documents."""
    return f"rows:{collection_id}"


def database_tag(project: str, database: str) -> str:
    """The cache tag of a database's row."""
    return f"database:{project}/{database}"
