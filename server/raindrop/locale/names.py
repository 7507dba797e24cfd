"""The names of countries, currencies and languages, by CLDR, in the language that is asked for.

Each list is made once for a language and process, and kept as the finished bytes. CLDR's own data
of a language takes megabytes, so it is let go once the list is made.
"""

import datetime
import functools
import json
import unicodedata
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from raindrop.locale.tables import CONTINENT_NAMES, CONTINENT_OF, EU_MEMBERS, PHONE_OF

if TYPE_CHECKING:
    from babel import Locale

DEFAULT_LANGUAGE = "en"
PAGES_KEPT = 48
"""Six lists of eight languages, 20 KB on the average."""

_NATIVE = Path(__file__).with_name("native.json")

Row = dict[str, Any]


@functools.lru_cache(maxsize=256)
def resolve_language(asked: str) -> str:
    """The language of CLDR that comes nearest to what is asked for (``zh-TW``: ``zh_Hant_TW``);
    English for anything unknown."""
    from babel import Locale, UnknownLocaleError  # takes megabytes, and most processes never ask

    parts = asked.replace("-", "_").split("_")
    for count in range(len(parts), 0, -1):
        try:
            return str(Locale.parse("_".join(parts[:count])))
        except (ValueError, TypeError, UnknownLocaleError):
            continue
    return DEFAULT_LANGUAGE


def name_country(code: str, language: str) -> str:
    """The name of a country; ``Unknown`` in the language where the code is none."""
    return _name_territory(code, language)


def name_continent(code: str, language: str) -> str:
    """The name of a continent; ``Unknown`` in the language where the code is none."""
    return _name_territory(CONTINENT_NAMES.get(code, ""), language)


def currency_of(country: str) -> str:
    """The code of the money that a country uses; empty where that is unknown."""
    found = _currencies_by_country().get(country, ())
    return found[0] if found else ""


@functools.lru_cache(maxsize=PAGES_KEPT)
def list_page(name: str, language: str) -> bytes:
    """The finished answer of a list.

    Args:
        name: of ``LISTS``.
        language: what :func:`resolve_language` gave.
    """
    field, make = LISTS[name]
    rows = _with_names(language, make)
    page = {"total": len(rows), field: rows}
    return json.dumps(page, ensure_ascii=False, separators=(",", ":")).encode()


def _with_names(language: str, use: Callable[["Locale"], Any]) -> Any:
    from babel import Locale, localedata

    try:
        return use(Locale.parse(language))
    finally:
        localedata._cache.clear()  # it never forgets by itself


@functools.lru_cache(maxsize=512)
def _name_territory(code: str, language: str) -> str:
    def find(names: "Locale") -> str:
        return str(names.territories.get(code) or names.territories.get("ZZ", "Unknown"))

    found: str = _with_names(language, find)
    return found


def _by_name(rows: Iterable[Row], field: str = "name") -> list[Row]:
    """Sorted as a reader expects it: Åland among the As. Chinese is in the order of its code
    points, for the order of sounds needs a dictionary."""
    return sorted(rows, key=lambda row: (_fold(row[field]), row[field]))


def _fold(text: str) -> str:
    plain = unicodedata.normalize("NFKD", text.casefold())
    return "".join(letter for letter in plain if not unicodedata.combining(letter))


def _countries(names: "Locale") -> list[Row]:
    return _by_name({"name": names.territories[code], "code": code} for code in CONTINENT_OF)


def _eu_countries(names: "Locale") -> list[Row]:
    return [row for row in _countries(names) if row["code"] in EU_MEMBERS]


def _phones(names: "Locale") -> list[Row]:
    rows = (
        {"code": phone, "countryCode": code, "countryName": names.territories[code]}
        for code, phone in PHONE_OF.items()
    )
    return _by_name(rows, "countryName")


def _continents(names: "Locale") -> list[Row]:
    return _by_name(
        {"name": names.territories[territory], "code": code}
        for code, territory in CONTINENT_NAMES.items()
    )


def _languages(names: "Locale") -> list[Row]:
    native = _native_names()["languages"]
    return _by_name(
        {"name": names.languages.get(code, native[code]), "code": code, "nativeName": native[code]}
        for code in native
    )


def _codes(names: "Locale") -> list[Row]:
    from babel import Locale, localedata

    rows = []
    for code in localedata.locale_identifiers():
        if code not in ("root", "en_US_POSIX"):
            name = Locale.parse(code).get_display_name(names) or code
            rows.append({"code": code.replace("_", "-").lower(), "name": name})
    return _by_name(rows)


def _currencies(names: "Locale") -> list[Row]:
    native = _native_names()["currencies"]
    return _by_name(_currency(names, code, native[code]) for code in native)


def _currency(names: "Locale", code: str, native_symbol: str) -> Row:
    from babel.core import get_global
    from babel.numbers import get_currency_name

    fractions = get_global("currency_fractions")
    digits, _, cash_digits, cash_step = fractions.get(code, fractions["DEFAULT"])
    return {
        "symbol": names.currency_symbols.get(code, "").strip("\u200b") or code,
        "name": names.currencies.get(code, code),
        "symbolNative": native_symbol,
        "decimalDigits": digits,
        # In cash: Switzerland has no coin below 0.05.
        "rounding": cash_step / 10**cash_digits if cash_step else 0,
        "code": code,
        "namePlural": get_currency_name(code, count=100, locale=names),
    }


LISTS: dict[str, tuple[str, Callable[["Locale"], list[Row]]]] = {
    "codes": ("localeCodes", _codes),
    "continents": ("continents", _continents),
    "countries": ("countries", _countries),
    "countries/eu": ("countries", _eu_countries),
    "countries/phones": ("phones", _phones),
    "currencies": ("currencies", _currencies),
    "languages": ("languages", _languages),
}
"""The lists: the field of their rows in the answer, and what makes the rows."""


@functools.cache
def _native_names() -> dict[str, dict[str, str]]:
    """Languages in themselves, and the signs of currencies where they are used. To find them out
    takes the data of 300 languages, so they are kept in a file; a test makes it anew."""
    found: dict[str, dict[str, str]] = json.loads(_NATIVE.read_text(encoding="utf-8"))
    return found


@functools.cache
def _currencies_by_country() -> dict[str, tuple[str, ...]]:
    from babel.numbers import get_territory_currencies

    today = datetime.datetime.now(datetime.UTC).date()
    return {code: tuple(get_territory_currencies(code, today)) for code in CONTINENT_OF}
