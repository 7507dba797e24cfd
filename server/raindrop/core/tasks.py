"""Celery: the base task and ``enqueue()``, which sends only after the commit.

Arguments are ids in JSON. A task reloads what it works on, checks its state and may run twice
without harm; rows are the truth, a message that is lost is sent again by a sweeper.
"""

import datetime
import logging
import uuid
from collections.abc import Callable
from typing import Any, NamedTuple, ParamSpec

from celery import Celery, Task
from flask import Flask
from kombu.exceptions import OperationalError as BrokerError

from raindrop.config import Settings
from raindrop.core import logs
from raindrop.core.broker import celery_options
from raindrop.core.db import after_commit, unit_of_work

log = logging.getLogger(__name__)


class _Message(NamedTuple):
    name: str
    queue: str
    ids: dict[str, Any]


class AppTask(Task):  # type: ignore[misc]  # celery has no types
    """A task that runs in the app's context, with a log id of its own."""

    abstract = True
    flask_app: Flask

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        logs.request_id.set(self.request.id or uuid.uuid4().hex)
        with self.flask_app.app_context():
            return self.work(*args, **kwargs)

    def work(self, *args: Any, **kwargs: Any) -> Any:
        """Run the task's body in one unit of work."""
        with unit_of_work():
            return self.run(*args, **kwargs)


class SteppedTask(AppTask):
    """A task that opens its own units of work, one a step."""

    abstract = True

    def work(self, *args: Any, **kwargs: Any) -> Any:
        """Run the task's body."""
        return self.run(*args, **kwargs)


celery = Celery("raindrop", task_cls=AppTask)

P = ParamSpec("P")


def task(
    name: str, *, is_stepped: bool = False
) -> Callable[[Callable[P, None]], Callable[P, None]]:
    """Register a function as a task.

    Args:
        is_stepped: the function opens its own units of work, one a step; otherwise it runs in one.
    """

    def register(function: Callable[P, None]) -> Callable[P, None]:
        celery.task(name=name, base=SteppedTask if is_stepped else AppTask)(function)
        return function

    return register


def init_tasks(app: Flask, settings: Settings) -> None:
    """Configure Celery. Nothing connects before the first message."""
    AppTask.flask_app = app
    celery.conf.update(celery_options(settings))


def enqueue(name: str, *, queue: str, **ids: Any) -> None:
    """Send a task once the open transaction is committed; ``ids`` are its arguments."""
    after_commit(_send_all, _Message(name, queue, ids))


def send(name: str, *, queue: str, **ids: Any) -> None:
    """Send a task at once, about nothing that a transaction writes; it may get lost."""
    _send_all([_Message(name, queue, ids)])


def _send_all(messages: list[_Message]) -> None:
    for message in messages:
        try:
            celery.send_task(message.name, kwargs=message.ids, queue=message.queue)
        except (BrokerError, OSError) as error:
            # The row that the message is about is committed; a sweeper sends it again.
            log.error("the broker did not take %s: %s", message.name, error)


@task("core.keep_logs", is_stepped=True)
def keep_logs() -> None:
    """Name nginx's log by its day, and delete the logs of days long over."""
    settings = AppTask.flask_app.config["RAINDROP"]
    today = datetime.datetime.now(datetime.UTC).date()
    logs.delete_old_logs(settings, today)
    logs.split_access_log(settings, today)
