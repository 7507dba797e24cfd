"""Authenticator apps: setting one up, its codes, taking it away."""

from http import HTTPStatus

import pyotp
import sqlalchemy as sa

from raindrop.accounts.factors import Factor, has_authenticator
from raindrop.accounts.models import Authenticator, User
from raindrop.accounts.sessions import prove_factor, session_user
from raindrop.accounts.users import changed, publish_user
from raindrop.core.access import Actor
from raindrop.core.db import db
from raindrop.core.errors import AppError, NotFound
from raindrop.core.formats import new_id
from raindrop.core.secrets import get_vault

STEP_WINDOW = 1
"""A clock may be one time step (30 s) off."""


class InvalidCode(AppError):
    """The code is wrong, or the challenge is over."""

    type = "user_invalid_token"
    status = HTTPStatus.UNAUTHORIZED
    message = "This code is wrong or has expired; ask for a new challenge."


class AuthenticatorNotFound(NotFound):
    """The user has no authenticator, or none that is verified."""

    type = "user_authenticator_not_found"
    message = "The user has no authenticator."


class AuthenticatorVerified(AppError):
    """There is one at work."""

    type = "user_authenticator_already_verified"
    status = HTTPStatus.CONFLICT
    message = "The authenticator is verified already; delete it to set up another."


def create_authenticator(actor: Actor) -> tuple[str, str]:
    """Begin to set up an authenticator: its secret and the ``otpauth:`` address for a QR code.

    Raises:
        AuthenticatorVerified
    """
    user = session_user(actor, lock=True)
    if has_authenticator(user):
        raise AuthenticatorVerified
    # What was begun and not finished: another secret is shown now.
    db.session.execute(sa.delete(Authenticator).where(Authenticator.user_id == user.id))
    secret = pyotp.random_base32()
    db.session.add(
        Authenticator(
            project_id=actor.tenant.id,
            public_id=new_id(),
            user_id=user.id,
            type=Factor.TOTP.value,
            secret=get_vault().encrypt(secret),
            is_verified=False,
            last_step=0,
        )
    )
    publish_user(actor, user, "update.mfa")
    label = user.email or user.phone or user.public_id
    uri = pyotp.TOTP(secret, name=label, issuer=actor.tenant.name).provisioning_uri()
    return secret, uri


def verify_authenticator(actor: Actor, code: str) -> User:
    """Put an authenticator to work by its first code; the session gains the factor.

    Raises:
        AuthenticatorNotFound, AuthenticatorVerified, InvalidCode
    """
    user = session_user(actor, lock=True)
    authenticator = find_authenticator(user)
    if authenticator.is_verified:
        raise AuthenticatorVerified
    if not take_code(authenticator, code):
        raise InvalidCode
    authenticator.is_verified = True
    if actor.person.session:
        prove_factor(actor, Factor.TOTP)
    changed(actor, user, "update.mfa")
    return user


def delete_authenticator(actor: Actor, user: User) -> None:
    """Take a user's authenticator away.

    Raises:
        AuthenticatorNotFound
    """
    db.session.delete(find_authenticator(user))
    changed(actor, user, "update.mfa")


def find_authenticator(user: User) -> Authenticator:
    mine = sa.select(Authenticator).where(Authenticator.user_id == user.id)
    found: Authenticator | None = db.session.scalar(mine)
    if found is None:
        raise AuthenticatorNotFound
    return found


def take_code(authenticator: Authenticator, code: str) -> bool:
    """Whether an authenticator's code is right and was not taken before (RFC 6238, section 5.2)."""
    totp = pyotp.TOTP(get_vault().decrypt(authenticator.secret))
    try:
        step = totp.verify_and_get_timecode(code.strip(), valid_window=STEP_WINDOW)
    except pyotp.OTPVerificationError:
        return False
    is_new = sa.and_(Authenticator.id == authenticator.id, Authenticator.last_step < step)
    taken = db.session.execute(sa.update(Authenticator).where(is_new).values(last_step=step))
    return bool(taken.rowcount == 1)  # type: ignore[attr-defined]
