"""The table of the audits room."""

import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from raindrop.core.db import BigId, UtcDateTime, db


class Audit(db.Model):  # type: ignore[name-defined, misc]
    """One line of the audit trail, of one event.

    Attributes:
        event: with ids, such as ``users.ID.create``.
        resource: such as ``user/ID``.
        user_id: the contract's id of whoever did it (of a key, the key's); empty for nobody.
        client: the contract's ``os…``, ``client…`` and ``device…`` fields.
    """

    __tablename__ = "audits"
    __table_args__ = (
        sa.UniqueConstraint("event_id"),
        sa.Index("ix_audits_project_id_id", "project_id", "id"),
        sa.Index("ix_audits_project_id_user_id_id", "project_id", "user_id", "id"),
        sa.Index("ix_audits_project_id_resource_id", "project_id", "resource", "id"),
        sa.Index("ix_audits_at", "at"),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    event_id: Mapped[int] = mapped_column(BigId)
    project_id: Mapped[int] = mapped_column(BigId)
    event: Mapped[str] = mapped_column(sa.String(400))
    resource: Mapped[str] = mapped_column(sa.String(255))
    user_id: Mapped[str] = mapped_column(sa.String(36))
    user_name: Mapped[str] = mapped_column(sa.String(128))
    user_email: Mapped[str] = mapped_column(sa.String(320))
    mode: Mapped[str] = mapped_column(sa.String(16))
    ip: Mapped[str] = mapped_column(sa.String(45))
    client: Mapped[dict[str, Any]] = mapped_column(sa.JSON)
    country_code: Mapped[str] = mapped_column(sa.String(2))
    at: Mapped[datetime.datetime] = mapped_column(UtcDateTime)
