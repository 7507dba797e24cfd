"""The app of a running site, in the test's own process."""

from raindrop.app import create_app
from raindrop.core.http import RaindropApp
from raindrop.core.tasks import celery
from tests.support.site import Site


def app_of(site: Site) -> RaindropApp:
    """The site's app; what it enqueues goes to the site's own queue.

    Celery is one in a process and keeps its connections: those to the queue of a site before
    this one are let go.
    """
    forget_queues()
    return create_app(site.settings)


def forget_queues() -> None:
    """Let go Celery's connections to the queues of whatever app this process had before."""
    celery.close()
    vars(celery).pop("amqp", None)
