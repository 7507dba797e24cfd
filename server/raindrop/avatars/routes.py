"""``/v1/avatars``: initials, QR codes, flags, and pictures of other servers."""

from flask import Blueprint, Flask, Response

from raindrop.avatars import service
from raindrop.avatars.flags import AvatarSetNotFound
from raindrop.avatars.schemas import (
    FlagArguments,
    IconArguments,
    InitialsArguments,
    PictureArguments,
    QrArguments,
)
from raindrop.core.access import allow
from raindrop.core.credentials import current_actor
from raindrop.core.v1 import not_served, parse_query

DAY_S = 24 * 3600
OURS_S = 30 * DAY_S
"""How long what we draw may be kept: the same arguments give the same picture."""
OTHERS_S = DAY_S
"""How long a picture of another server may be kept: it changes there, unseen by us."""
OWN_NAME_S = 3600

blueprint = Blueprint("avatars", __name__, url_prefix="/v1/avatars")

not_served(blueprint, "GET", "/browsers/<code>", AvatarSetNotFound)
not_served(blueprint, "GET", "/credit-cards/<code>", AvatarSetNotFound)
not_served(blueprint, "GET", "/screenshots")


def init_room(app: Flask) -> None:
    """Register the room's routes."""
    app.register_blueprint(blueprint)


@blueprint.get("/initials")
@allow("avatars.read")
def get_initials() -> Response:
    """Initials of a name, or of the signed-in user."""
    query, actor = parse_query(InitialsArguments), current_actor()
    body = service.draw_initials(actor, query.name, query.width, query.height, query.background)
    if query.name.strip():
        return _answer(body, OURS_S)
    response = _answer(body, OWN_NAME_S, is_public=False)
    response.vary.update(("Cookie", "X-Appwrite-Session", "X-Appwrite-JWT"))
    return response


@blueprint.get("/qr")
@allow("avatars.read")
def get_qr() -> Response:
    """A QR code."""
    query = parse_query(QrArguments)
    response = _answer(service.draw_qr(query.text, query.size, query.margin), OURS_S)
    if query.download:
        response.headers["Content-Disposition"] = 'attachment; filename="qr.png"'
    return response


@blueprint.get("/flags/<code>")
@allow("avatars.read")
def get_flag(code: str) -> Response:
    """A country's flag."""
    query = parse_query(FlagArguments)
    return _answer(service.draw_flag(code, query.width, query.height), OURS_S)


@blueprint.get("/favicon")
@allow("avatars.read")
def get_favicon() -> Response:
    """A page's icon."""
    return _answer(service.fetch_icon(parse_query(IconArguments).url), OTHERS_S)


@blueprint.get("/image")
@allow("avatars.read")
def get_image() -> Response:
    """A picture of another server, cropped."""
    query = parse_query(PictureArguments)
    return _answer(service.fetch_picture(query.url, query.width, query.height), OTHERS_S)


def _answer(body: bytes, max_age_s: int, *, is_public: bool = True) -> Response:
    response = Response(body, mimetype="image/png")
    scope = "public" if is_public else "private"
    response.headers["Cache-Control"] = f"{scope}, max-age={max_age_s}"
    response.vary.add("Origin")  # a copy kept for one page has no permission for another
    # Never a page of ours, whatever a browser makes of the bytes.
    response.headers["Content-Security-Policy"] = "sandbox; default-src 'none'"
    return response
