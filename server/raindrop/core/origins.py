"""Which pages may act for a project's users, by the host that they come from."""

from urllib.parse import urlsplit

from flask import request

from raindrop.core.tenancy import Tenant

LOCAL_HOSTS = frozenset({"localhost", "127.0.0.1", "::1"})


def called_host() -> str:
    """The name by which the server was called, without its port."""
    try:
        return urlsplit(f"//{request.host}").hostname or ""
    except ValueError:
        return ""


def is_known_origin(tenant: Tenant, origin: str) -> bool:
    """Whether a page may act for the project's users: ours, a local one, or a platform's."""
    host = urlsplit(origin).hostname or ""
    if not host:
        return False
    if origin == f"{request.scheme}://{request.host}":
        return True
    return host in LOCAL_HOSTS or any(matches_host(name, host) for name in tenant.hostnames)


def matches_host(pattern: str, host: str) -> bool:
    """Whether a platform's host name, which may begin with ``*.``, covers a host."""
    pattern, host = pattern.lower(), host.lower()
    if pattern.startswith("*."):
        return host.endswith(pattern[1:]) and len(host) > len(pattern) - 1
    return bool(pattern) and host == pattern
