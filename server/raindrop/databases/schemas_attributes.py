"""What the operations of attributes and indexes take, in the words of ``databases``."""

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from raindrop.core.v1 import Text, V1Model
from raindrop.databases.schemas import Key
from raindrop.databases.values import INTEGER_MAX, INTEGER_MIN

STRING_MAX = 1_073_741_824
"""Characters of the longest string."""
ELEMENTS_MAX, ELEMENT_MAX = 100, 255
MEMBERS_MAX = 16
"""Attributes of one index, InnoDB's limit."""


def _whole(value: Any) -> Any:
    """Some clients send whole numbers with a point."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


Whole = Annotated[int, BeforeValidator(_whole), Field(ge=INTEGER_MIN, le=INTEGER_MAX)]
Number = Annotated[float, Field(allow_inf_nan=False)]
Size = Annotated[Whole, Field(ge=1, le=STRING_MAX)]
Element = Annotated[Text, Field(min_length=1, max_length=ELEMENT_MAX)]
Elements = Annotated[list[Element], Field(min_length=1, max_length=ELEMENTS_MAX)]


class NewAttribute(V1Model):
    """An attribute; what only some kinds have is checked by the kind's own class."""

    key: Key
    required: bool
    array: bool = False
    default: Any = None


class NewString(NewAttribute):
    """An attribute of text; the size is in characters."""

    size: Size
    default: Text | None = None
    encrypt: bool = False


class NewText(NewAttribute):
    """An attribute of text of a fixed form."""

    default: Text | None = None


class NewEnum(NewText):
    """An attribute that has one of some texts."""

    elements: Elements


class NewInteger(NewAttribute):
    """An attribute of whole numbers."""

    min: Whole | None = None
    max: Whole | None = None
    default: Whole | None = None


class NewFloat(NewAttribute):
    """An attribute of numbers."""

    min: Number | None = None
    max: Number | None = None
    default: Number | None = None


class NewBoolean(NewAttribute):
    """An attribute that is true or false."""

    default: bool | None = None


class NewGeometry(V1Model):
    """An attribute of coordinates."""

    key: Key
    required: bool
    default: list[Any] | None = None


class AttributeChange(V1Model):
    """What changes of an attribute; the key only if it is given."""

    required: bool
    default: Any = None
    newKey: Key | None = None  # noqa: N815  # the contract's name


class StringChange(AttributeChange):
    """The same of text."""

    default: Text | None = None
    size: Size | None = None


class TextChange(AttributeChange):
    """The same of text of a fixed form."""

    default: Text | None = None


class EnumChange(TextChange):
    """The same of an enumeration."""

    elements: Elements


class IntegerChange(AttributeChange):
    """The same of whole numbers."""

    min: Whole | None = None
    max: Whole | None = None
    default: Whole | None = None


class FloatChange(AttributeChange):
    """The same of numbers."""

    min: Number | None = None
    max: Number | None = None
    default: Number | None = None


class BooleanChange(AttributeChange):
    """The same of true or false."""

    default: bool | None = None


class GeometryChange(V1Model):
    """The same of coordinates."""

    required: bool
    default: list[Any] | None = None
    newKey: Key | None = None  # noqa: N815


class NewIndex(V1Model):
    """An index."""

    key: Key
    type: Literal["key", "unique", "fulltext", "spatial"]
    attributes: Annotated[list[Text], Field(min_length=1, max_length=MEMBERS_MAX)]
    orders: Annotated[list[Text], Field(max_length=MEMBERS_MAX)] = Field(default_factory=list)
    lengths: Annotated[list[Whole | None], Field(max_length=MEMBERS_MAX)] = Field(
        default_factory=list
    )


OnDelete = Literal["cascade", "restrict", "setNull"]


class NewRelationship(V1Model):
    """A relationship of a collection to another."""

    relatedCollectionId: Text  # noqa: N815  # the contract's name
    type: Literal["oneToOne", "manyToOne", "manyToMany", "oneToMany"]
    twoWay: bool = False  # noqa: N815
    key: Key | None = None
    twoWayKey: Key | None = None  # noqa: N815
    onDelete: OnDelete = "restrict"  # noqa: N815


class RelationshipChange(V1Model):
    """What changes of a relationship; what is not given stays."""

    onDelete: OnDelete | None = None  # noqa: N815
    newKey: Key | None = None  # noqa: N815
