"""What a user agent says of system, browser and device, in the contract's fields."""

from functools import lru_cache

FIELDS = (
    "osCode", "osName", "osVersion", "clientType", "clientCode", "clientName", "clientVersion",
    "clientEngine", "clientEngineVersion", "deviceName", "deviceBrand", "deviceModel",
)  # fmt: skip

_DESKTOPS = {"Windows", "Mac OS X", "Linux", "Ubuntu", "Fedora", "Chrome OS", "Debian"}
_PHONES = {"iOS", "Android"}


@lru_cache(maxsize=1024)
def _parse(user_agent: str) -> tuple[tuple[str, str], ...]:
    # Its tables are large; a process that sees no sign-in does without.
    from ua_parser import parse

    found = parse(user_agent)
    system, browser, device = found.os, found.user_agent, found.device
    values = dict.fromkeys(FIELDS, "")
    if system:
        values["osName"] = system.family
        values["osCode"] = system.family.replace(" ", "")[:3].upper()
        values["osVersion"] = _version(system.major, system.minor)
        if system.family in _DESKTOPS:
            values["deviceName"] = "desktop"
        elif system.family in _PHONES:
            values["deviceName"] = "smartphone"
    if browser:
        values["clientType"] = "browser" if user_agent.startswith("Mozilla/") else "library"
        values["clientName"] = browser.family
        values["clientCode"] = browser.family.replace(" ", "")[:2].upper()
        values["clientVersion"] = _version(browser.major, browser.minor)
        values["clientEngine"] = _engine(user_agent)
    if device:
        values["deviceBrand"] = device.brand or ""
        values["deviceModel"] = device.model or ""
    return tuple(values.items())


def describe_client(user_agent: str) -> dict[str, str]:
    """The contract's ``os…``, ``client…`` and ``device…`` fields; empty where nothing is known."""
    return dict(_parse(user_agent))


def _version(major: str | None, minor: str | None) -> str:
    return ".".join(part for part in (major, minor) if part)


def _engine(user_agent: str) -> str:
    if "Gecko/" in user_agent:
        return "Gecko"
    if "Chrome/" in user_agent:
        return "Blink"
    return "WebKit" if "AppleWebKit/" in user_agent else ""
