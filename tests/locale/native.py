"""Makes ``server/raindrop/locale/native.json``: ``python -m tests.locale.native``."""

import datetime
import json
from pathlib import Path

from babel import Locale, UnknownLocaleError
from babel.core import get_global
from babel.numbers import get_territory_currencies

from raindrop.locale import names

PATH = Path(names.__file__).with_name("native.json")
MADE_ON = datetime.date(2026, 11, 1)
INVISIBLE = "\u200b"
"""What CLDR has for the escudo, whose sign stands between the digits."""


def native_names() -> dict[str, dict[str, str]]:
    """Languages in themselves, and the signs of currencies where they are used."""
    english = Locale.parse("en").languages
    codes = sorted(code for code in english if len(code) == 2)
    return {
        "languages": {code: _native_language(code) or english[code] for code in codes},
        "currencies": {code: _native_symbol(code) for code in sorted(_currencies())},
    }


def _native_language(code: str) -> str:
    try:
        return str(Locale.parse(code).languages.get(code, ""))
    except (UnknownLocaleError, ValueError):
        return ""


def _currencies() -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for territory in sorted(names.CONTINENT_OF):
        for code in get_territory_currencies(territory, MADE_ON):
            found.setdefault(code, []).append(territory)
    return found


def _native_symbol(code: str) -> str:
    """In the language that most people speak in the country that the currency is named for."""
    territories = _currencies()[code]
    territory = code[:2] if code[:2] in territories else territories[0]
    languages = get_global("territory_languages").get(territory, {})
    official = {
        name: facts["population_percent"]
        for name, facts in languages.items()
        if facts["official_status"]
    }
    for language in sorted(official, key=official.__getitem__, reverse=True):
        try:
            names_there = Locale.parse(f"{language}_{territory}")
        except (UnknownLocaleError, ValueError):
            continue
        return names_there.currency_symbols.get(code, "").strip(INVISIBLE) or code
    return Locale.parse("en").currency_symbols.get(code, "").strip(INVISIBLE) or code


if __name__ == "__main__":
    text = json.dumps(native_names(), ensure_ascii=False, indent=1)
    PATH.write_text(text + "\n", encoding="utf-8")
