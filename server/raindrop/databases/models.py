"""What is known of databases, collections, attributes and indexes; the rows have tables of their
own (tables.py)."""

import datetime
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, synonym

from raindrop.core.db import BigId, UtcDateTime, db, utc_now
from raindrop.core.formats import ID_MAX
from raindrop.core.tenancy import Project, TenantRow

NAME_MAX = 128
KEY_MAX = 36


class Status(StrEnum):
    """Where an attribute or an index stands; ``stuck``: it could not be deleted."""

    PROCESSING = "processing"
    AVAILABLE = "available"
    FAILED = "failed"
    DELETING = "deleting"
    STUCK = "stuck"


class Database(TenantRow, db.Model):  # type: ignore[name-defined, misc]
    """A database of a project. ``kind`` says in whose words it was made: ``legacy`` or
    ``tablesdb``. Once it is deleted its public id begins with ``~`` and nobody finds it."""

    __tablename__ = "databases"
    __table_args__ = (
        sa.UniqueConstraint("project_id", "public_id"),
        {"sqlite_autoincrement": True},
    )

    name: Mapped[str] = mapped_column(sa.String(NAME_MAX))
    kind: Mapped[str] = mapped_column(sa.String(16))
    is_enabled: Mapped[bool] = mapped_column(default=True)
    deleted_at: Mapped[datetime.datetime | None] = mapped_column(UtcDateTime)


class Collection(db.Model):  # type: ignore[name-defined, misc]
    """A collection; its rows are in the table ``c_<id>``.

    Attributes:
        permissions: strings as core/access.py has them.
        schema_version: of the table's form (``tables.SCHEMA_VERSION``); 0 while there is none.
        deleted_at: its public id begins with ``~`` and nobody finds it; a job drops the tables.
    """

    __tablename__ = "collections"
    __table_args__ = (
        sa.UniqueConstraint("database_id", "public_id"),
        sa.Index("ix_collections_project_id", "project_id"),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    project_id: Mapped[int] = mapped_column(sa.ForeignKey(Project.id))
    database_id: Mapped[int] = mapped_column(sa.ForeignKey(Database.id))
    public_id: Mapped[str] = mapped_column(sa.String(ID_MAX))
    name: Mapped[str] = mapped_column(sa.String(NAME_MAX))
    is_enabled: Mapped[bool] = mapped_column(default=True)
    has_document_security: Mapped[bool] = mapped_column(default=False)
    permissions: Mapped[list[str]] = mapped_column(sa.JSON, default=list)
    schema_version: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[datetime.datetime] = mapped_column(UtcDateTime, default=utc_now)
    updated_at: Mapped[datetime.datetime] = mapped_column(
        UtcDateTime, default=utc_now, onupdate=utc_now
    )
    deleted_at: Mapped[datetime.datetime | None] = mapped_column(UtcDateTime)


class AttributeRow(db.Model):  # type: ignore[name-defined, misc]
    """An attribute of a collection, in the column ``a_<id>`` of its table.

    Attributes:
        type: the contract's: ``string``, ``integer``, ``double``, ``boolean``, ``datetime``,
            ``relationship``, ``point``, ``linestring``, ``polygon``.
        format: ``email``, ``url``, ``ip``, ``enum`` of a string; empty for none.
        details: ``default``, ``min``, ``max``, ``elements`` and a relationship's options, by type.
    """

    __tablename__ = "attributes"
    __table_args__ = (
        sa.UniqueConstraint("collection_id", "key"),
        sa.Index("ix_attributes_project_id", "project_id"),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    project_id: Mapped[int] = mapped_column(sa.ForeignKey(Project.id))
    collection_id: Mapped[int] = mapped_column(sa.ForeignKey(Collection.id))
    key: Mapped[str] = mapped_column(sa.String(KEY_MAX))
    type: Mapped[str] = mapped_column(sa.String(16))
    format: Mapped[str] = mapped_column(sa.String(16), default="")
    size: Mapped[int] = mapped_column(sa.BigInteger, default=0)
    is_required: Mapped[bool] = mapped_column(default=False)
    is_array: Mapped[bool] = mapped_column(default=False)
    details: Mapped[dict[str, Any]] = mapped_column(sa.JSON, default=dict)
    status: Mapped[str] = mapped_column(sa.String(16), default=Status.PROCESSING)
    error: Mapped[str] = mapped_column(sa.String(500), default="")
    created_at: Mapped[datetime.datetime] = mapped_column(UtcDateTime, default=utc_now)
    updated_at: Mapped[datetime.datetime] = mapped_column(
        UtcDateTime, default=utc_now, onupdate=utc_now
    )
    public_id = synonym("key")


class IndexRow(db.Model):  # type: ignore[name-defined, misc]
    """An index of a collection, in its table under the name ``i_<id>``.

    Attributes:
        type: ``key``, ``unique``, ``fulltext`` or ``spatial``.
        members: what it orders by: ``{"attribute": <attribute's number> or a system name such as
            "$createdAt", "order": "ASC" | "DESC", "length": 0 for all}`` each.
        is_written: a fulltext index's terms are kept up by whoever writes; true from before the
            rows that are there already are gone through.
    """

    __tablename__ = "indexes"
    __table_args__ = (
        sa.UniqueConstraint("collection_id", "key"),
        sa.Index("ix_indexes_project_id", "project_id"),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    project_id: Mapped[int] = mapped_column(sa.ForeignKey(Project.id))
    collection_id: Mapped[int] = mapped_column(sa.ForeignKey(Collection.id))
    key: Mapped[str] = mapped_column(sa.String(KEY_MAX))
    type: Mapped[str] = mapped_column(sa.String(16))
    members: Mapped[list[dict[str, Any]]] = mapped_column(sa.JSON, default=list)
    is_written: Mapped[bool] = mapped_column(default=False)
    status: Mapped[str] = mapped_column(sa.String(16), default=Status.PROCESSING)
    error: Mapped[str] = mapped_column(sa.String(500), default="")
    created_at: Mapped[datetime.datetime] = mapped_column(UtcDateTime, default=utc_now)
    updated_at: Mapped[datetime.datetime] = mapped_column(
        UtcDateTime, default=utc_now, onupdate=utc_now
    )
    public_id = synonym("key")


class Transaction(TenantRow, db.Model):  # type: ignore[name-defined, misc]
    """Operations that are staged until they are committed together.

    Attributes:
        owner: whose it is: ``user:ID`` or empty for keys and administrators.
        status: ``pending``, ``committing``, ``committed``, ``rolledBack``, ``failed``.
    """

    __tablename__ = "transactions"
    __table_args__ = (
        sa.UniqueConstraint("project_id", "public_id"),
        sa.Index("ix_transactions_expires_at", "expires_at"),
        {"sqlite_autoincrement": True},
    )

    owner: Mapped[str] = mapped_column(sa.String(64), default="")
    status: Mapped[str] = mapped_column(sa.String(16), default="pending")
    operations: Mapped[int] = mapped_column(default=0)
    expires_at: Mapped[datetime.datetime] = mapped_column(UtcDateTime)


class Operation(db.Model):  # type: ignore[name-defined, misc]
    """One staged operation; ``payload`` is what the service that does it is given. ``seen_at`` is
    the document's ``$updatedAt`` when it was staged: another at the commit is a conflict."""

    __tablename__ = "transaction_operations"
    __table_args__ = (
        sa.UniqueConstraint("transaction_id", "position"),
        sa.Index("ix_transaction_operations_project_id", "project_id"),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    project_id: Mapped[int] = mapped_column(sa.ForeignKey(Project.id))
    transaction_id: Mapped[int] = mapped_column(sa.ForeignKey(Transaction.id, ondelete="CASCADE"))
    position: Mapped[int]
    action: Mapped[str] = mapped_column(sa.String(16))
    database_id: Mapped[str] = mapped_column(sa.String(ID_MAX))
    collection_id: Mapped[str] = mapped_column(sa.String(ID_MAX))
    document_id: Mapped[str] = mapped_column(sa.String(ID_MAX), default="")
    payload: Mapped[dict[str, Any]] = mapped_column(sa.JSON)
    seen_at: Mapped[datetime.datetime | None] = mapped_column(UtcDateTime)
    created_at: Mapped[datetime.datetime] = mapped_column(UtcDateTime, default=utc_now)
