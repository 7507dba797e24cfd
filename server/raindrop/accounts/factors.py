"""Which second factors a user has, and how many a session needs."""

from enum import StrEnum

import sqlalchemy as sa

from raindrop.accounts.models import Authenticator, User
from raindrop.core.db import db


class Factor(StrEnum):
    """A second factor, as a session and the contract's list of factors name it."""

    TOTP = "totp"
    EMAIL = "email"
    PHONE = "phone"
    RECOVERY_CODE = "recoveryCode"


def list_factors(user: User) -> dict[str, bool]:
    """The contract's ``mfaFactors``: what the user can answer a challenge with."""
    return {
        Factor.TOTP.value: has_authenticator(user),
        Factor.PHONE.value: user.is_phone_verified,
        Factor.EMAIL.value: user.is_email_verified,
        Factor.RECOVERY_CODE.value: bool(user.recovery_codes),
    }


def has_authenticator(user: User) -> bool:
    """Whether the user has an authenticator app that gave a right code once."""
    query = sa.select(Authenticator.id).where(
        Authenticator.user_id == user.id, Authenticator.is_verified
    )
    return db.session.scalar(query.limit(1)) is not None


def answerable(user: User) -> frozenset[Factor]:
    """The factors that a session may be made to wait for.

    A phone is none while no message reaches it, and recovery codes are there for the case that
    another factor is lost: whoever has only these is not locked out by the last one.
    """
    found = {Factor.EMAIL} if user.is_email_verified else set()
    return frozenset(found | ({Factor.TOTP} if has_authenticator(user) else set()))


def count_needed(user: User, factors: list[str]) -> int:
    """How many factors a session with these must have.

    A second one only where there is one that the session does not have: somebody who signed in by
    a mailed code and has nothing but that mailbox would wait for ever.
    """
    return 2 if user.has_mfa and answerable(user).difference(factors) else 1
