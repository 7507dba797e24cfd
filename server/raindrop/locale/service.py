"""Where the caller is, and the lists of the world in the caller's language."""

from typing import Any

from raindrop.core.access import Actor
from raindrop.core.geo import UNKNOWN, country_of
from raindrop.locale import names
from raindrop.locale.tables import CONTINENT_OF, EU_MEMBERS


def describe_caller(actor: Actor) -> dict[str, Any]:
    """The caller's address and country, as the contract has them."""
    language = names.resolve_language(actor.caller.locale)
    country = country_of(actor.caller.ip)
    continent = CONTINENT_OF.get(country, UNKNOWN)
    return {
        "ip": actor.caller.ip,
        "countryCode": country,
        "country": names.name_country(country, language),
        "continentCode": continent,
        "continent": names.name_continent(continent, language),
        "eu": country in EU_MEMBERS,
        "currency": names.currency_of(country),
    }


def list_of(actor: Actor, name: str) -> bytes:
    """One of ``names.LISTS`` in the caller's language: the finished JSON."""
    return names.list_page(name, names.resolve_language(actor.caller.locale))
