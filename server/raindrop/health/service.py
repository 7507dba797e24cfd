"""Asking each part of the server whether it answers."""

from collections.abc import Callable

import redis

from raindrop.core.cache import get_cache
from raindrop.core.db import is_reachable
from raindrop.core.queues import get_broker


def check_parts() -> dict[str, bool]:
    """Whether the database, the cache and the queue answer."""
    return {
        "database": is_reachable(),
        "cache": _answers(get_cache().redis.ping),
        "queue": _answers(get_broker().ping),
    }


def _answers(ping: Callable[[], object]) -> bool:
    try:
        ping()
    except redis.RedisError:
        return False
    return True
