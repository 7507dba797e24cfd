"""From an address to its country, by a file that the operator gives.

The free databases have licences or an age that rule out shipping one, so that without
``RAINDROP_GEO_DATABASE`` every country is unknown.
"""

import functools
import logging
from typing import Any

from raindrop.config import load_settings

log = logging.getLogger(__name__)

UNKNOWN = "--"
"""The contract's country code where none is known."""


def country_of(ip: str) -> str:
    """The ISO 3166-1 code of an address's country, such as ``FR``; ``--`` where it is unknown."""
    reader = _reader()
    if reader is None:
        return UNKNOWN
    try:
        found = reader.get(ip)
    except Exception as error:  # no address, or a file that is damaged inside
        log.info("geo: no look-up: %s", type(error).__name__)
        return UNKNOWN
    return _code(found)


def _code(found: Any) -> str:
    """The code in a record of GeoLite2 or DB-IP (``country.iso_code``) or a flat one."""
    record = found if isinstance(found, dict) else {}
    country = record.get("country")
    nested = country.get("iso_code") if isinstance(country, dict) else None
    code = str(nested or record.get("country_code") or "").upper()
    return code if len(code) == 2 and code.isascii() and code.isalpha() else UNKNOWN


@functools.cache
def _reader() -> Any:
    """The open database, mapped and not read into memory; opened once a process."""
    path = load_settings().geo_database
    if path is None:
        return None
    import maxminddb  # only where there is a file for it

    try:
        return maxminddb.open_database(path)
    except (OSError, ValueError, maxminddb.InvalidDatabaseError) as error:
        log.error("geo: RAINDROP_GEO_DATABASE cannot be read (%s)", type(error).__name__)
        return None
