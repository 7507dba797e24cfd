"""The app factory: settings, core, the list of rooms."""

from flask_openapi3 import Info

from raindrop import __version__
from raindrop.accounts import routes as accounts
from raindrop.audits import routes as audits
from raindrop.avatars import routes as avatars
from raindrop.config import Settings, load_settings
from raindrop.core import apidocs, base, errors, http, metrics, v1
from raindrop.core.http import ErrorAnswer, RaindropApp
from raindrop.databases import routes as databases
from raindrop.health import routes as health
from raindrop.jobs import routes as jobs
from raindrop.locale import routes as locale
from raindrop.mails import routes as mails
from raindrop.projects import routes as projects
from raindrop.teams import routes as teams
from raindrop.todos import routes as todos

ROOMS = (
    jobs, mails, accounts, teams, projects, databases, audits, todos, locale, avatars, health,
)  # fmt: skip


def create_app(settings: Settings | None = None) -> RaindropApp:
    """Make the app. It opens no connection and writes no file.

    Args:
        settings: the values in force; read from the environment when not given.
    """
    settings = settings or load_settings()
    app = RaindropApp(
        "raindrop",
        info=Info(title="Raindrop", version=__version__),
        validation_error_status=400,
        validation_error_model=ErrorAnswer,
        validation_error_callback=errors.answer_invalid,
        security_schemes={},
        doc_ui=False,
        static_folder=None,
    )
    base.init_base(app, settings)
    app.url_map.merge_slashes = False  # its redirect would name whatever Host was sent
    app.json.sort_keys = False  # type: ignore[attr-defined]
    http.init_requests(app)
    v1.init_v1(app)
    http.init_http(app, settings)
    errors.init_errors(app)
    metrics.init_metrics(app)
    apidocs.init_apidocs(app)
    for room in ROOMS:
        room.init_room(app)
    return app
