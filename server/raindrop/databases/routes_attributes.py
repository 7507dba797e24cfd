"""``/v1/databases`` and ``/v1/tablesdb``: attributes of every kind but relationships."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from flask import Response

from raindrop.core.access import allow
from raindrop.core.credentials import current_actor
from raindrop.core.v1 import ListArguments, V1Model, empty, parse_query
from raindrop.databases import attribute_changes, attributes, relationships
from raindrop.databases import schemas_attributes as bodies
from raindrop.databases.schema import Attribute
from raindrop.databases.vocabulary import BothWords, current_words

READ, WRITE = ("tables.read", "collections.read"), ("tables.write", "collections.write")
ATTRIBUTES = "/<database_id>/{collections}/<collection_id>/{attributes}"

both = BothWords("attributes")


@dataclass(frozen=True)
class Kind:
    """A kind of attribute: its word in addresses, how it is recorded, what its operations take."""

    word: str
    recorded_as: str
    format: str
    new: type[V1Model]
    change: type[V1Model]

    def draft(self, body: Any) -> attributes.Draft:
        """What a body asks for."""
        return attributes.Draft(
            key=body.key,
            type=self.recorded_as,
            format=self.format,
            size=getattr(body, "size", 0),
            is_required=body.required,
            is_array=getattr(body, "array", False),
            default=body.default,
            min=getattr(body, "min", None),
            max=getattr(body, "max", None),
            elements=tuple(getattr(body, "elements", ())),
            is_encrypted=getattr(body, "encrypt", False),
        )

    def changed(self, key: str, body: Any) -> attributes.Draft:
        """What a body makes of the attribute with a key."""
        return attributes.Draft(
            key=body.newKey or key,
            type=self.recorded_as,
            format=self.format,
            size=getattr(body, "size", None) or 0,
            is_required=body.required,
            default=body.default,
            min=getattr(body, "min", None),
            max=getattr(body, "max", None),
            elements=tuple(getattr(body, "elements", ())),
        )


KINDS = (
    Kind("string", "string", "", bodies.NewString, bodies.StringChange),
    Kind("email", "string", "email", bodies.NewText, bodies.TextChange),
    Kind("url", "string", "url", bodies.NewText, bodies.TextChange),
    Kind("ip", "string", "ip", bodies.NewText, bodies.TextChange),
    Kind("enum", "string", "enum", bodies.NewEnum, bodies.EnumChange),
    Kind("integer", "integer", "", bodies.NewInteger, bodies.IntegerChange),
    Kind("float", "double", "", bodies.NewFloat, bodies.FloatChange),
    Kind("boolean", "boolean", "", bodies.NewBoolean, bodies.BooleanChange),
    Kind("datetime", "datetime", "", bodies.NewText, bodies.TextChange),
    Kind("point", "point", "", bodies.NewGeometry, bodies.GeometryChange),
    Kind("line", "linestring", "", bodies.NewGeometry, bodies.GeometryChange),
    Kind("polygon", "polygon", "", bodies.NewGeometry, bodies.GeometryChange),
)


def _creating(kind: Kind) -> Callable[..., Any]:
    @allow(*WRITE)
    def create_attribute(database_id: str, collection_id: str) -> tuple[dict[str, Any], int]:
        """Make an attribute."""
        body: Any = current_words().parse_body(kind.new)
        made = attributes.create_attribute(
            current_actor(), database_id, collection_id, kind.draft(body)
        )
        return show(made), 202

    return create_attribute


def _updating(kind: Kind) -> Callable[..., Any]:
    @allow(*WRITE)
    def update_attribute(database_id: str, collection_id: str, key: str) -> dict[str, Any]:
        """Change an attribute."""
        body: Any = current_words().parse_body(kind.change)
        changed = attribute_changes.update_attribute(
            current_actor(), database_id, collection_id, key, kind.changed(key, body)
        )
        return show(changed)

    return update_attribute


for _kind in KINDS:
    at = f"{ATTRIBUTES}/{_kind.word}"
    both.route("POST", at, name=f"create_{_kind.word}")(_creating(_kind))
    both.route("PATCH", f"{at}/<key>", name=f"update_{_kind.word}")(_updating(_kind))


@both.route("GET", ATTRIBUTES)
@allow(*READ)
def list_attributes(database_id: str, collection_id: str) -> dict[str, Any]:
    """The attributes of a collection."""
    given = parse_query(ListArguments)
    found, total = attributes.list_attributes(
        current_actor(), database_id, collection_id, given.queries, is_counted=given.total
    )
    return {"total": total, current_words().attributes: [show(each) for each in found]}


@both.route("GET", f"{ATTRIBUTES}/<key>")
@allow(*READ)
def get_attribute(database_id: str, collection_id: str, key: str) -> dict[str, Any]:
    """One attribute."""
    tenant = current_actor().tenant
    return show(attributes.get_attribute(tenant, database_id, collection_id, key))


@both.route("DELETE", f"{ATTRIBUTES}/<key>")
@allow(*WRITE)
def delete_attribute(database_id: str, collection_id: str, key: str) -> Response:
    """Delete an attribute with its values."""
    relationships.delete_attribute(current_actor(), database_id, collection_id, key)
    return empty()


def show(attribute: Attribute) -> dict[str, Any]:
    """An attribute in the words of the request."""
    return current_words().outward(attributes.dump_attribute(attribute))
