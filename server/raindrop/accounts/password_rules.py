"""What a project asks of new passwords, and how a user gets one.

Comparing and hashing is slow and needs no database: :func:`prepare` does it on a user as it was
read, before the row is locked and :func:`keep` writes.
"""

from collections.abc import Iterable, Sequence
from functools import cache
from http import HTTPStatus

from raindrop.accounts.hashes import ARGON2, Hash, hash_anew, keep_hash
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


def check_new_password(tenant: Tenant, password: str, *, personal: Iterable[str | None]) -> None:
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


def prepare(tenant: Tenant, user: User, password: str, *also_personal: str) -> Hash:
    """The hash of a user's new password that fits the project's rules; writes nothing.

    Args:
        also_personal: what becomes known of the person together with it.

    Raises:
        BadRequest, PasswordPersonal, PasswordRecentlyUsed
        ServiceUnavailable: too many wait already.
    """
    personal = (user.public_id, user.email, user.name, user.phone, *also_personal)
    check_new_password(tenant, password, personal=personal)
    for hashed in _recent(tenant, user):
        # Those of another system are verified by parameters that the history does not keep.
        if hashed.startswith("$argon2") and verify_argon2(hashed, password):
            raise PasswordRecentlyUsed
    return hash_anew(password)


def keep(tenant: Tenant, user: User, hashed: Hash | None) -> None:
    """Have this be the user's password from now on; the one before becomes history.

    Args:
        user: read for an update.
        hashed: None: no password lets in.
    """
    user.password_history = list(_recent(tenant, user))
    keep_hash(user, hashed)
    user.password_updated_at = utc_now()


def _recent(tenant: Tenant, user: User) -> Sequence[str]:
    """The hashes of the passwords that the user may not have again, the one of now among them."""
    kept = tenant.settings.password_history
    is_ours = user.password is not None and user.hash_type == ARGON2
    known = [*user.password_history, *([user.password] if is_ours and user.password else [])]
    return known[-kept:] if kept else ()


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
