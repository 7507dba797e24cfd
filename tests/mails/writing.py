"""Writing mails as a room of the server does: in the app of a running site, in this process."""

from collections.abc import Callable
from typing import Any

from raindrop.app import create_app
from raindrop.core.db import unit_of_work
from raindrop.core.tenancy import Tenant, load_tenant
from raindrop.mails.service import send_mail
from tests.support.site import Site
from tests.support.v1 import Project

LINK = "http://localhost/go?userId=u1&secret=a-secret-of-this-test"


def within(site: Site, work: Callable[[], Any]) -> Any:
    """What a piece of work in the site's app returns, in one unit of work."""
    with create_app(site.settings).app_context(), unit_of_work():
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
