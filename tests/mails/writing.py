"""Writing mails as a room of the server does: in the app of a running site, in this process."""

import time
from collections.abc import Callable
from typing import Any

from raindrop.core.db import unit_of_work
from raindrop.core.secrets import Vault
from raindrop.core.tenancy import Tenant, load_tenant
from raindrop.mails.service import send_mail
from tests.support.app import app_of
from tests.support.site import Site
from tests.support.v1 import Project

LINK = "http://localhost/go?userId=u1&secret=a-secret-of-this-test"


def within(site: Site, work: Callable[[], Any]) -> Any:
    """What a piece of work in the site's app returns, in one unit of work."""
    with app_of(site).app_context(), unit_of_work():
        return work()


def write_mail(
    project: Project, kind: str, recipient: str, *, locale: str = "en", **values: str
) -> None:
    """Send a mail of a project."""

    def work() -> None:
        given = {"user": "Ann", "redirect": LINK, "otp": "123456"} | values
        send_mail(tenant_of(project), kind, recipient, locale=locale, values=given)

    within(project.site, work)


def tenant_of(project: Project) -> Tenant:
    """The project as it is in the database."""
    tenant = load_tenant(project.id)
    assert tenant
    return tenant


def with_server(site: Site, port: int, host: str = "127.0.0.1", **smtp: Any) -> Project:
    """A project that has a mail server of its own.

    Args:
        smtp: of ``SmtpServer`` (core/tenancy.py); ``password`` in clear.
    """
    password = smtp.pop("password", "")
    sealed = Vault(site.settings).encrypt(password) if password else ""
    smtp = {"sender_email": "shop@project.test", "sender_name": "The Shop"} | smtp
    own = {"is_enabled": True, "host": host, "port": port, "password": sealed, **smtp}
    return Project(site, smtp=own)


def wait_for(project: Project, recipient: str, status: str, wait_s: float = 25) -> dict[str, Any]:
    """The row of the newest mail to an address, once it has this status."""
    deadline = time.monotonic() + wait_s
    while True:
        row = row_of(project, recipient)
        if row["status"] == status:
            return row
        assert time.monotonic() < deadline, row
        time.sleep(0.05)


def wait_for_attempt(project: Project, recipient: str, attempts: int) -> dict[str, Any]:
    """The row once an attempt has ended without an end of the mail."""
    deadline = time.monotonic() + 25
    while True:
        row = row_of(project, recipient)
        if row["attempts"] == attempts and row["answer"]:
            return row
        assert time.monotonic() < deadline, row
        time.sleep(0.05)


def row_of(project: Project, recipient: str) -> dict[str, Any]:
    """The row of the newest mail to an address."""
    rows = project.site.sql(
        "SELECT * FROM mails WHERE project_id = :id AND recipient = :to ORDER BY id DESC",
        id=project.number,
        to=recipient,
    )
    return dict(rows[0])


def let_time_pass(project: Project, recipient: str) -> None:
    """The pause or lease of a mail is over."""
    project.site.sql(
        "UPDATE mails SET next_attempt_at = created_at, answer = '' WHERE project_id = :id AND"
        " recipient = :to",
        id=project.number,
        to=recipient,
    )
