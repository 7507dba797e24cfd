"""``/api/projects/ID/mails``: the console's list of mails."""

from typing import Any

from flask import Response
from flask_openapi3 import APIBlueprint, OpenAPI, Tag

from raindrop.core.access import Actor, check_access
from raindrop.core.credentials import console_admin, console_user
from raindrop.core.http import answers
from raindrop.core.tenancy import CONSOLE
from raindrop.mails import service
from raindrop.mails.schemas import (
    MailAnswer,
    MailPath,
    MailsAnswer,
    MailsQuery,
    ProjectPath,
    dump_mails,
    dump_whole,
)

# The HTML may be a project's own: it runs nothing, loads nothing, and is no page of ours.
CONTENT_POLICY = (
    "sandbox; default-src 'none'; style-src 'unsafe-inline'; form-action 'none'; base-uri 'none'; "
    "frame-ancestors 'self'"
)

tag = Tag(name="mails", description="What a project sent by mail, for the console")
blueprint = APIBlueprint(
    "mails", __name__, url_prefix="/api/projects/<string:project_id>/mails", abp_tags=[tag]
)

HTML_ANSWERS = answers(200, MailAnswer, 401, 403, 404) | {
    200: {"content": {"text/html": {"schema": {"type": "string"}}}}
}


def init_room(app: OpenAPI) -> None:
    """Register the room's routes."""
    app.register_api(blueprint)


@blueprint.get("", responses=answers(200, MailsAnswer, 401, 403, 404))
def list_mails(path: ProjectPath, query: MailsQuery) -> dict[str, Any]:
    """A project's mails, newest first, without what they say."""
    mails = service.list_mails(
        _reader(path), status=query.status, before=query.before, limit=query.limit
    )
    return dump_mails(mails, query.limit)


@blueprint.get("/<string:mail_id>", responses=answers(200, MailAnswer, 401, 403, 404))
def get_mail(path: MailPath) -> dict[str, Any]:
    """A mail, with what it says until a mail server has taken it."""
    actor = _reader(path)
    mail = service.get_mail(actor, path.mail_id)
    return dump_whole(mail, service.read_content(actor, mail))


@blueprint.get("/<string:mail_id>/html", responses=HTML_ANSWERS)
def get_mail_html(path: MailPath) -> Response:
    """What a mail says as a page, for a frame."""
    actor = _reader(path)
    content = service.read_content(actor, service.get_mail(actor, path.mail_id))
    if content is None:
        raise service.MailNotFound("What this mail said is gone, or not for you to see.")
    response = Response(content.html, mimetype="text/html")
    response.headers["Content-Security-Policy"] = CONTENT_POLICY
    response.headers["Referrer-Policy"] = "no-referrer"
    return response


@blueprint.post("/<string:mail_id>/retry", responses=answers(200, MailAnswer, 401, 403, 404, 409))
def retry_mail(path: MailPath) -> dict[str, Any]:
    """Send a mail again that failed, or that was kept because there was no mail server."""
    actor = _reader(path)
    mail = service.retry_mail(actor, path.mail_id)
    return dump_whole(mail, service.read_content(actor, mail))


def _reader(path: ProjectPath) -> Actor:
    """Who asks. The console's own mails are for each of its users; the service knows which."""
    if path.project_id == CONSOLE:
        actor = console_user()
        check_access(actor, ("account",), service=blueprint.name)
    else:
        actor = console_admin(path.project_id)
        check_access(actor, ("users.read",), service=blueprint.name)
    return actor
