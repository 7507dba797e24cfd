"""``/v1/projects``: the room's blueprints, one file a part."""

from flask_openapi3 import OpenAPI

from raindrop.core.credentials import register_keys
from raindrop.projects import (
    openwhisk,
    routes_console,
    routes_keys,
    routes_mails,
    routes_platforms,
    routes_projects,
    routes_settings,
)
from raindrop.projects.keys import dev_key_by_digest, key_by_digest

PARTS = (
    routes_projects,
    routes_settings,
    routes_keys,
    routes_platforms,
    routes_mails,
    openwhisk,
)


def init_room(app: OpenAPI) -> None:
    """Register the room's routes, and where keys come from."""
    register_keys(key_by_digest, dev_key_by_digest)
    routes_keys.init_keys(app)
    app.register_api(routes_console.blueprint)
    for part in PARTS:
        app.register_blueprint(part.blueprint)
