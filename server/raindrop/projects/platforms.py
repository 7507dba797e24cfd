"""Platforms: where a project's clients run. Web platforms are its allowed origins and the targets
of redirects."""

import ipaddress
import re
from collections.abc import Sequence

import idna
import sqlalchemy as sa

from raindrop.core.access import Actor
from raindrop.core.db import db, utc_now
from raindrop.core.errors import BadRequest, NotFound
from raindrop.core.formats import new_id
from raindrop.core.queries import count_up_to
from raindrop.core.tenancy import Platform, Project
from raindrop.projects.service import get_own_project, get_project, leave_event
from raindrop.projects.shapes import dump_platform

WEB_TYPES = frozenset({"web", "flutter-web"})
HOST_MAX = 253

_LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")


class PlatformNotFound(NotFound):
    """The project has no such platform."""

    type = "platform_not_found"
    message = "The project has no platform with this id."


def list_platforms(
    actor: Actor, project_id: str, *, is_counted: bool
) -> tuple[Sequence[Platform], int]:
    """The project's platforms, oldest first.

    Raises:
        ProjectNotFound
    """
    project = get_project(actor, project_id)
    query = sa.select(Platform).where(Platform.project_id == project.id).order_by(Platform.id)
    return db.session.scalars(query).all(), count_up_to(query) if is_counted else 0


def get_platform(actor: Actor, project_id: str, platform_id: str) -> Platform:
    """One of the project's platforms.

    Raises:
        ProjectNotFound, PlatformNotFound
    """
    return _find(get_project(actor, project_id), platform_id)


def create_platform(
    actor: Actor, project_id: str, kind: str, name: str, *, key: str, store: str, hostname: str
) -> Platform:
    """Add a platform.

    Raises:
        ProjectNotFound, ScopeMissing, BadRequest
    """
    project = get_own_project(actor, project_id)
    now = utc_now()
    platform = Platform(
        project_id=project.id,
        public_id=new_id(),
        type=kind,
        name=name,
        key=key,
        store=store,
        hostname=check_hostname(kind, hostname),
        created_at=now,
        updated_at=now,
    )
    db.session.add(platform)
    db.session.flush()  # the tenant's host names are read from the table
    _leave_event(actor, project, platform, "create")
    return platform


def update_platform(
    actor: Actor,
    project_id: str,
    platform_id: str,
    name: str,
    *,
    key: str,
    store: str,
    hostname: str,
) -> Platform:
    """Change a platform; its kind stays.

    Raises:
        ProjectNotFound, ScopeMissing, PlatformNotFound, BadRequest
    """
    project = get_own_project(actor, project_id)
    platform = _find(project, platform_id)
    platform.hostname = check_hostname(platform.type, hostname)
    platform.name, platform.key, platform.store = name, key, store
    platform.updated_at = utc_now()
    _leave_event(actor, project, platform, "update")
    return platform


def delete_platform(actor: Actor, project_id: str, platform_id: str) -> None:
    """Take a platform away: its pages are strangers at once.

    Raises:
        ProjectNotFound, ScopeMissing, PlatformNotFound
    """
    project = get_own_project(actor, project_id)
    platform = _find(project, platform_id)
    db.session.delete(platform)
    _leave_event(actor, project, platform, "delete")


def check_hostname(kind: str, hostname: str) -> str:
    """A platform's host name in the form in which browsers send it: lower case, ASCII.

    ``*.example.com`` stands for every name below ``example.com``; a star alone, or below a
    top-level domain, would be everybody.

    Raises:
        BadRequest: a web platform has none, another has one, or it is none.
    """
    if kind not in WEB_TYPES:
        if hostname:
            raise BadRequest(f"hostname: a platform of the kind {kind} has a key, no host name")
        return ""
    is_wildcard = hostname.startswith("*.")
    host = _check_host(hostname.removeprefix("*."))
    if is_wildcard and ("." not in host or _is_address(host)):
        raise BadRequest(f"hostname: {hostname[:64]!r} would allow far too much")
    return f"*.{host}" if is_wildcard else host


def _check_host(text: str) -> str:
    if _is_address(text):
        return str(ipaddress.ip_address(text.strip("[]")))
    try:
        host = text.lower() if text.isascii() else idna.encode(text, uts46=True).decode()
    except idna.IDNAError:
        host = ""
    labels = host.split(".")
    # Browsers take a name that ends in a number for an address.
    if len(host) > HOST_MAX or not all(map(_LABEL.fullmatch, labels)) or labels[-1].isdigit():
        raise BadRequest(
            "hostname: must be a host name without scheme and port, such as app.example.com or"
            " *.example.com"
        )
    return host


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text.strip("[]"))
    except ValueError:
        return False
    return True


def _find(project: Project, platform_id: str) -> Platform:
    platform: Platform | None = db.session.scalar(
        sa.select(Platform).where(
            Platform.project_id == project.id, Platform.public_id == platform_id
        )
    )
    if platform is None:
        raise PlatformNotFound
    return platform


def _leave_event(actor: Actor, project: Project, platform: Platform, action: str) -> None:
    name = f"platforms.{platform.public_id}.{action}"
    leave_event(actor, project, name, dump_platform(platform))
