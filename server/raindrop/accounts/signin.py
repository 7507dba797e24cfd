"""Signing up and signing in with e-mail and password, and what every way to sign in checks."""

from http import HTTPStatus

from raindrop.accounts.console import NO_CLAIM, Claim
from raindrop.accounts.hashes import check_password, keep_hash
from raindrop.accounts.models import Session, User
from raindrop.accounts.passwords import waste_time
from raindrop.accounts.sessions import create_session
from raindrop.accounts.users import check_email, create_user, find_by_email, get_user
from raindrop.core.access import Actor, ActorKind
from raindrop.core.cookies import SessionSecret
from raindrop.core.db import let_go
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


def sign_up(
    actor: Actor,
    public_id: str,
    email: str,
    password: str,
    name: str,
    *,
    claim: Claim = NO_CLAIM,
) -> User:
    """Make a user with e-mail and password.

    Args:
        claim: see :func:`create_user`.

    Raises:
        MethodUnsupported, UserAlreadyExists, UserCountExceeded, BadRequest, ConsoleSignUpClosed
    """
    check_method(actor.tenant, "email-password")
    return create_user(
        actor, public_id, email=check_email(email), password=password, name=name, claim=claim
    )


def sign_in(actor: Actor, email: str, password: str) -> tuple[User, Session, SessionSecret]:
    """Begin a session by e-mail and password; known and unknown addresses take the same time.

    Raises:
        MethodUnsupported, InvalidCredentials, UserBlocked
    """
    check_method(actor.tenant, "email-password")
    found = find_by_email(actor.tenant, check_email(email))
    let_go()
    if found is None or not found.password:
        waste_time(password)
        raise InvalidCredentials
    proven, kept = found.password, check_password(found, password)
    if kept is None:
        raise InvalidCredentials
    user = get_user(actor.tenant, found.public_id, lock=True)
    if user.password != proven:  # changed while this was compared
        raise InvalidCredentials
    check_active(user)
    keep_hash(user, kept)
    session, held = create_session(actor, user, provider="email", factor="password")
    return user, session, held


def begin_session(actor: Actor, user: User) -> tuple[Session, SessionSecret]:
    """Begin a session for a user whom the project's own server vouches for.

    Raises:
        UserBlocked
    """
    check_active(user)
    return create_session(actor, user, provider="server", factor="server")
