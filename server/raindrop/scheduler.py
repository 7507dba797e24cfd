"""The Celery entry of the scheduler: what starts when. It imports no room, to stay small."""

import datetime
from typing import Any

from celery import Celery, signals

from raindrop.config import load_settings
from raindrop.core.broker import celery_options
from raindrop.core.logs import init_logs
from raindrop.loaded import tell_loaded

LOCK_S = 5

settings = load_settings()
app = Celery("raindrop")


def _every(task: str, queue: str, interval: datetime.timedelta) -> dict[str, Any]:
    """A periodic task; a message that waited for a whole interval is dropped, not made up for."""
    options = {"queue": queue, "expires": interval.total_seconds()}
    return {"task": task, "schedule": interval, "options": options}


app.conf.update(celery_options(settings))
# Many hosts may run a scheduler; the one that holds the lock sends. A dead holder's lock ends
# by itself, so another goes on within this time.
app.conf.update(
    redbeat_redis_url=settings.broker_redis_url,
    redbeat_redis_options={"retry_period": 10, "socket_timeout": 5, "socket_connect_timeout": 1},
    redbeat_lock_timeout=LOCK_S,
)
app.conf.beat_schedule = {
    "recover jobs": _every("jobs.sweep", "sweeps", datetime.timedelta(seconds=2)),
    "recover events": _every("events.sweep", "sweeps", datetime.timedelta(seconds=2)),
    "recover mails": _every("mails.sweep", "sweeps", datetime.timedelta(seconds=2)),
    "delete old mails": _every("mails.delete_old", "deletes", datetime.timedelta(hours=1)),
    "delete old events": _every("events.delete_old", "deletes", datetime.timedelta(hours=1)),
    "delete the old audit trail": _every(
        "audits.delete_old", "deletes", datetime.timedelta(hours=1)
    ),
    "delete old jobs": _every("jobs.delete_old", "deletes", datetime.timedelta(hours=1)),
    "delete expired sessions": _every("accounts.sweep", "deletes", datetime.timedelta(minutes=10)),
    "delete to-dos for good": _every(
        "todos.delete_for_good", "deletes", datetime.timedelta(minutes=10)
    ),
    "delete old transactions": _every(
        "databases.sweep_transactions", "deletes", datetime.timedelta(minutes=1)
    ),
    "finish tables of databases": _every(
        "databases.sweep", "sweeps", datetime.timedelta(minutes=1)
    ),
    "keep logs": _every("core.keep_logs", "deletes", datetime.timedelta(minutes=1)),
}


@signals.beat_init.connect  # type: ignore[untyped-decorator]
def _begin(**_: Any) -> None:
    init_logs(settings, "scheduler")
    tell_loaded(settings, "scheduler")
