"""Where links in mails and redirects may lead: to the project's platforms, local hosts, our own.

The request's ``Host`` is not asked: whoever sends it chooses it, and a mailed link with a secret
would go there.
"""

import re
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from flask import current_app

from raindrop.config import Settings
from raindrop.core.errors import BadRequest
from raindrop.core.origins import LOCAL_HOSTS, matches_host
from raindrop.core.tenancy import Tenant

URL_MAX = 2048


def check_redirect(tenant: Tenant, url: str, *, name: str = "url") -> str:
    """The address as it was given.

    Args:
        name: the argument's, for the message.

    Raises:
        BadRequest: it is no address, or of a host that is not the project's.
    """
    # Browsers read a backslash as a slash and pass over control characters; we do not guess how.
    if len(url) > URL_MAX or not re.fullmatch(r"[!-\[\]-~]+", url):
        raise BadRequest(f"{name}: must be an address of up to {URL_MAX} ASCII characters")
    try:
        parts = urlsplit(url)
        host = (parts.hostname or "").lower()
        _ = parts.port
    except ValueError:
        raise BadRequest(f"{name}: must be an address such as https://example.com/page") from None
    if parts.scheme == f"appwrite-callback-{tenant.public_id}".lower():
        return url  # an app's own scheme, which its client library chooses
    if parts.scheme not in ("http", "https") or not host or "@" in parts.netloc:
        raise BadRequest(f"{name}: must be an address such as https://example.com/page")
    if not _is_ours(tenant, host):
        raise BadRequest(
            f"{name}: {host} is no platform of the project."
            " Add it as a web platform in the console."
        )
    return url


def own_address(path: str) -> str:
    """The address of a page of this site."""
    settings: Settings = current_app.config["RAINDROP"]
    return (settings.public_url or f"http://localhost:{settings.port}") + path


def add_query(url: str, **values: str) -> str:
    """The address with more in its query; names that it has already are replaced."""
    parts = urlsplit(url)
    kept = {
        name: value
        for name, value in parse_qsl(parts.query, keep_blank_values=True)
        if name not in values
    }
    return urlunsplit(parts._replace(query=urlencode(kept | values)))


def _is_ours(tenant: Tenant, host: str) -> bool:
    own = (urlsplit(own_address("")).hostname or "").lower()
    if host in LOCAL_HOSTS or host == own:
        return True
    return any(matches_host(pattern, host) for pattern in tenant.hostnames)
