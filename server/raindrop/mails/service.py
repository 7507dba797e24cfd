"""Writing mails, and what the console may see of them.

A mail is a row in the open transaction, sent by a task after the commit (mails/outbox.py).
"""

import json
from collections.abc import Mapping
from typing import NamedTuple

import sqlalchemy as sa

from raindrop.core.access import Actor, ActorKind, ScopeMissing
from raindrop.core.db import db, utc_now
from raindrop.core.errors import Conflict, NotFound
from raindrop.core.formats import new_id
from raindrop.core.secrets import SecretUnreadable, get_vault
from raindrop.core.tasks import enqueue
from raindrop.core.tenancy import Tenant, rows_of
from raindrop.mails.email_templates import find_template
from raindrop.mails.models import Mail, MailStatus
from raindrop.mails.smtp import has_server
from raindrop.mails.wording import Rendered, Wording, language_of, our_wording, render

RECIPIENT_MAX = 320
LOCALE_MAX = 16
OWNER_LABEL = "owner"
"""The label of the console's users who own the instance."""

SECRETS_SCOPE = "users.write"
"""Mails let their reader into users' accounts, as this scope does."""


class MailNotFound(NotFound):
    """The project has no such mail, or none that the actor may see."""

    type = "message_not_found"
    message = "There is no such mail; it may have been deleted after its time."


class Content(NamedTuple):
    """What a mail says; it is there until a mail server has taken it."""

    subject: str
    html: str
    text: str


def send_mail(
    tenant: Tenant, kind: str, recipient: str, *, locale: str, values: Mapping[str, str]
) -> None:
    """Write a mail in the open transaction; it is sent after the commit.

    Where there is no mail server it is kept, for the console to show.

    Args:
        kind: one of ``KINDS`` (mails/wording.py).
        locale: the language that the recipient asked for, such as ``zh-CN``; Chinese or English
            or one that the project has words for, English otherwise.
        values: of the placeholders: ``user`` (name or e-mail), ``redirect`` (a link with its
            secret), ``otp``, ``phrase``, ``team``, ``inviter``, ``client``, ``ip``, ``time``. Lines
            of ours in which a value is empty are left out.
    """
    values = {**values, "project": tenant.name}
    own = find_template(tenant, kind, locale)
    wording = Wording(own.subject, own.message) if own else our_wording(kind, locale, values)
    mail = render(wording, own.locale if own else language_of(locale), values)
    is_sent = has_server(tenant)
    now = utc_now()
    row = Mail(
        project_id=tenant.id,
        public_id=new_id(),
        kind=kind,
        locale=locale[:LOCALE_MAX],
        recipient=recipient[:RECIPIENT_MAX],
        subject=mail.title,
        content=_seal(
            mail,
            sender_name=own.sender_name if own else "",
            sender_email=own.sender_email if own else "",
            reply_to=own.reply_to if own else "",
        ),
        status=MailStatus.QUEUED if is_sent else MailStatus.KEPT,
        next_attempt_at=now if is_sent else None,
        created_at=now,
        updated_at=now,
    )
    db.session.add(row)
    db.session.flush()  # the message needs its id
    if is_sent:
        enqueue("mails.send", queue="mails", mail_id=row.id)


def list_mails(actor: Actor, *, status: str, before: str, limit: int) -> list[Mail]:
    """The project's mails, newest first.

    Args:
        status: only these; empty for all.
        before: only those older than the mail with this id; empty for the newest.
    """
    # Public ids grow with time, and an index leads from the project to them in order.
    query = _visible(actor).order_by(Mail.public_id.desc()).limit(limit)
    if status:
        query = query.where(Mail.status == status)
    if before:
        query = query.where(Mail.public_id < before)
    return list(db.session.scalars(query))


def get_mail(actor: Actor, public_id: str) -> Mail:
    """One of the project's mails.

    Raises:
        MailNotFound
    """
    mail: Mail | None = db.session.scalar(_visible(actor).where(Mail.public_id == public_id))
    if mail is None:
        raise MailNotFound
    return mail


def read_content(actor: Actor, mail: Mail) -> Content | None:
    """What a mail says; ``None``: it was sent, or the actor may not know it."""
    if not mail.content or not _may_read(actor):
        return None
    try:
        held = json.loads(get_vault().decrypt(mail.content))
    except SecretUnreadable:
        return None
    return Content(held["subject"], held["html"], held["text"])


def retry_mail(actor: Actor, public_id: str) -> Mail:
    """Queue a failed or kept mail again.

    Raises:
        ScopeMissing: the actor may only look.
        MailNotFound
        Conflict: it waits or was sent, or there is still no mail server.
    """
    if not _may_read(actor):
        raise ScopeMissing("Your role in the project's team is to look only.")
    mail = get_mail(actor, public_id)
    if not has_server(actor.tenant):
        raise Conflict("There is no mail server yet.")
    is_ended = Mail.status.in_((MailStatus.FAILED, MailStatus.KEPT))
    retried = db.session.execute(
        sa.update(Mail)
        .where(Mail.id == mail.id, is_ended)
        .values(status=MailStatus.QUEUED, attempts=0, next_attempt_at=utc_now(), answer="")
    )
    if not retried.rowcount:  # type: ignore[attr-defined]  # an UPDATE has it
        raise Conflict("Only a mail that failed or was kept can be tried again.")
    db.session.refresh(mail)
    enqueue("mails.send", queue="mails", mail_id=mail.id)
    return mail


def _visible(actor: Actor) -> "sa.Select[Mail]":
    query = rows_of(Mail, actor.tenant)
    if actor.kind is ActorKind.USER and not _owns_instance(actor):
        # Of the console's own mails: without a mail server, a person finds hers here. With one,
        # to have read a mail proves that its address is hers.
        query = query.where(
            Mail.recipient == actor.person.user["email"], Mail.status == MailStatus.KEPT
        )
    return query


def _may_read(actor: Actor) -> bool:
    return actor.kind is ActorKind.USER or SECRETS_SCOPE in actor.scopes


def _owns_instance(actor: Actor) -> bool:
    return OWNER_LABEL in actor.person.user["labels"]


def _seal(mail: Rendered, **sender: str) -> str:
    """The content of a row: encrypted, because mails hold one-time secrets."""
    content = {"subject": mail.subject, "html": mail.html, "text": mail.text, **sender}
    return get_vault().encrypt(json.dumps(content))
