"""Tables of the mails room."""

import datetime
from enum import StrEnum

import sqlalchemy as sa
from sqlalchemy.dialects import mysql
from sqlalchemy.orm import Mapped, mapped_column

from raindrop.core.db import BigId, UtcDateTime, db
from raindrop.core.tenancy import Project, TenantRow


class MailStatus(StrEnum):
    """Where a mail stands; ``kept``: there is no mail server, the console shows it."""

    QUEUED = "queued"
    SENT = "sent"
    FAILED = "failed"
    KEPT = "kept"


class Mail(TenantRow, db.Model):  # type: ignore[name-defined, misc]
    """A mail.

    Attributes:
        kind: the template's name, such as ``recovery``.
        content: encrypted JSON of subject, html and text, which hold one-time secrets; empty once
            a server has taken the mail.
        answer: the mail server's words at the last attempt.
        next_attempt_at: None once it has ended.
    """

    __tablename__ = "mails"
    __table_args__ = (
        sa.UniqueConstraint("project_id", "public_id"),
        sa.Index("ix_mails_status_next_attempt_at", "status", "next_attempt_at"),
        sa.Index("ix_mails_created_at", "created_at"),
        {"sqlite_autoincrement": True},
    )

    kind: Mapped[str] = mapped_column(sa.String(32))
    locale: Mapped[str] = mapped_column(sa.String(16))
    recipient: Mapped[str] = mapped_column(sa.String(320))
    sender: Mapped[str] = mapped_column(sa.String(500), default="")
    reply_to: Mapped[str] = mapped_column(sa.String(320), default="")
    subject: Mapped[str] = mapped_column(sa.String(255))
    content: Mapped[str] = mapped_column(sa.Text().with_variant(mysql.MEDIUMTEXT(), "mysql"))
    status: Mapped[str] = mapped_column(sa.String(8))
    attempts: Mapped[int] = mapped_column(default=0)
    answer: Mapped[str] = mapped_column(sa.String(1000), default="")
    next_attempt_at: Mapped[datetime.datetime | None] = mapped_column(UtcDateTime)
    sent_at: Mapped[datetime.datetime | None] = mapped_column(UtcDateTime)


class EmailTemplate(db.Model):  # type: ignore[name-defined, misc]
    """A project's own wording of a kind of mail, in one language."""

    __tablename__ = "email_templates"
    __table_args__ = (
        sa.UniqueConstraint("project_id", "type", "locale"),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    project_id: Mapped[int] = mapped_column(sa.ForeignKey(Project.id))
    type: Mapped[str] = mapped_column(sa.String(32))
    locale: Mapped[str] = mapped_column(sa.String(16))
    subject: Mapped[str] = mapped_column(sa.String(255))
    message: Mapped[str] = mapped_column(sa.Text)
    sender_name: Mapped[str] = mapped_column(sa.String(255), default="")
    sender_email: Mapped[str] = mapped_column(sa.String(320), default="")
    reply_to: Mapped[str] = mapped_column(sa.String(320), default="")
