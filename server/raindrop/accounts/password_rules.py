"""What a project asks of new passwords, and how one is set."""

from collections.abc import Iterable
from functools import cache
from http import HTTPStatus

from raindrop.accounts.hashes import hash_anew, keep_hash
from raindrop.accounts.models import User
from raindrop.accounts.passwords import verify_argon2
from raindrop.core.db import utc_now
from raindrop.core.errors import AppError, BadRequest
from raindrop.core.tenancy import Tenant

PASSWORD_MIN, PASSWORD_MAX = 8, 256
PERSONAL_MIN = 3
"""Shorter names and numbers are in too many good passwords."""


class PasswordRecentlyUsed(AppError):
    """It is one of the last few."""

    type = "password_recently_used"
    status = HTTPStatus.BAD_REQUEST
    message = "You used this password lately; choose another."


class PasswordPersonal(AppError):
    """It holds something that others know of the person."""

    type = "password_personal_data"
    status = HTTPStatus.BAD_REQUEST
    message = "The password holds your name, e-mail, phone number or user id; choose another."


def check_new_password(
    tenant: Tenant, password: str, *, personal: Iterable[str | None] = ()
) -> None:
    """Whether a new password fits the project's rules, but for those about earlier ones.

    Args:
        personal: the person's id, e-mail, name and phone, where there are any.

    Raises:
        BadRequest: too short, too long, or one of the most common.
        PasswordPersonal
    """
    if not PASSWORD_MIN <= len(password) <= PASSWORD_MAX:
        raise BadRequest(f"password: must have {PASSWORD_MIN} to {PASSWORD_MAX} characters")
    settings = tenant.settings
    if settings.checks_password_dictionary and password.lower() in _common_passwords():
        raise BadRequest("password: is one of the most common; choose another")
    if settings.checks_personal_data and _holds_personal(password, personal):
        raise PasswordPersonal


def set_password(tenant: Tenant, user: User, password: str) -> None:
    """Give a user a new password that fits the project's rules.

    Raises:
        BadRequest, PasswordPersonal, PasswordRecentlyUsed
    """
    personal = (user.public_id, user.email, user.name, user.phone)
    check_new_password(tenant, password, personal=personal)
    kept = tenant.settings.password_history
    recent = [*user.password_history, *([user.password] if user.password else [])][-kept:]
    recent = recent if kept else []
    if any(hashed.startswith("$argon2") and verify_argon2(hashed, password) for hashed in recent):
        raise PasswordRecentlyUsed
    user.password_history = recent
    keep_hash(user, hash_anew(password))
    user.password_updated_at = utc_now()


def _holds_personal(password: str, personal: Iterable[str | None]) -> bool:
    parts = {part for text in personal if text for part in (text, text.partition("@")[0])}
    folded = password.casefold()
    # People leave the plus of a phone number out.
    plain = (part.removeprefix("+").casefold() for part in parts)
    return any(len(part) >= PERSONAL_MIN and part in folded for part in plain)


@cache
def _common_passwords() -> frozenset[str]:
    # 14 MB while it is read, 1 MB after: only where a project asks for it.
    from zxcvbn.frequency_lists import FREQUENCY_LISTS

    return frozenset(word for word in FREQUENCY_LISTS["passwords"] if len(word) >= PASSWORD_MIN)
