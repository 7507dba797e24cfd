"""gunicorn's configuration. It runs before anything else in the process, so it patches here."""

import os
from pathlib import Path

from raindrop.config import HOME, load_settings

settings = load_settings()

if metrics_folder := os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
    Path(metrics_folder).mkdir(exist_ok=True)

if settings.worker_class == "gevent":
    from gevent import monkey

    monkey.patch_all()

import gc
import time

from raindrop.programs import REQUEST_S

umask = 0o077
chdir = str(HOME / "server")
wsgi_app = "wsgi:app"
control_socket_disable = True
workers = settings.web_workers
worker_class = (
    "gevent" if settings.worker_class == "gevent" else "raindrop.core.meinheld.MeinheldWorker"
)
# Few enough at once that each gets a database connection; the others wait in the listening
# socket's queue, which is in order, while a worker's own pool of greenlets would not be.
worker_connections = 2 * settings.database_pool
backlog = max(2048, settings.web_in_flight)
preload_app = True
timeout = 60
# A request that nginx still waits for is answered; supervisor's stop time may cut this short.
graceful_timeout = REQUEST_S
keepalive = 0
# nginx has bounded it; a list's queries are longer than the default.
limit_request_line = 0
accesslog = None
errorlog = "-"
loglevel = "warning"


def when_ready(server):
    """Keep the imported code in pages that the workers share."""
    # The rate limiter's memory store has started a timer; a fork in the middle of it would
    # leave each worker with half a thread.
    time.sleep(0.05)
    gc.collect()
    gc.freeze()


def child_exit(server, worker):
    """Forget a dead worker's gauges."""
    from raindrop.core.metrics import forget_process

    forget_process(worker.pid)
