"""How Celery's processes reach the broker, and which queues there are.

Imports nothing heavy: the scheduler needs no more than this.
"""

from typing import Any

from raindrop.config import Settings

POOLS: dict[str, tuple[str, ...]] = {
    "short": ("sweeps", "events", "audits", "mails", "deletes", "accounts", "databases"),
    "long": ("imports", "exports"),
}
"""Two pools of workers, so that a long job delays nothing short."""

VISIBILITY_TIMEOUT_S = 60
"""After this time the broker gives an unacknowledged message to another worker. Work that takes
longer is a job (``jobs/``), whose lease makes a second delivery harmless."""


def celery_options(settings: Settings) -> dict[str, Any]:
    """Celery's settings: nothing accepted is lost, nothing hangs when the broker is away."""
    return {
        "broker_url": settings.queue_url,
        "broker_transport_options": {
            "visibility_timeout": VISIBILITY_TIMEOUT_S,
            "unacked_restore_interval": 2,
            "unacked_restore_throttle": 1,
            "socket_timeout": 5,
            "socket_connect_timeout": 0.5,
            # A publisher asks once: its request must not wait for a queue that is away.
            "max_retries": 1,
            "interval_start": 0,
            "interval_step": 0,
            "interval_max": 0,
        },
        "broker_connection_retry_on_startup": True,
        "broker_connection_max_retries": None,
        "task_serializer": "json",
        "accept_content": ["json"],
        "task_ignore_result": True,
        "task_acks_late": True,
        "task_reject_on_worker_lost": True,
        "worker_prefetch_multiplier": 1,
        "worker_hijack_root_logger": False,
        "worker_redirect_stdouts": False,
        "task_publish_retry": False,
        "enable_utc": True,
    }
