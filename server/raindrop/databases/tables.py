"""The real tables of a collection, as SQLAlchemy sees them: ``c_<id>`` with its rows, ``c_<id>_p``
with their permissions, ``c_<id>_j_<attribute>`` with the pairs of a relationship.

Names are made of internal numbers, so renaming needs no DDL and no word is reserved.
"""

import json
from functools import lru_cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import mysql
from sqlalchemy.engine import Dialect

from raindrop.core.db import BigId, UtcDateTime
from raindrop.core.formats import ID_MAX
from raindrop.core.secrets import get_vault, sealed_length
from raindrop.databases.schema import Attribute, Schema

SCHEMA_VERSION = 1
"""Of the form of the tables that this release makes; the worker brings older ones to it."""

ROLE_MAX = 128
SYSTEM_COLUMNS = {
    "$id": "_uid",
    "$sequence": "_id",
    "$createdAt": "_created",
    "$updatedAt": "_updated",
}
"""The columns of what every document has, by its name in the contract."""

ACTIONS = {"read": 0, "update": 1, "delete": 2}
"""What a row's permissions are about, and how the permission table has it."""

TEXT_FROM = 16_384
"""From this size on a string is kept beside its row: 4 bytes a character, 65,535 a row."""
LONG_FROM = 4_194_304
"""From this size on it can have more than the 16 MB of ``MEDIUMTEXT``."""

SPATIAL = ("point", "linestring", "polygon")
"""The types of coordinates, which only MySQL and MariaDB keep."""

FORMAT_SIZES = {"email": 254, "url": 2000, "ip": 39, "enum": 255}


class Geometry(sa.types.UserDefinedType[Any]):
    """A spatial column of MariaDB; its values pass as text (WKT) through functions."""

    cache_ok = True

    def __init__(self, kind: str) -> None:
        self.kind = kind

    def get_col_spec(self, **_: Any) -> str:
        """The type in DDL."""
        return self.kind

    def bind_expression(self, bindvalue: sa.BindParameter[Any]) -> sa.ColumnElement[Any]:
        """Written from WKT, longitude first."""
        return sa.func.ST_GeomFromText(bindvalue, 4326, type_=self)

    def column_expression(self, colexpr: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
        """Read as WKT."""
        return sa.func.ST_AsText(colexpr, type_=sa.Text)


class Sealed(sa.types.TypeDecorator[Any]):
    """A column that only the instance's key opens: a text, or an array as JSON. Everybody on this
    side of the database sees plain values."""

    impl = sa.Text
    cache_ok = True

    def __init__(self, size: int, is_array: bool) -> None:
        """
        Args:
            size: characters of the longest text; the column is wide enough for what becomes of it.
        """
        super().__init__()
        self.size, self.is_array = size, is_array

    def __repr__(self) -> str:
        return f"Sealed({self.size}, {self.is_array})"

    def load_dialect_impl(self, dialect: Dialect) -> sa.types.TypeEngine[Any]:
        """ASCII, of which a row has room for four times as much as of Unicode."""
        if dialect.name == "sqlite":
            return sa.Text()
        length = sealed_column_length(self.size, is_array=self.is_array)
        ascii_only = {"charset": "ascii", "collation": "ascii_bin"}
        return mysql.VARCHAR(length, **ascii_only) if length else mysql.LONGTEXT(**ascii_only)

    def process_bind_param(self, value: Any, dialect: Dialect) -> str | None:
        """Encrypted on the way to the table, each time to another text."""
        if value is None:
            return None
        return get_vault().encrypt(json.dumps(value) if self.is_array else value)

    def process_result_value(self, value: str | None, dialect: Dialect) -> Any:
        """Decrypted on the way from it.

        Raises:
            SecretUnreadable: the instance's key is not the one of the database.
        """
        if value is None:
            return None
        text = get_vault().decrypt(value)
        return json.loads(text) if self.is_array else text


def sealed_column_length(size: int, *, is_array: bool) -> int:
    """The characters of the column of encrypted texts; 0: they are kept beside their row."""
    length = sealed_length(4 * size)
    return 0 if is_array or length >= TEXT_FROM else length


def column_type(attribute: Attribute) -> sa.types.TypeEngine[Any]:
    """The SQL type of an attribute's column."""
    if attribute.is_encrypted:
        return Sealed(attribute.size, attribute.is_array)
    if attribute.is_array:
        return sa.JSON(none_as_null=True)
    kinds: dict[str, sa.types.TypeEngine[Any]] = {
        "integer": sa.BigInteger(),
        "double": sa.Double(),
        "boolean": sa.Boolean(),
        "datetime": UtcDateTime(),
        "point": Geometry("POINT"),
        "linestring": Geometry("LINESTRING"),
        "polygon": Geometry("POLYGON"),
    }
    return kinds.get(attribute.type) or _text_type(attribute.size)


def _text_type(size: int) -> sa.types.TypeEngine[Any]:
    if size >= LONG_FROM:
        return sa.Text().with_variant(mysql.LONGTEXT(), "mysql")
    if size >= TEXT_FROM:
        return sa.Text().with_variant(mysql.MEDIUMTEXT(), "mysql")
    return sa.String(size)


def rows_of(schema: Schema) -> sa.Table:
    """The table of a collection's rows, with the columns of the attributes that are available."""
    return schema.derive(_rows_of)


def _rows_of(schema: Schema) -> sa.Table:
    columns = tuple(
        (attribute.column, column_type(attribute))
        for attribute in schema.available.values()
        if has_column(attribute)
    )
    terms = tuple(
        index.name for index in schema.indexes if index.type == "fulltext" and index.is_written
    )
    return _rows_table(schema.id, _Columns(columns, terms))


def permissions_of(collection_id: int) -> sa.Table:
    """The table of the permissions of a collection's rows: who may do what with which row, in the
    order of the rows' times, so that the newest that a role may read are one index read."""
    return _permissions_table(collection_id)


def pairs_of(collection_id: int, attribute_id: int) -> sa.Table:
    """The table of the pairs of a relationship.

    Args:
        collection_id, attribute_id: of its parent side.
    """
    return _pairs_table(collection_id, attribute_id)


def has_column(attribute: Attribute) -> bool:
    """Whether the attribute is a column of its collection's own table; relationships are kept in
    tables of pairs."""
    return attribute.relation is None


def has_many(kind: str, side: str) -> bool:
    """Whether a document on one side of a relationship may have many of the other.

    Args:
        kind: ``oneToOne`` and so on.
        side: ``parent`` or ``child``.
    """
    return kind in ("manyToMany", "oneToMany" if side == "parent" else "manyToOne")


class _Columns:
    """The columns of a table beside the system's; equal if their names and types' forms are."""

    def __init__(
        self, columns: tuple[tuple[str, sa.types.TypeEngine[Any]], ...], terms: tuple[str, ...]
    ) -> None:
        self.columns, self.terms = columns, terms
        self._key = (tuple((name, repr(kind)) for name, kind in columns), terms)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Columns) and self._key == other._key

    def __hash__(self) -> int:
        return hash(self._key)


# Kept: SQLAlchemy finds a statement that it compiled before by the table's identity.
@lru_cache(maxsize=2000)
def _rows_table(collection_id: int, columns: _Columns) -> sa.Table:
    return sa.Table(
        f"c_{collection_id}",
        sa.MetaData(),
        sa.Column("_id", BigId, primary_key=True),
        sa.Column("_uid", sa.String(ID_MAX), nullable=False),
        sa.Column("_created", UtcDateTime, nullable=False),
        sa.Column("_updated", UtcDateTime, nullable=False),
        sa.Column("_permissions", sa.JSON, nullable=False),
        *(sa.Column(name, kind) for name, kind in columns.columns),
        *(sa.Column(name, terms_type()) for name in columns.terms),
        sa.Index(f"c_{collection_id}_uid", "_uid", unique=True),
        sa.Index(f"c_{collection_id}_created", "_created", "_id"),
        sa.Index(f"c_{collection_id}_updated", "_updated", "_id"),
        sqlite_autoincrement=True,
    )


@lru_cache(maxsize=2000)
def _permissions_table(collection_id: int) -> sa.Table:
    return sa.Table(
        f"c_{collection_id}_p",
        sa.MetaData(),
        sa.Column("action", sa.SmallInteger, primary_key=True, autoincrement=False),
        sa.Column("role", sa.String(ROLE_MAX), primary_key=True),
        sa.Column("created", UtcDateTime, primary_key=True),
        sa.Column("row_id", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Index(f"c_{collection_id}_p_row", "row_id"),
        sqlite_with_rowid=False,
    )


@lru_cache(maxsize=2000)
def _pairs_table(collection_id: int, attribute_id: int) -> sa.Table:
    name = f"c_{collection_id}_j_{attribute_id}"
    return sa.Table(
        name,
        sa.MetaData(),
        sa.Column("parent_id", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("child_id", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Index(f"{name}_child", "child_id", "parent_id"),
        sqlite_with_rowid=False,
    )


def terms_type() -> sa.types.TypeEngine[Any]:
    """The type of a column of a fulltext index's terms."""
    return sa.Text().with_variant(mysql.MEDIUMTEXT(), "mysql")


def table_options(dialect: Dialect) -> str:
    """What ends ``CREATE TABLE``: InnoDB and the collation of the rest of the database, see
    migrations/tables.py."""
    if dialect.name == "sqlite":
        return ""
    collation = "utf8mb4_nopad_bin" if getattr(dialect, "is_mariadb", False) else "utf8mb4_0900_bin"
    return f"ENGINE=InnoDB ROW_FORMAT=DYNAMIC CHARSET=utf8mb4 COLLATE={collation}"
