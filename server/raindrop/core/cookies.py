"""What a session's client holds: as a cookie, or as a header where no cookie comes back."""

import base64
import binascii
import json
import re
from typing import NamedTuple
from urllib.parse import urlsplit

from flask import Response, request

from raindrop.core.origins import called_host
from raindrop.core.tenancy import Tenant

SESSION_HEADER, FALLBACK_HEADER = "X-Appwrite-Session", "X-Fallback-Cookies"

_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,35}")


class SessionSecret(NamedTuple):
    """What a session's client holds."""

    user_id: str
    secret: str

    @classmethod
    def decode(cls, text: str) -> "SessionSecret | None":
        """From the cookie's or header's text; ``None`` for anything else."""
        try:
            held = json.loads(base64.b64decode(text + "=" * (-len(text) % 4), validate=True))
            found = cls(held["id"], held["secret"])
        except (binascii.Error, ValueError, KeyError, TypeError, RecursionError):
            return None
        is_text = isinstance(found.user_id, str) and isinstance(found.secret, str)
        return found if is_text and _ID.fullmatch(found.user_id) else None

    def encode(self) -> str:
        """The text for a cookie or header."""
        held = json.dumps({"id": self.user_id, "secret": self.secret}, separators=(",", ":"))
        return base64.b64encode(held.encode()).decode()


def remember_session(
    response: Response, tenant: Tenant, held: SessionSecret, expires_at: float
) -> None:
    """Give the browser its session: as a cookie, or where it would not send one, as a header."""
    name = cookie_name(tenant.public_id)
    if _cookie_cannot_come_back():
        response.headers[FALLBACK_HEADER] = json.dumps({name: held.encode()})
        return
    _set_cookies(response, name, held.encode(), expires_at)


def forget_session(response: Response, tenant: Tenant) -> None:
    """Take the session from the browser."""
    name = cookie_name(tenant.public_id)
    if request.headers.get(FALLBACK_HEADER):
        response.headers[FALLBACK_HEADER] = json.dumps({})
    _set_cookies(response, name, "", 0)


def cookie_name(project_id: str) -> str:
    """The name of a project's session cookie."""
    return f"a_session_{project_id.lower()}"


def held_session(project_id: str) -> tuple[SessionSecret | None, bool]:
    """The session that this request carries for a project, valid or not; whether it is a cookie,
    which a browser adds by itself."""
    if text := request.headers.get(SESSION_HEADER):
        return SessionSecret.decode(text), False
    name = cookie_name(project_id)
    text = request.cookies.get(name) or request.cookies.get(f"{name}_legacy")
    if text:
        return SessionSecret.decode(text), True
    try:
        fallback = json.loads(request.headers.get(FALLBACK_HEADER) or "{}")
        text = fallback.get(name) if isinstance(fallback, dict) else None
    except (ValueError, RecursionError):
        text = None
    return (SessionSecret.decode(text) if isinstance(text, str) else None), False


def _cookie_cannot_come_back() -> bool:
    """A page of another site without TLS: browsers keep such cookies to themselves."""
    origin = urlsplit(request.headers.get("Origin", "")).hostname
    return bool(origin) and origin != called_host() and not request.is_secure


def _set_cookies(response: Response, name: str, value: str, expires_at: float) -> None:
    """The contract's pair; the second is for browsers that refuse ``SameSite=None``."""
    same_site = "None" if request.is_secure else "Lax"
    for each, policy in ((name, same_site), (f"{name}_legacy", None)):
        response.set_cookie(
            each,
            value,
            expires=int(expires_at),
            secure=request.is_secure,
            httponly=True,
            samesite=policy,
        )
