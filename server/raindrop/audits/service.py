"""The audit trail: keeping lines of events, and finding them by user, resource and project."""

import datetime
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import sqlalchemy as sa

from raindrop.accounts.clients import describe_client
from raindrop.accounts.models import User
from raindrop.audits.models import Audit
from raindrop.core.access import ActorKind
from raindrop.core.db import db
from raindrop.core.events import Event
from raindrop.core.geo import country_of
from raindrop.core.queries import QueryInvalid, count_up_to, parse_queries
from raindrop.core.tenancy import Tenant

PEOPLE = (ActorKind.USER.value, ActorKind.GUEST.value)
"""Modes in which ``user_id`` is one of the project's own users."""

_audits = Audit.__table__
# An event that came twice is kept once.
_INSERT = (
    sa.insert(_audits)
    .prefix_with("OR IGNORE", dialect="sqlite")
    .prefix_with("IGNORE", dialect="mysql")
)


class Person(NamedTuple):
    """Who did something; empty where it is not known."""

    id: str
    name: str
    email: str


Known = Mapping[tuple[int, str], Person]


def keep(events: Sequence[Event]) -> None:
    """Keep a line for each event of a project; two statements for all of them."""
    known = _find_people(events)
    rows = [_make_row(event, event.project_id, known) for event in events if event.project_id]
    if rows:
        db.session.execute(_INSERT, rows)


def list_by_user(tenant: Tenant, user: User, queries: Sequence[str]) -> Sequence[Audit]:
    """What a user did, newest first.

    Raises:
        QueryInvalid
    """
    return _page(_by_user(tenant, user), queries)


def count_by_user(tenant: Tenant, user: User) -> int:
    """How many lines of a user there are; counted up to a limit."""
    return count_up_to(_by_user(tenant, user))


def list_by_resource(
    tenant: Tenant, resource: str, since: datetime.datetime, queries: Sequence[str]
) -> Sequence[Audit]:
    """What happened to a resource, newest first.

    Args:
        resource: such as ``team/ID``.
        since: when it was made; what had the same id before is another.

    Raises:
        QueryInvalid
    """
    return _page(_by_resource(tenant, resource, since), queries)


def count_by_resource(tenant: Tenant, resource: str, since: datetime.datetime) -> int:
    """How many lines of a resource there are; counted up to a limit."""
    return count_up_to(_by_resource(tenant, resource, since))


def list_by_project(
    tenant: Tenant, *, user: str, resource: str, event: str, before: int | None, limit: int
) -> Sequence[Audit]:
    """A project's lines, newest first.

    Args:
        user: only this id's; empty for all. So are the next two.
        resource: only of this one.
        event: only those that begin so.
        before: only those before the line with this id.
    """
    query = sa.select(Audit).where(Audit.project_id == tenant.id)
    if user:
        query = query.where(Audit.user_id == user)
    if resource:
        query = query.where(Audit.resource == resource)
    if event:
        query = query.where(Audit.event.startswith(event, autoescape=True))
    if before is not None:
        query = query.where(Audit.id < before)
    return db.session.scalars(query.order_by(Audit.id.desc()).limit(limit)).all()


def delete_before(time: datetime.datetime, limit: int) -> int:
    """Delete up to ``limit`` lines of before a time; how many."""
    old = sa.select(Audit.id).where(Audit.at < time).order_by(Audit.at).limit(limit)
    ids = list(db.session.scalars(old))
    db.session.execute(sa.delete(_audits).where(_audits.c.id.in_(ids)))
    return len(ids)


def _by_user(tenant: Tenant, user: User) -> "sa.Select[Any]":
    return sa.select(Audit).where(
        Audit.project_id == tenant.id,
        Audit.user_id == user.public_id,
        Audit.mode.in_(PEOPLE),
        Audit.at >= user.created_at,  # whoever had the id before is somebody else
    )


def _by_resource(tenant: Tenant, resource: str, since: datetime.datetime) -> "sa.Select[Any]":
    return sa.select(Audit).where(
        Audit.project_id == tenant.id, Audit.resource == resource, Audit.at >= since
    )


def _page(query: "sa.Select[Any]", queries: Sequence[str]) -> Sequence[Audit]:
    page = parse_queries(queries)
    if page.filters or page.orders or page.cursor:
        raise QueryInvalid("Logs take limit and offset only.")
    return db.session.scalars(
        query.order_by(Audit.id.desc()).limit(page.limit).offset(page.offset)
    ).all()


def _make_row(event: Event, project_id: int, known: Known) -> dict[str, Any]:
    origin = event.origin
    person = Person(
        origin.get("userId", ""), origin.get("userName", ""), origin.get("userEmail", "")
    )
    if subject := _subject(event):
        person = known.get((project_id, subject), Person(subject, "", ""))
    return {
        "event_id": event.id,
        "project_id": project_id,
        "event": event.name[:400],
        "resource": event.resource[:255],
        "user_id": person.id[:36],
        "user_name": person.name[:128],
        "user_email": person.email[:320],
        "mode": origin["mode"],
        "ip": origin.get("ip", "")[:45],
        "client": describe_client(origin.get("userAgent", "")),
        "country_code": country_of(origin.get("ip", "")),
        "at": event.created_at,
    }


def _subject(event: Event) -> str:
    """The id of the user as whom a guest acted: who signs in or up is a guest until then. Empty
    where the event says by itself who did it."""
    if event.origin["mode"] != ActorKind.GUEST:
        return ""
    kind, _, rest = event.name.partition(".")
    named = rest.partition(".")[0] if kind == "users" else event.payload.get("userId", "")
    return str(named)


def _find_people(events: Iterable[Event]) -> Known:
    wanted = {
        (event.project_id, subject)
        for event in events
        if event.project_id and (subject := _subject(event))
    }
    if not wanted:
        return {}
    query = sa.select(User.project_id, User.public_id, User.name, User.email).where(
        sa.tuple_(User.project_id, User.public_id).in_(wanted)
    )
    return {
        (row.project_id, row.public_id): Person(row.public_id, row.name, row.email or "")
        for row in db.session.execute(query)
    }
