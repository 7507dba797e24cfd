"""Writing mails: a row in the open transaction, sent by a task after the commit."""

import json
from collections.abc import Mapping

from flask import current_app

from raindrop.config import Settings
from raindrop.core.db import db, utc_now
from raindrop.core.secrets import get_vault
from raindrop.core.tasks import enqueue
from raindrop.core.tenancy import Tenant
from raindrop.core.v1 import new_id
from raindrop.mails.models import Mail, MailStatus
from raindrop.mails.wording import our_wording, render

RECIPIENT_MAX = 320
LOCALE_MAX = 16


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
    mail = render(our_wording(kind, locale, values), locale, values)
    has_server = _has_server(tenant)
    now = utc_now()
    row = Mail(
        project_id=tenant.id,
        public_id=new_id(),
        kind=kind,
        locale=locale[:LOCALE_MAX],
        recipient=recipient[:RECIPIENT_MAX],
        subject=mail.title,
        content=seal(mail.subject, mail.html, mail.text),
        status=MailStatus.QUEUED if has_server else MailStatus.KEPT,
        next_attempt_at=now if has_server else None,
        created_at=now,
        updated_at=now,
    )
    db.session.add(row)
    db.session.flush()  # the message needs its id
    if has_server:
        enqueue("mails.send", queue="mails", mail_id=row.id)


def seal(subject: str, html: str, text: str) -> str:
    """The content of a row: encrypted, because mails hold one-time secrets."""
    return get_vault().encrypt(json.dumps({"subject": subject, "html": html, "text": text}))


def _has_server(tenant: Tenant) -> bool:
    settings: Settings = current_app.config["RAINDROP"]
    return tenant.settings.smtp.is_enabled or bool(settings.smtp_url)
