"""A project's own wording of mails, for the projects room to show and to change."""

from http import HTTPStatus
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from raindrop.core.db import db
from raindrop.core.errors import AppError, BadRequest, Conflict
from raindrop.core.tenancy import Tenant
from raindrop.mails.models import EmailTemplate
from raindrop.mails.smtp import check_address
from raindrop.mails.wording import CHINESE, ENGLISH, KINDS, SUBJECT_MAX, language_of, our_wording

MESSAGE_BYTES = 60_000
SENDER_NAME_MAX = 255
LOCALE_MAX = 16


class DefaultTemplateDeletion(AppError):
    """The project has no wording of its own here, and ours is not to be deleted."""

    type = "project_template_default_deletion"
    status = HTTPStatus.UNAUTHORIZED
    message = "The project has no wording of its own for this mail and language."


class Template(NamedTuple):
    """A wording as the API shows it; ``is_own``: the project's, not ours."""

    type: str
    locale: str
    subject: str
    message: str
    sender_name: str = ""
    sender_email: str = ""
    reply_to: str = ""
    is_own: bool = False


def get_template(tenant: Tenant, type_: str, locale: str) -> Template:
    """The project's own wording in exactly this language, else ours.

    Raises:
        BadRequest: there is no such type of mail.
    """
    locale = _check(type_, locale)
    row = _find_row(tenant, type_, locale)
    return _show(row) if row else _ours(type_, locale)


def find_template(tenant: Tenant, type_: str, locale: str) -> Template | None:
    """The project's own wording closest to what a recipient reads; ``None``: ours is."""
    near = _near(locale)
    query = sa.select(EmailTemplate).where(
        EmailTemplate.project_id == tenant.id,
        EmailTemplate.type == type_,
        EmailTemplate.locale.in_(near),
    )
    rows = {row.locale: row for row in db.session.scalars(query)}
    return next((_show(rows[each]) for each in near if each in rows), None)


def update_template(
    tenant: Tenant,
    type_: str,
    locale: str,
    *,
    subject: str,
    message: str,
    sender_name: str = "",
    sender_email: str = "",
    reply_to: str = "",
) -> Template:
    """Give the project its own wording.

    Args:
        message: HTML with placeholders, as ``Wording`` has it.

    Raises:
        BadRequest: something is too long, or an address is none.
        Conflict: somebody else gave it one at the same moment.
    """
    locale = _check(type_, locale)
    _check_length("subject", subject, SUBJECT_MAX)
    _check_length("senderName", sender_name, SENDER_NAME_MAX, least=0)
    try:
        is_fitting = 1 <= len(message.encode()) <= MESSAGE_BYTES and "\0" not in message
    except UnicodeEncodeError:
        is_fitting = False
    if not is_fitting:
        raise BadRequest(f"message: must be text of 1 to {MESSAGE_BYTES} bytes")
    for field, address in (("senderEmail", sender_email), ("replyTo", reply_to)):
        if address:
            check_address(address, field)
    row = _lock_row(tenant, type_, locale)
    row.subject, row.message = subject, message
    row.sender_name, row.sender_email, row.reply_to = sender_name, sender_email, reply_to
    db.session.add(row)
    try:
        db.session.flush()  # the database decides who was first
    except IntegrityError:
        raise Conflict from None
    return _show(row)


def delete_template(tenant: Tenant, type_: str, locale: str) -> Template:
    """Go back to our wording, which is returned.

    Raises:
        BadRequest: there is no such type of mail.
        DefaultTemplateDeletion: the project has none of its own.
    """
    locale = _check(type_, locale)
    row = _find_row(tenant, type_, locale)
    if row is None:
        raise DefaultTemplateDeletion
    db.session.delete(row)
    return _ours(type_, locale)


def dump_template(template: Template) -> dict[str, Any]:
    """A wording as the contract's ``emailTemplate`` has it."""
    return {
        "type": template.type,
        "locale": template.locale,
        "subject": template.subject,
        "message": template.message,
        "senderName": template.sender_name,
        "senderEmail": template.sender_email,
        "replyTo": template.reply_to,
    }


def _ours(type_: str, locale: str) -> Template:
    return Template(type_, locale, *our_wording(type_, locale))


def _show(row: EmailTemplate) -> Template:
    return Template(
        type=row.type,
        locale=row.locale,
        subject=row.subject,
        message=row.message,
        sender_name=row.sender_name,
        sender_email=row.sender_email,
        reply_to=row.reply_to,
        is_own=True,
    )


def _near(locale: str) -> list[str]:
    """Languages from the one asked for to the one that ours would be in."""
    locale = locale.lower().replace("_", "-")
    ours = ["zh-cn"] if language_of(locale) == CHINESE else [ENGLISH]
    return list(dict.fromkeys([locale, locale.partition("-")[0], *ours]))


def _check(type_: str, locale: str) -> str:
    if type_ not in KINDS:
        raise BadRequest(f"type: must be one of {', '.join(KINDS)}")
    _check_length("locale", locale, LOCALE_MAX)
    return locale.lower()


def _check_length(field: str, text: str, most: int, *, least: int = 1) -> None:
    if not least <= len(text) <= most or not (text.isprintable()):
        raise BadRequest(f"{field}: must be a line of {least} to {most} characters")


def _find_row(tenant: Tenant, type_: str, locale: str, *, lock: bool = False) -> Any:
    query = sa.select(EmailTemplate).where(
        EmailTemplate.project_id == tenant.id,
        EmailTemplate.type == type_,
        EmailTemplate.locale == locale,
    )
    return db.session.scalar(query.with_for_update() if lock else query)


def _lock_row(tenant: Tenant, type_: str, locale: str) -> EmailTemplate:
    row: EmailTemplate | None = _find_row(tenant, type_, locale, lock=True)
    return row or EmailTemplate(project_id=tenant.id, type=type_, locale=locale)
