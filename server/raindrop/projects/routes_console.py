"""``/api/console``: what the console's first page asks before anybody is signed in."""

from flask_openapi3 import APIBlueprint, Tag

from raindrop import __version__
from raindrop.accounts import console
from raindrop.core.origins import called_host
from raindrop.projects.schemas import ConsoleAnswer

tag = Tag(name="console", description="The operators' console")
blueprint = APIBlueprint("console", __name__, url_prefix="/api/console", abp_tags=[tag])


@blueprint.get("", responses={"200": ConsoleAnswer})
def get_console() -> dict[str, object]:
    """Whether the instance waits for its owner, and how others come in."""
    needs_sign_up = not console.has_operators()
    return {
        "needs_sign_up": needs_sign_up,
        "needs_token": needs_sign_up and console.needs_token(called_host()),
        "is_sign_up_open": needs_sign_up or console.is_sign_up_open(),
        "version": __version__,
    }
