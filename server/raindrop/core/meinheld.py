"""gunicorn's meinheld worker, made safe to run behind nginx. Opt-in; see docs/operating.md.

The package's own worker replaces methods of gunicorn's ``Logger`` class while it is made, which
later crashes gunicorn's master when a worker dies.
"""

from typing import Any

from gunicorn.glogging import Logger
from meinheld import server
from meinheld.gmeinheld import MeinheldWorker as PackagedWorker

from raindrop.core.formats import FORM_OVERHEAD_BYTES, IMPORT_LIMIT_BYTES


class MeinheldWorker(PackagedWorker):  # type: ignore[misc]  # the package has no types
    """One blocking request at a time in each process, without monkey patching."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        access, error = Logger.access, Logger.error
        try:
            super().__init__(*args, **kwargs)
        finally:
            Logger.access, Logger.error = access, error
        server.set_error_logger(self.log)
        server.set_access_logger(None)
        # The largest of any address: nginx and the app know that of each.
        server.set_max_content_length(IMPORT_LIMIT_BYTES + FORM_OVERHEAD_BYTES)
