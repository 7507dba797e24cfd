"""What happened, as rows: ``publish()`` and ``consumer()``; core/dispatcher.py does the rest.

An event is a row in the same transaction as what it tells of. After the commit the dispatcher
makes a delivery row for each consumer that is interested, and one task a consumer and batch. A
consumer's own writes are committed together with the end of its deliveries, so inside the database
an event has one effect, whoever is killed when.
"""

import datetime
import json
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from raindrop.core import logs
from raindrop.core.access import Actor
from raindrop.core.cache import get_cache
from raindrop.core.db import BigId, UtcDateTime, before_commit, db, utc_now
from raindrop.core.tenancy import Tenant

log = logging.getLogger(__name__)

NEW, DISPATCHED = 0, 1


class EventRow(db.Model):  # type: ignore[name-defined, misc]
    """One event.

    ``origin`` says who did it from where; ``dropped_tags`` the cache tags of its transaction, in
    the first of a transaction's events.
    """

    __tablename__ = "events"
    __table_args__ = (
        sa.Index("ix_events_state_id", "state", "id"),
        sa.Index("ix_events_created_at", "created_at"),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    project_id: Mapped[int | None] = mapped_column(BigId)
    name: Mapped[str] = mapped_column(sa.String(400))
    resource: Mapped[str] = mapped_column(sa.String(255))
    payload: Mapped[dict[str, Any]] = mapped_column(sa.JSON)
    origin: Mapped[dict[str, Any]] = mapped_column(sa.JSON)
    dropped_tags: Mapped[list[str]] = mapped_column(sa.JSON)
    state: Mapped[int] = mapped_column(sa.SmallInteger)
    created_at: Mapped[datetime.datetime] = mapped_column(UtcDateTime)


class EventDelivery(db.Model):  # type: ignore[name-defined, misc]
    """An event that a consumer has not dealt with yet."""

    __tablename__ = "event_deliveries"
    __table_args__ = (
        sa.UniqueConstraint("consumer", "event_id"),
        sa.Index("ix_event_deliveries_batch", "batch"),
        sa.Index("ix_event_deliveries_sent_at", "sent_at"),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    consumer: Mapped[str] = mapped_column(sa.String(32))
    event_id: Mapped[int] = mapped_column(BigId)
    batch: Mapped[str] = mapped_column(sa.String(32))
    attempts: Mapped[int]
    sent_at: Mapped[datetime.datetime] = mapped_column(UtcDateTime)


@dataclass(frozen=True)
class Event:
    """An event as consumers see it.

    Attributes:
        project_id: the project's integer key; None for what belongs to none.
        name: such as ``users.ID.create``.
        resource: such as ``user/ID``.
        origin: who and from where; see :func:`origin_of`.
    """

    id: int
    project_id: int | None
    name: str
    resource: str
    payload: Mapping[str, Any]
    origin: Mapping[str, Any]
    created_at: datetime.datetime


Handler = Callable[[Sequence[Event]], None]


class Consumer(NamedTuple):
    """Who wants which events; ``handle`` runs in a transaction and may run twice after a crash."""

    name: str
    queue: str
    patterns: tuple[str, ...]
    exceptions: tuple[str, ...]
    handle: Handler

    def wants(self, event: str) -> bool:
        """Whether it is given the events of this name."""
        is_wanted = any(fits(pattern, event) for pattern in self.patterns)
        return is_wanted and not any(fits(pattern, event) for pattern in self.exceptions)


consumers: dict[str, Consumer] = {}
# Built once: it is part of every write. What is JSON is made text before: one text of who did it
# for all of a transaction's events.
_INSERT = sa.insert(EventRow.__table__).values(
    payload=sa.bindparam("payload_text", type_=sa.Text),
    origin=sa.bindparam("origin_text", type_=sa.Text),
    dropped_tags=sa.bindparam("dropped_tags_text", type_=sa.Text),
)


def consumer(
    name: str, *, queue: str, patterns: Sequence[str], exceptions: Sequence[str] = ()
) -> Callable[[Handler], Handler]:
    """Register a function that is given the events of some patterns, in batches.

    Args:
        patterns: names in which ``*`` stands for one part; a shorter pattern fits all below it.
        exceptions: patterns of those that it is not given.
    """

    def register(handle: Handler) -> Handler:
        consumers[name] = Consumer(name, queue, tuple(patterns), tuple(exceptions), handle)
        return handle

    return register


def publish(
    name: str,
    *,
    resource: str,
    payload: Mapping[str, Any],
    actor: Actor | None = None,
    tenant: Tenant | None = None,
) -> None:
    """Leave an event in the open transaction; all of its events are inserted by one statement.

    Args:
        name: such as ``users.ID.create``; the names of the contract where it has one.
        resource: what it is about, such as ``user/ID``.
        payload: the thing as the API shows it, without secrets.
        actor: who did it; None for the server itself.
        tenant: the project where it is not the actor's.
    """
    tenant = tenant or (actor.tenant if actor else None)
    row: dict[str, Any] = {
        "project_id": tenant.id if tenant else None,
        "name": name,
        "resource": resource,
        "payload_text": json.dumps(dict(payload)),
        "origin_text": _origin_text(actor),
        "dropped_tags_text": "[]",
        "state": NEW,
        "created_at": utc_now(),
    }
    before_commit(_insert, row)


def origin_of(actor: Actor | None) -> dict[str, Any]:
    """Who does something from where: ``mode``, ``userId``, ``userName``, ``userEmail``, ``ip``,
    ``userAgent``, ``requestId``."""
    origin: dict[str, Any] = {"mode": "system", "requestId": logs.request_id.get()}
    if actor is None:
        return origin
    origin |= {
        "mode": actor.kind.value,
        "ip": actor.caller.ip,
        "userAgent": actor.caller.user_agent,
    }
    if actor.identity:
        person = actor.identity.user
        origin |= {"userId": person["$id"], "userName": person["name"]}
        origin["userEmail"] = person["email"]
    elif actor.key:
        origin |= {"userId": actor.key.id, "userName": actor.key.name, "userEmail": ""}
    return origin


def fits(pattern: str, name: str) -> bool:
    """Whether a pattern covers an event's name."""
    wanted, parts = pattern.split("."), name.split(".")
    if len(wanted) > len(parts):
        return False
    return all(w in ("*", part) for w, part in zip(wanted, parts, strict=False))


def _origin_text(actor: Actor | None) -> str:
    """The origin as JSON, made once for the events that an actor leaves one after the other."""
    kept = db.session.info.get("origin")
    if kept is None or kept[0] is not actor:
        kept = db.session.info["origin"] = actor, json.dumps(origin_of(actor))
    text: str = kept[1]
    return text


def _insert(rows: list[dict[str, Any]]) -> None:
    rows[0]["dropped_tags_text"] = json.dumps(list(db.session.info.pop("dropped_tags", ())))
    db.session.execute(_INSERT, rows)
    get_cache().wake_dispatcher()
