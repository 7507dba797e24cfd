"""Second factors: the switch, challenges, recovery codes.

A challenge is answered once. A try is counted before it is compared, so however many arrive at
once, no more than ``ATTEMPTS_MAX`` are looked at.
"""

import datetime
import hmac
import json
import secrets
from http import HTTPStatus

import sqlalchemy as sa

from raindrop.accounts import factors
from raindrop.accounts.authenticators import AuthenticatorNotFound, take_code
from raindrop.accounts.factors import Factor
from raindrop.accounts.models import Authenticator, Challenge, Session, User
from raindrop.accounts.sessions import (
    SessionNotFound,
    add_factors,
    lock_session,
    prove_factor,
    session_user,
)
from raindrop.accounts.users import changed, forget, publish_user
from raindrop.core.access import Actor
from raindrop.core.db import db, utc_now
from raindrop.core.errors import AppError, NotFound
from raindrop.core.events import publish
from raindrop.core.formats import new_id, show_time
from raindrop.core.secrets import get_vault, new_code
from raindrop.core.tenancy import rows_of
from raindrop.mails.service import send_mail

CHALLENGE_LIFETIME = datetime.timedelta(minutes=15)
ATTEMPTS_MAX = 5
CODE_DIGITS = 6
FRESH_FOR = datetime.timedelta(minutes=30)
"""So long after a challenge a session may see recovery codes or take an authenticator away."""

RECOVERY_CODES, RECOVERY_CODE_LENGTH = 6, 10
RECOVERY_ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"
"""Without the letters and digits that people take for each other; ten are 49 bits."""


class ChallengeRequired(AppError):
    """The session answered no challenge of late."""

    type = "user_challenge_required"
    status = HTTPStatus.UNAUTHORIZED
    message = "Answer a challenge again to do this."


class RecoveryCodesExist(AppError):
    """They are made once, then renewed."""

    type = "user_recovery_codes_already_exists"
    status = HTTPStatus.CONFLICT
    message = "There are recovery codes already; renew them instead."


class RecoveryCodesNotFound(NotFound):
    """None were made, or all are used."""

    type = "user_recovery_codes_not_found"
    message = "The user has no recovery codes."


class EmailNotVerified(AppError):
    """A mailed code proves something only where the address is known to be the user's."""

    type = "user_email_not_verified"
    status = HTTPStatus.BAD_REQUEST
    message = "The user's e-mail is not verified."


class PhoneDisabled(AppError):
    """There is no way to send messages."""

    type = "general_phone_disabled"
    status = HTTPStatus.SERVICE_UNAVAILABLE
    message = "This server sends no text messages."


def set_mfa(actor: Actor, user: User, *, is_on: bool) -> User:
    """Turn the second factor on or off for a user.

    The session that turns it on goes on: it was let in, and its owner could set up every factor.
    """
    user.has_mfa = is_on
    if is_on and actor.user_id == user.public_id and actor.person.session:
        add_factors(lock_session(actor), *sorted(factors.answerable(user)))
    changed(actor, user, "update.mfa")
    return user


# Challenges


def create_challenge(actor: Actor, factor: Factor) -> Challenge:
    """Ask for a second factor; a code for e-mail is mailed.

    Raises:
        PhoneDisabled, EmailNotVerified, AuthenticatorNotFound, RecoveryCodesNotFound
    """
    user = session_user(actor)
    _check_has(user, factor)
    now = utc_now()
    challenge = Challenge(
        project_id=actor.tenant.id,
        public_id=new_id(),
        user_id=user.id,
        factor=factor.value,
        code_digest="",
        attempts=0,
        expires_at=now + CHALLENGE_LIFETIME,
        created_at=now,
    )
    if factor == Factor.EMAIL and user.email:
        code = new_code(CODE_DIGITS)
        challenge.code_digest = _digest(challenge, code)
        send_mail(
            actor.tenant,
            "mfachallenge",
            user.email,
            locale=actor.caller.locale,
            values={"user": user.name or user.email, "otp": code},
        )
    db.session.add(challenge)
    publish(
        f"users.{user.public_id}.challenges.{challenge.public_id}.create",
        resource=f"user/{user.public_id}",
        payload=dump_challenge(challenge, user),
        actor=actor,
    )
    return challenge


def answer_challenge(actor: Actor, public_id: str, code: str) -> Session | None:
    """Answer a challenge; the session gains its factor.

    Returns:
        None: the code is wrong or the challenge over. It is no error, for the try must be kept.

    Raises:
        SessionNotFound: the token that asks stands for no session.
    """
    if not actor.person.session:
        raise SessionNotFound
    challenge = _take_attempt(actor, public_id)
    if challenge is None:
        return None
    user = session_user(actor, lock=True)
    if not _is_right(user, challenge, code):
        return None
    redeemed = db.session.execute(sa.delete(Challenge).where(Challenge.id == challenge.id))
    if redeemed.rowcount != 1:  # type: ignore[attr-defined]
        return None
    session = prove_factor(actor, Factor(challenge.factor))
    forget(actor.tenant, user)
    publish_user(actor, user, "update.mfa")
    return session


def dump_challenge(challenge: Challenge, user: User) -> dict[str, str]:
    """A challenge as the contract has it."""
    return {
        "$id": challenge.public_id,
        "$createdAt": show_time(challenge.created_at),
        "userId": user.public_id,
        "expire": show_time(challenge.expires_at),
    }


def check_fresh(actor: Actor) -> None:
    """Whether the session answered a challenge of late.

    Raises:
        ChallengeRequired
    """
    updated_at = actor.person.session.get("mfaUpdatedAt", "")
    # ISO 8601 in UTC with milliseconds sorts as the times do.
    if updated_at < show_time(utc_now() - FRESH_FOR):
        raise ChallengeRequired


# Recovery codes


def make_recovery_codes(actor: Actor, user: User, *, renews: bool) -> list[str]:
    """New recovery codes.

    Args:
        user: read for an update.
        renews: whether they replace others.

    Raises:
        RecoveryCodesExist, RecoveryCodesNotFound
    """
    if bool(user.recovery_codes) != renews:
        raise RecoveryCodesNotFound if renews else RecoveryCodesExist
    codes = [
        "".join(secrets.choice(RECOVERY_ALPHABET) for _ in range(RECOVERY_CODE_LENGTH))
        for _ in range(RECOVERY_CODES)
    ]
    _keep_recovery_codes(user, codes)
    changed(actor, user, "update.mfa")
    return codes


def read_recovery_codes(user: User) -> list[str]:
    """The codes that are left.

    Raises:
        RecoveryCodesNotFound
    """
    if not user.recovery_codes:
        raise RecoveryCodesNotFound
    codes: list[str] = json.loads(get_vault().decrypt(user.recovery_codes))
    return codes


def _keep_recovery_codes(user: User, codes: list[str]) -> None:
    user.recovery_codes = get_vault().encrypt(json.dumps(codes)) if codes else None


def _take_recovery_code(user: User, code: str) -> bool:
    given, left = code.strip().lower(), read_recovery_codes(user) if user.recovery_codes else []
    kept = [each for each in left if not _equal(each, given)]
    if len(kept) == len(left):
        return False
    _keep_recovery_codes(user, kept)
    return True


# How codes are compared


def _check_has(user: User, factor: Factor) -> None:
    if factor == Factor.PHONE:
        raise PhoneDisabled
    if factor == Factor.EMAIL and not user.is_email_verified:
        raise EmailNotVerified
    if factor == Factor.TOTP and not factors.has_authenticator(user):
        raise AuthenticatorNotFound
    if factor == Factor.RECOVERY_CODE and not user.recovery_codes:
        raise RecoveryCodesNotFound


def _take_attempt(actor: Actor, public_id: str) -> Challenge | None:
    """The person's challenge with one try less; ``None`` where none is left."""
    is_open = sa.and_(
        Challenge.project_id == actor.tenant.id,
        Challenge.public_id == public_id,
        Challenge.user_id == actor.person.user_id,
        Challenge.attempts < ATTEMPTS_MAX,
        Challenge.expires_at > utc_now(),
    )
    taken = db.session.execute(
        sa.update(Challenge).where(is_open).values(attempts=Challenge.attempts + 1)
    )
    if taken.rowcount != 1:  # type: ignore[attr-defined]
        return None
    return db.session.scalar(
        rows_of(Challenge, actor.tenant).where(Challenge.public_id == public_id)
    )


def _is_right(user: User, challenge: Challenge, code: str) -> bool:
    if challenge.factor == Factor.EMAIL:
        return _equal(challenge.code_digest, _digest(challenge, code.strip()))
    if challenge.factor == Factor.RECOVERY_CODE:
        return _take_recovery_code(user, code)
    authenticator = db.session.scalar(
        sa.select(Authenticator).where(Authenticator.user_id == user.id, Authenticator.is_verified)
    )
    return authenticator is not None and take_code(authenticator, code)


def _digest(challenge: Challenge, code: str) -> str:
    """A code has too few digits for a plain hash: whoever reads the table would try them all."""
    key = get_vault().derive("mfa challenge")
    return hmac.digest(key, f"{challenge.public_id}:{code}".encode(), "sha256").hex()


def _equal(one: str, other: str) -> bool:
    return secrets.compare_digest(one.encode(), other.encode())
