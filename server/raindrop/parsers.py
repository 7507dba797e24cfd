"""From a setting's text to its value; a bad one raises a ``ValueError`` that says what is meant."""

import contextlib
import ipaddress
import re
from collections.abc import Callable
from urllib.parse import urlsplit


def text(value: str) -> str:
    return value


def integer(low: int, high: int) -> Callable[[str], int]:
    def parse(value: str) -> int:
        if not re.fullmatch(r"\d{1,9}", value) or not low <= int(value) <= high:
            raise ValueError(f"must be a whole number from {low} to {high}")
        return int(value)

    return parse


def choice(*choices: str) -> Callable[[str], str]:
    def parse(value: str) -> str:
        if value not in choices:
            raise ValueError(f"must be one of: {', '.join(choices)}")
        return value

    return parse


def address(value: str) -> str:
    try:
        return str(ipaddress.ip_address(value))
    except ValueError:
        raise ValueError("must be an IP address, such as 127.0.0.1 or 0.0.0.0") from None


def database_url(value: str) -> str:
    scheme = urlsplit(value).scheme
    if scheme in ("mysql", "mariadb"):
        return value.replace(f"{scheme}://", "mysql+pymysql://", 1)
    if scheme not in ("", "sqlite", "mysql+pymysql"):
        raise ValueError("must start with sqlite:/// or mysql://")
    return value


def redis_url(value: str) -> str:
    if urlsplit(value).scheme not in ("", "redis", "rediss", "unix"):
        raise ValueError("must start with redis://, rediss:// or unix://")
    return value


def site_url(value: str) -> str:
    parts = urlsplit(value)
    if value and (parts.scheme not in ("http", "https") or not parts.hostname or parts.query):
        raise ValueError("must be an address such as https://example.com")
    return value.rstrip("/")


def smtp_url(value: str) -> str:
    parts = urlsplit(value)
    if value and (parts.scheme not in ("smtp", "smtps") or not parts.hostname):
        raise ValueError("must start with smtp:// or smtps:// and name a host")
    if parts.port == 0:  # others that are none are errors of their own
        raise ValueError("has no such port")
    return value


def sender(value: str) -> str:
    address = r"[^<>@\s,;]+@[^<>@\s,;]+"
    if value and not re.fullmatch(rf"{address}|[^<>@\r\n]*<{address}>", value):
        raise ValueError("must be an address, or a name and <address>")
    return value


def rate_limit(value: str) -> str:
    if not re.fullmatch(r"[1-9][0-9]{0,8}/(second|minute|hour|day)", value):
        raise ValueError('must be a rate such as "600/minute"')
    return value


def addresses(value: str) -> tuple[str, ...]:
    addresses = tuple(part.strip() for part in value.split(",") if part.strip())
    if any(not re.fullmatch(r"unix:/\S+|http://[^/\s]+", address) for address in addresses):
        raise ValueError("must be a comma-separated list of unix:/path or http://host:port")
    return addresses


def networks(value: str) -> tuple[str, ...]:
    parts = tuple(part.strip() for part in value.split(",") if part.strip())
    try:
        return tuple(str(ipaddress.ip_network(part)) for part in parts)
    except ValueError:
        raise ValueError("must be a comma-separated list of addresses or networks") from None


def openings(value: str) -> tuple[str, ...]:
    return tuple(opening(part.strip()) for part in value.split(",") if part.strip())


def opening(text: str) -> str:
    """A network with its ``/``, or a lower-case host or address with its port."""
    with contextlib.suppress(ValueError):
        return str(ipaddress.ip_network(text))
    found = re.fullmatch(r"([A-Za-z0-9_.-]+|\[[0-9A-Fa-f:.]+\]):([0-9]{1,5})", text)
    try:
        if not found or not 1 <= int(found[2]) <= 65535:
            raise ValueError
        host = found[1].lower().removesuffix(".")
        if host.startswith("["):
            host = f"[{ipaddress.IPv6Address(host[1:-1])}]"
        elif re.search(r"(^|\.)([0-9]+|0x[0-9a-f]*)$", host):
            host = str(ipaddress.IPv4Address(host))
    except ValueError:
        raise ValueError(
            "must be a comma-separated list of host:port, address:port, [IPv6]:port or networks"
        ) from None
    return f"{host}:{int(found[2])}"


def listener(value: str) -> str:
    if value and not re.fullmatch(r"(\d{1,3}(\.\d{1,3}){3}|\[[0-9a-fA-F:]+\]):\d{1,5}", value):
        raise ValueError("must be an address and a port, such as 10.0.0.1:8082")
    return value


def secret(value: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9_-]{0,200}", value):
        raise ValueError("may hold letters, digits, _ and - only")
    return value
