"""What every process of ours stands on, whether it serves requests or works."""

from flask import Flask

from raindrop.config import Settings
from raindrop.core import cache, db, dispatcher, queues, secrets, tasks


def init_base(app: Flask, settings: Settings) -> None:
    """Settings, database, cache, queues, tasks, secrets, events. Nothing connects yet."""
    app.config["RAINDROP"] = settings
    db.init_db(app, settings)
    cache.init_cache(app, settings)
    queues.init_queues(app, settings)
    tasks.init_tasks(app, settings)
    secrets.init_secrets(app, settings)
    dispatcher.init_dispatcher(app)
