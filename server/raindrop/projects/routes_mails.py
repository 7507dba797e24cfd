"""``/v1/projects/ID/smtp`` and ``/templates``."""

from typing import Any

from flask import Blueprint, Response

from raindrop.core.access import allow
from raindrop.core.credentials import current_actor
from raindrop.core.tenancy import SmtpServer
from raindrop.core.v1 import empty, not_served, parse_body
from raindrop.mails.email_templates import dump_template
from raindrop.projects import smtp
from raindrop.projects.schemas import SmtpChange, SmtpTest, TemplateChange
from raindrop.projects.shapes import dump_project

blueprint = Blueprint("project_mails", __name__, url_prefix="/v1/projects/<project_id>")

FIELDS = {
    "senderName": "sender_name", "senderEmail": "sender_email", "replyTo": "reply_to",
    "host": "host", "port": "port", "username": "username", "password": "password",
    "secure": "secure",
}  # fmt: skip
"""The contract's names of what a mail server needs, and ours."""

TEMPLATE = "/templates/email/<kind>/<locale>"


@blueprint.patch("/smtp")
@allow("projects.write")
def change_smtp(project_id: str) -> dict[str, Any]:
    """Change the project's mail server."""
    body, actor = parse_body(SmtpChange), current_actor()
    values = {ours: getattr(body, name) for name, ours in FIELDS.items()}
    given = {name: value for name, value in values.items() if value is not None}
    return dump_project(smtp.change_smtp(actor, project_id, given, is_enabled=body.enabled))


@blueprint.post("/smtp/tests")
@allow("projects.write")
def try_smtp(project_id: str) -> Response:
    """Try a mail server out."""
    body = parse_body(SmtpTest)
    server = SmtpServer(**{ours: getattr(body, name) for name, ours in FIELDS.items()})
    smtp.try_smtp(current_actor(), project_id, server, body.emails)
    return empty()


@blueprint.get(TEMPLATE)
@allow("projects.write")
def get_template(project_id: str, kind: str, locale: str) -> dict[str, Any]:
    """What mails of a kind say."""
    return dump_template(smtp.get_template(current_actor(), project_id, kind, locale))


@blueprint.patch(TEMPLATE)
@allow("projects.write")
def change_template(project_id: str, kind: str, locale: str) -> dict[str, Any]:
    """Give mails of a kind words of their own."""
    body = parse_body(TemplateChange)
    template = smtp.change_template(
        current_actor(),
        project_id,
        kind,
        locale,
        subject=body.subject,
        message=body.message,
        sender_name=body.senderName,
        sender_email=body.senderEmail,
        reply_to=body.replyTo,
    )
    return dump_template(template)


@blueprint.delete(TEMPLATE)
@allow("projects.write")
def delete_template(project_id: str, kind: str, locale: str) -> dict[str, Any]:
    """Go back to our words."""
    return dump_template(smtp.delete_template(current_actor(), project_id, kind, locale))


for method in ("GET", "PATCH", "DELETE"):
    not_served(blueprint, method, "/templates/sms/<kind>/<locale>")
