"""Shapes of the console's API of mails."""

import datetime
from typing import Any, Literal

from pydantic import BaseModel, Field

from raindrop.core.http import RequestModel, UrlInt
from raindrop.mails.models import Mail
from raindrop.mails.service import Content

PAGE_MAX = 100

Status = Literal["queued", "sent", "failed", "kept"]


class ProjectPath(RequestModel):
    """The project in the address."""

    project_id: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,35}$")


class MailPath(ProjectPath):
    """The mail in the address."""

    mail_id: str = Field(pattern=r"^[A-Za-z0-9]{1,36}$", description="The mail's id")


class MailsQuery(RequestModel):
    """Which mails of a project."""

    status: Status | Literal[""] = Field("", description="Only these; empty for all")
    before: str = Field(
        "",
        pattern=r"^[A-Za-z0-9]{0,36}$",
        description="Only those older than the mail with this id",
    )
    limit: UrlInt = Field(25, ge=1, le=PAGE_MAX)


class MailSummary(BaseModel):
    """A mail without what it says; ``subject`` has stars in place of secrets, ``answer`` the mail
    server's words at the last attempt. Times are ISO 8601, UTC."""

    id: str
    kind: str
    locale: str
    recipient: str
    sender: str
    reply_to: str
    subject: str
    status: Status
    attempts: int
    answer: str
    created_at: str
    next_attempt_at: str | None
    sent_at: str | None


class MailAnswer(MailSummary):
    """A mail; ``text`` and ``html`` are null once it was sent, and for who may only look."""

    text: str | None
    html: str | None


class MailsAnswer(BaseModel):
    """A page of mails, newest first; ``next`` is the ``before`` of the next page."""

    mails: list[MailSummary]
    next: str | None


def dump_mails(mails: list[Mail], limit: int) -> dict[str, Any]:
    """A page of mails as its answer."""
    return {
        "mails": [dump_mail(mail) for mail in mails],
        "next": mails[-1].public_id if len(mails) == limit else None,
    }


def dump_mail(mail: Mail) -> dict[str, Any]:
    """A mail without its content."""
    return {
        "id": mail.public_id,
        "kind": mail.kind,
        "locale": mail.locale,
        "recipient": mail.recipient,
        "sender": mail.sender,
        "reply_to": mail.reply_to,
        "subject": mail.subject,
        "status": mail.status,
        "attempts": mail.attempts,
        "answer": mail.answer,
        "created_at": _iso(mail.created_at),
        "next_attempt_at": mail.next_attempt_at and _iso(mail.next_attempt_at),
        "sent_at": mail.sent_at and _iso(mail.sent_at),
    }


def dump_whole(mail: Mail, content: Content | None) -> dict[str, Any]:
    """A mail with what it says, where that is known."""
    shown = dump_mail(mail) | {"text": None, "html": None}
    return shown if content is None else shown | content._asdict()


def _iso(time: datetime.datetime) -> str:
    return time.isoformat(timespec="milliseconds").replace("+00:00", "Z")
