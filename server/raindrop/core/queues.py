"""Looking into the broker: how full the queues are."""

from typing import cast

import redis
from flask import Flask, current_app

from raindrop.config import Settings


def init_queues(app: Flask, settings: Settings) -> None:
    """Make a plain client of the broker, to look into it. Nothing connects yet."""
    app.extensions["raindrop_broker"] = redis.Redis.from_url(
        settings.broker_redis_url, socket_timeout=1, socket_connect_timeout=1
    )


def get_broker() -> redis.Redis:
    """The client of the current app."""
    return cast(redis.Redis, current_app.extensions["raindrop_broker"])


def queue_depth(queue: str) -> int:
    """How many messages wait in a queue.

    Raises:
        redis.RedisError: the broker is away.
    """
    return get_broker().llen(queue)
