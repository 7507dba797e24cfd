"""A project's own mail server, and its own words in mails."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

from raindrop.core.access import Actor
from raindrop.core.secrets import get_vault
from raindrop.core.tenancy import Project, ProjectSettings, SmtpServer, tenant_of
from raindrop.mails import email_templates
from raindrop.mails.email_templates import Template
from raindrop.mails.smtp import SmtpConfigInvalid, check_address, check_smtp, send_test
from raindrop.projects.service import get_own_project, leave_event, replace_settings


def change_smtp(
    actor: Actor, project_id: str, given: Mapping[str, Any], *, is_enabled: bool
) -> Project:
    """Change a project's mail server; one that is on must let us in.

    Args:
        given: fields of ``SmtpServer``, ``password`` in plain text; others stay. With another host
            or port and no password there is none: the old one is not for whoever runs that server.

    Raises:
        ProjectNotFound, ScopeMissing, BadRequest
        SmtpConfigInvalid: something is missing, or in the server's words.
    """
    project = get_own_project(actor, project_id)
    now = ProjectSettings.from_json(project.settings).smtp
    values = {**given, "is_enabled": is_enabled}
    if values.get("password"):
        values["password"] = get_vault().encrypt(values["password"])
    elif any(values.get(name, getattr(now, name)) != getattr(now, name) for name in _PLACE):
        values["password"] = ""
    smtp = dataclasses.replace(now, **values)
    _check_addresses(smtp)
    if is_enabled:
        if not (smtp.host and smtp.sender_email):
            raise SmtpConfigInvalid("A mail server that is on needs a host and a senderEmail.")
        check_smtp(smtp)
    return replace_settings(actor, project_id, "smtp", smtp=smtp)


def try_smtp(actor: Actor, project_id: str, smtp: SmtpServer, recipients: Sequence[str]) -> None:
    """Send a test mail by a server that need not be saved.

    Args:
        smtp: with its password in plain text.

    Raises:
        ProjectNotFound, ScopeMissing, BadRequest, SmtpConfigInvalid
    """
    tenant = tenant_of(get_own_project(actor, project_id))
    _check_addresses(smtp)
    for recipient in recipients:
        check_address(recipient, "emails")
    password = get_vault().encrypt(smtp.password) if smtp.password else ""
    sealed = dataclasses.replace(smtp, password=password)
    send_test(tenant, sealed, recipients, locale=actor.caller.locale)


def get_template(actor: Actor, project_id: str, kind: str, locale: str) -> Template:
    """What a project's mails of a kind say.

    Raises:
        ProjectNotFound, ScopeMissing, BadRequest
    """
    tenant = tenant_of(get_own_project(actor, project_id))
    return email_templates.get_template(tenant, kind, locale)


def change_template(
    actor: Actor, project_id: str, kind: str, locale: str, **words: str
) -> Template:
    """Give a project's mails of a kind words of their own.

    Raises:
        ProjectNotFound, ScopeMissing, BadRequest
    """
    project = get_own_project(actor, project_id)
    template = email_templates.update_template(tenant_of(project), kind, locale, **words)
    _leave_event(actor, project, template, "update")
    return template


def delete_template(actor: Actor, project_id: str, kind: str, locale: str) -> Template:
    """Go back to our words.

    Raises:
        ProjectNotFound, ScopeMissing, BadRequest, DefaultTemplateDeletion
    """
    project = get_own_project(actor, project_id)
    template = email_templates.delete_template(tenant_of(project), kind, locale)
    _leave_event(actor, project, template, "delete")
    return template


_PLACE = ("host", "port")


def _check_addresses(smtp: SmtpServer) -> None:
    for field, address in (("senderEmail", smtp.sender_email), ("replyTo", smtp.reply_to)):
        if address:
            check_address(address, field)


def _leave_event(actor: Actor, project: Project, template: Template, action: str) -> None:
    name = f"templates.email.{template.type}.{action}"
    leave_event(actor, project, name, email_templates.dump_template(template))
