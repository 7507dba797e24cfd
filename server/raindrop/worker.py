"""The Celery entry of the workers: the app, the queues, the rooms' tasks."""

import gc
from typing import Any

from celery import signals
from flask import Flask
from kombu import Queue

from raindrop.config import load_settings
from raindrop.core.base import init_base
from raindrop.core.broker import POOLS
from raindrop.core.cache import get_cache
from raindrop.core.logs import init_logs
from raindrop.core.tasks import celery
from raindrop.jobs.runner import stopping
from raindrop.loaded import tell_loaded
from raindrop.todos.service import hot_board

ROOMS_WITH_TASKS = (
    "core", "jobs", "mails", "accounts", "teams", "projects", "databases",
    "audits", "todos",
)  # fmt: skip

settings = load_settings()
# No routes: a worker without the web framework's parts is 10 MB smaller, and there are several.
flask_app = Flask("raindrop")  # not "app": celery -A would take it for its own
init_base(flask_app, settings)
with flask_app.app_context():
    get_cache().add_hot(hot_board())  # whoever changes the board hands its first page out

celery.conf.update(
    imports=[f"raindrop.{room}.tasks" for room in ROOMS_WITH_TASKS],
    task_queues=[Queue(queue) for queues in POOLS.values() for queue in queues],
    task_create_missing_queues=False,
)


@signals.celeryd_after_setup.connect  # type: ignore[untyped-decorator]
def _begin(sender: str, **_: Any) -> None:
    name = f"worker-{sender.partition('@')[0]}"
    init_logs(settings, name)
    # The children share what is imported by now; a collection would touch, so copy, all of it.
    gc.collect()
    gc.freeze()
    tell_loaded(settings, name)


@signals.worker_shutting_down.connect  # type: ignore[untyped-decorator]
def _stop_jobs(**_: Any) -> None:
    stopping.set()
