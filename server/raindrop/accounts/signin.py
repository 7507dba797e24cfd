"""Signing up and signing in with e-mail and password, and what every way to sign in checks."""

from http import HTTPStatus

from raindrop.accounts.models import Session, User
from raindrop.accounts.password_rules import check_password
from raindrop.accounts.passwords import hash_password, needs_rehash, verify_argon2, waste_time
from raindrop.accounts.sessions import create_session
from raindrop.accounts.users import check_email, create_user, find_by_email
from raindrop.core.access import Actor, ActorKind
from raindrop.core.credentials import SessionSecret
from raindrop.core.errors import AppError
from raindrop.core.tenancy import Tenant


class InvalidCredentials(AppError):
    """The e-mail, the password or both are wrong."""

    type = "user_invalid_credentials"
    status = HTTPStatus.UNAUTHORIZED
    message = "The e-mail or the password is wrong."


class UserBlocked(AppError):
    """The project's owners suspended this user."""

    type = "user_blocked"
    status = HTTPStatus.UNAUTHORIZED
    message = "This account is suspended."


class MethodUnsupported(AppError):
    """The project's owners switched this way to sign in off."""

    type = "user_auth_method_unsupported"
    status = HTTPStatus.NOT_IMPLEMENTED
    message = "This way to sign in is switched off for the project."


class SessionAlreadyExists(AppError):
    """Somebody is signed in with this session already."""

    type = "user_session_already_exists"
    status = HTTPStatus.UNAUTHORIZED
    message = "A session is active already; end it first."


def check_method(tenant: Tenant, method: str) -> None:
    """Whether the project lets people sign in this way.

    Raises:
        MethodUnsupported
    """
    if method in tenant.settings.methods_off:
        raise MethodUnsupported


def check_no_session(actor: Actor) -> None:
    """A guest signs in, not somebody who is.

    Raises:
        SessionAlreadyExists
    """
    if actor.kind == ActorKind.USER:
        raise SessionAlreadyExists


def check_active(user: User) -> None:
    """A suspended user signs in by no way.

    Raises:
        UserBlocked
    """
    if not user.is_active:
        raise UserBlocked


def is_password_of(user: User, password: str) -> bool:
    """Whether somebody knows the user's password.

    Raises:
        ServiceUnavailable: too many wait already.
    """
    return bool(user.password) and verify_argon2(user.password or "", password)


def sign_up(actor: Actor, public_id: str, email: str, password: str, name: str) -> User:
    """Make a user with e-mail and password.

    Raises:
        MethodUnsupported, UserAlreadyExists, UserCountExceeded, BadRequest, PasswordPersonal
    """
    check_method(actor.tenant, "email-password")
    email = check_email(email)
    check_password(actor.tenant, password, personal=(public_id, email, name))
    return create_user(actor, public_id, email=email, password=password, name=name)


def sign_in(actor: Actor, email: str, password: str) -> tuple[User, Session, SessionSecret]:
    """Begin a session by e-mail and password; known and unknown addresses take the same time.

    Raises:
        MethodUnsupported, InvalidCredentials, UserBlocked
    """
    check_method(actor.tenant, "email-password")
    user = find_by_email(actor.tenant, check_email(email))
    if user is None or not user.password:
        waste_time(password)
        raise InvalidCredentials
    if not verify_argon2(user.password, password):
        raise InvalidCredentials
    check_active(user)
    if needs_rehash(user.password):
        user.password = hash_password(password)
    session, held = create_session(actor, user, provider="email", factor="password")
    return user, session, held
