"""From events to their consumers: the dispatcher, deliveries, the sweeper, figures.

See core/events.py for what an event promises.
"""

import datetime
import logging
import time
import uuid
from collections.abc import Iterable, Sequence

import sqlalchemy as sa
from flask import Flask, current_app
from kombu.exceptions import OperationalError as BrokerError
from prometheus_client.core import GaugeMetricFamily, Metric
from sqlalchemy.exc import OperationalError

from raindrop.core import metrics
from raindrop.core.cache import get_cache
from raindrop.core.db import db, unit_of_work, utc_now
from raindrop.core.errors import ServiceUnavailable
from raindrop.core.events import (
    DISPATCHED,
    NEW,
    Consumer,
    Event,
    EventDelivery,
    EventRow,
    consumers,
)
from raindrop.core.tasks import celery, enqueue, task

log = logging.getLogger(__name__)

BATCH = 500
LINGER_S = 0.05
"""So long the dispatcher waits for more before it rests: under load few writes send a nudge."""
TURN_S = 0.25
"""After so long it gives its worker to other tasks, and goes on in its turn."""
LOST_AFTER_S = 2
"""An event that nobody has dispatched after so long lost its nudge."""
DELIVERY_LOST_AFTER_S = 15
MAX_ATTEMPTS = 8
DELETE_BATCH = 1000

_events, _deliveries = EventRow.__table__, EventDelivery.__table__


def init_dispatcher(app: Flask) -> None:
    """Let writers nudge the dispatcher; tell ``/metrics`` what waits."""
    with app.app_context():
        get_cache().on_wake = _nudge
    metrics.add_source(lambda: _figures(app))


def _nudge() -> None:
    try:
        celery.send_task("events.dispatch", queue="events")
    except (BrokerError, OSError) as error:
        log.error("the broker did not take a nudge; the sweeper sends it again: %s", error)


@task("events.dispatch", is_stepped=True)
def dispatch() -> None:
    """Make deliveries of every new event, and of those that come meanwhile."""
    get_cache().hold_dispatcher()
    ends_at = time.monotonic() + TURN_S
    while count := dispatch_batch():
        if time.monotonic() > ends_at:
            _nudge()
            return
        if count < BATCH:
            time.sleep(LINGER_S)
    get_cache().rest_dispatcher()
    # What came before that, after the last look, sent no nudge.
    while dispatch_batch() == BATCH:
        pass


@task("events.sweep", is_stepped=True)
def sweep() -> None:
    """Dispatch events whose nudge was lost; send again deliveries whose task was."""
    lost_before = utc_now() - datetime.timedelta(seconds=LOST_AFTER_S)
    while dispatch_batch(_events.c.created_at <= lost_before) == BATCH:
        pass
    with unit_of_work():
        _resend_deliveries()


@task("events.deliver", is_stepped=True)
def deliver(consumer: str, batch: str) -> None:
    """Give a consumer its batch; should one event be its trouble, each by itself."""
    try:
        with unit_of_work():
            _deliver(consumers[consumer], _deliveries.c.batch == batch)
        return
    except Exception:
        log.exception("consumer %s failed on a batch; its events follow one by one", consumer)
    with unit_of_work(is_write=False):
        ids = db.session.scalars(sa.select(_deliveries.c.id).where(_deliveries.c.batch == batch))
        remaining = list(ids)
    for delivery_id in remaining:
        try:
            with unit_of_work():
                _deliver(consumers[consumer], _deliveries.c.id == delivery_id)
        except Exception:
            log.exception("consumer %s failed on delivery %d", consumer, delivery_id)


@task("events.delete_old", is_stepped=True)
def delete_old() -> None:
    """Delete events after their retention, in small transactions."""
    days = current_app.config["RAINDROP"].event_retention_days
    before = utc_now() - datetime.timedelta(days=days)
    while True:
        with unit_of_work():
            is_old = sa.and_(_events.c.created_at < before, _events.c.state == DISPATCHED)
            ids = list(
                db.session.scalars(sa.select(_events.c.id).where(is_old).limit(DELETE_BATCH))
            )
            # Deliveries that were given up go with their events.
            db.session.execute(sa.delete(_deliveries).where(_deliveries.c.event_id.in_(ids)))
            db.session.execute(sa.delete(_events).where(_events.c.id.in_(ids)))
        if len(ids) < DELETE_BATCH:
            return


def dispatch_batch(*which: sa.ColumnElement[bool]) -> int:
    """Dispatch up to ``BATCH`` new events; how many."""
    with unit_of_work():
        # By state, never by an id cursor: transactions do not commit in the order of their ids.
        query = (
            sa.select(_events.c.id, _events.c.name, _events.c.dropped_tags)
            .where(_events.c.state == NEW, *which)
            .order_by(_events.c.id)
            .limit(BATCH)
            .with_for_update(skip_locked=True)
        )
        events = db.session.execute(query).all()
        if not events:
            return 0
        # Their writers may have died before they dropped them.
        get_cache().raise_again(list({tag for event in events for tag in event.dropped_tags}))
        for each in consumers.values():
            ids = [event.id for event in events if each.wants(event.name)]
            if ids:
                _make_deliveries(each, ids)
        claimed = _events.c.id.in_([event.id for event in events])
        db.session.execute(sa.update(_events).where(claimed).values(state=DISPATCHED))
    return len(events)


def count_waiting() -> dict[str, int]:
    """How many events wait for the dispatcher, and how many for each consumer."""
    rows = db.session.execute(
        sa.select(_deliveries.c.consumer, sa.func.count()).group_by(_deliveries.c.consumer)
    )
    new = db.session.scalar(
        sa.select(sa.func.count()).select_from(_events).where(_events.c.state == NEW)
    )
    return {"dispatcher": new or 0, **dict.fromkeys(consumers, 0), **dict(rows.tuples().all())}


def oldest_waiting() -> datetime.datetime | None:
    """Since when the oldest event waits that is not dispatched, or not dealt with by a consumer
    that has not given up; None: nothing waits."""
    undelivered = (
        sa.select(sa.func.min(_events.c.created_at))
        .join(_deliveries, _deliveries.c.event_id == _events.c.id)
        .where(_deliveries.c.attempts < MAX_ATTEMPTS)
    )
    new = sa.select(sa.func.min(_events.c.created_at)).where(_events.c.state == NEW)
    times = (db.session.scalar(query) for query in (new, undelivered))
    return min((time for time in times if time), default=None)


def count_given_up() -> dict[str, int]:
    """How many events each consumer failed at too often; they are tried no more."""
    rows = db.session.execute(
        sa.select(_deliveries.c.consumer, sa.func.count())
        .where(_deliveries.c.attempts >= MAX_ATTEMPTS)
        .group_by(_deliveries.c.consumer)
    )
    return dict(rows.tuples().all())


def _make_deliveries(consumer: Consumer, event_ids: Sequence[int]) -> None:
    batch, now = uuid.uuid4().hex, utc_now()
    rows = [
        {
            "consumer": consumer.name,
            "event_id": event_id,
            "batch": batch,
            "attempts": 0,
            "sent_at": now,
        }
        for event_id in event_ids
    ]
    db.session.execute(sa.insert(_deliveries), rows)
    enqueue("events.deliver", queue=consumer.queue, consumer=consumer.name, batch=batch)


def _deliver(consumer: Consumer, which: sa.ColumnElement[bool]) -> None:
    query = (
        sa.select(_deliveries.c.id, _deliveries.c.event_id)
        .where(which, _deliveries.c.consumer == consumer.name)
        .with_for_update()
    )
    waiting = db.session.execute(query).all()
    if not waiting:
        return  # a second delivery of the task
    wanted = _events.c.id.in_([delivery.event_id for delivery in waiting])
    rows = db.session.execute(sa.select(_events).where(wanted).order_by(_events.c.id)).mappings()
    fields = ("id", "project_id", "name", "resource", "payload", "origin", "created_at")
    consumer.handle([Event(**{name: row[name] for name in fields}) for row in rows])
    done = _deliveries.c.id.in_([delivery.id for delivery in waiting])
    db.session.execute(sa.delete(_deliveries).where(done))


def _resend_deliveries() -> None:
    lost_before = utc_now() - datetime.timedelta(seconds=DELIVERY_LOST_AFTER_S)
    is_lost = sa.and_(_deliveries.c.sent_at < lost_before, _deliveries.c.attempts < MAX_ATTEMPTS)
    batches = db.session.execute(
        sa.select(_deliveries.c.consumer, _deliveries.c.batch).where(is_lost).distinct().limit(50)
    ).all()
    for name, batch in batches:
        mine = sa.and_(_deliveries.c.consumer == name, _deliveries.c.batch == batch)
        values = {"sent_at": utc_now(), "attempts": _deliveries.c.attempts + 1}
        db.session.execute(sa.update(_deliveries).where(mine).values(values))
        if name in consumers:
            enqueue("events.deliver", queue=consumers[name].queue, consumer=name, batch=batch)


def _figures(app: Flask) -> Iterable[Metric]:
    try:
        with app.app_context(), unit_of_work(is_write=False):
            counts, oldest, given_up = count_waiting(), oldest_waiting(), count_given_up()
    except (OperationalError, ServiceUnavailable):
        return ()  # the other figures say that the database is away
    waiting = GaugeMetricFamily(
        "raindrop_events_waiting", "Events that wait, by who shall see them", labels=["consumer"]
    )
    for name, count in counts.items():
        waiting.add_metric([name], count)
    failed = GaugeMetricFamily(
        "raindrop_events_given_up", "Events that a consumer failed at", labels=["consumer"]
    )
    for name, count in given_up.items():
        failed.add_metric([name], count)
    seconds = (utc_now() - oldest).total_seconds() if oldest else 0
    age = GaugeMetricFamily(
        "raindrop_event_wait_seconds", "Age of the oldest event that waits", value=seconds
    )
    return waiting, failed, age
