"""Celery tasks of the mails room."""

import datetime

from flask import current_app

from raindrop.core.db import unit_of_work, utc_now
from raindrop.core.queues import queue_depth
from raindrop.core.tasks import task
from raindrop.mails import outbox

DELETE_BATCH = 500


@task("mails.send", is_stepped=True)
def send(mail_id: int) -> None:
    """One attempt to send a mail."""
    outbox.send(mail_id)


@task("mails.sweep")
def sweep() -> None:
    """See to mails that are due and have no message."""
    outbox.sweep(queue_depth)


@task("mails.delete_old", is_stepped=True)
def delete_old() -> None:
    """Delete mails after their retention, in small transactions."""
    retention = datetime.timedelta(days=current_app.config["RAINDROP"].mail_retention_days)
    while True:
        with unit_of_work():
            deleted = outbox.delete_ended(utc_now() - retention, DELETE_BATCH)
        if deleted < DELETE_BATCH:
            return
