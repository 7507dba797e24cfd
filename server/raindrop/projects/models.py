"""Tables of the projects room; ``Project`` and ``Platform`` are in core/tenancy.py."""

import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from raindrop.core.db import UtcDateTime, db
from raindrop.core.tenancy import TenantRow


class Key(TenantRow, db.Model):  # type: ignore[name-defined, misc]
    """An API key. Its secret was shown once; ``secret_digest`` is its SHA-256."""

    __tablename__ = "keys"
    __table_args__ = (
        sa.UniqueConstraint("project_id", "public_id"),
        sa.UniqueConstraint("secret_digest"),
        {"sqlite_autoincrement": True},
    )

    name: Mapped[str] = mapped_column(sa.String(128))
    scopes: Mapped[list[str]] = mapped_column(sa.JSON)
    secret_digest: Mapped[str] = mapped_column(sa.String(64))
    is_dev: Mapped[bool] = mapped_column(default=False)
    expires_at: Mapped[datetime.datetime | None] = mapped_column(UtcDateTime)
    accessed_at: Mapped[datetime.datetime | None] = mapped_column(UtcDateTime)
    sdks: Mapped[list[str]] = mapped_column(sa.JSON, default=list)
