"""The audit trail as a consumer of events, and its retention."""

import datetime
from collections.abc import Sequence

from flask import current_app

from raindrop.audits import service
from raindrop.core.db import unit_of_work, utc_now
from raindrop.core.events import Event, consumer
from raindrop.core.tasks import task

DELETE_BATCH = 1000


@consumer("audits", queue="audits", patterns=("*",), exceptions=("todos",))
def keep(events: Sequence[Event]) -> None:
    """Keep a line for each event."""
    service.keep(events)


@task("audits.delete_old", is_stepped=True)
def delete_old() -> None:
    """Delete the trail after its retention, in small transactions."""
    retention = datetime.timedelta(days=current_app.config["RAINDROP"].audit_retention_days)
    while True:
        with unit_of_work():
            deleted = service.delete_before(utc_now() - retention, DELETE_BATCH)
        if deleted < DELETE_BATCH:
            return
