"""``/v1/locale``: where the caller is, and the names of the world."""

from typing import Any

from flask import Blueprint, Flask, Response

from raindrop.core.access import allow
from raindrop.core.credentials import LOCALE_HEADER, current_actor
from raindrop.locale import service

blueprint = Blueprint("locale", __name__, url_prefix="/v1/locale")


def init_room(app: Flask) -> None:
    """Register the room's routes."""
    app.register_blueprint(blueprint)


@blueprint.get("")
@allow("locale.read")
def get_locale() -> dict[str, Any]:
    """Where the caller is."""
    return service.describe_caller(current_actor())


@blueprint.get("/codes")
@allow("locale.read")
def list_codes() -> Response:
    """The codes that ``X-Appwrite-Locale`` takes."""
    return _answer_list("codes")


@blueprint.get("/continents")
@allow("locale.read")
def list_continents() -> Response:
    """The continents."""
    return _answer_list("continents")


@blueprint.get("/countries")
@allow("locale.read")
def list_countries() -> Response:
    """The countries."""
    return _answer_list("countries")


@blueprint.get("/countries/eu")
@allow("locale.read")
def list_eu_countries() -> Response:
    """The members of the European Union."""
    return _answer_list("countries/eu")


@blueprint.get("/countries/phones")
@allow("locale.read")
def list_phones() -> Response:
    """The countries' calling codes."""
    return _answer_list("countries/phones")


@blueprint.get("/currencies")
@allow("locale.read")
def list_currencies() -> Response:
    """The currencies that are in use."""
    return _answer_list("currencies")


@blueprint.get("/languages")
@allow("locale.read")
def list_languages() -> Response:
    """The languages of ISO 639-1."""
    return _answer_list("languages")


def _answer_list(name: str) -> Response:
    response = Response(service.list_of(current_actor(), name), mimetype="application/json")
    response.vary.update((LOCALE_HEADER, "Accept-Language"))
    return response
