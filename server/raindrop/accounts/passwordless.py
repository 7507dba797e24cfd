"""Signing in without a password: magic links, mailed codes, tokens, and as nobody in particular.

A known and an unknown address are answered alike: the unknown one becomes a user, and where none
may be made, the answer looks as if there was one.
"""

from http import HTTPStatus

from raindrop.accounts.models import Session, TokenType, User
from raindrop.accounts.phrases import new_phrase
from raindrop.accounts.redirects import add_query, check_redirect, own_address
from raindrop.accounts.sessions import create_session
from raindrop.accounts.signin import check_active, check_method
from raindrop.accounts.tokens import CODE_DIGITS, Issued, find_user, issue, redeem
from raindrop.accounts.users import (
    UserAlreadyExists,
    UserCountExceeded,
    changed,
    check_email,
    create_user,
    find_by_email,
)
from raindrop.core.access import Actor
from raindrop.core.cookies import SessionSecret
from raindrop.core.errors import AppError
from raindrop.core.formats import new_id, show_time
from raindrop.core.secrets import new_code, new_secret
from raindrop.core.tenancy import find_row
from raindrop.mails.service import send_mail

MAGIC_PAGE = "/console/magic-url"
"""Where a magic link leads that was asked for without an address."""

SESSION_KINDS = (
    TokenType.MAGIC_URL,
    TokenType.EMAIL,
    TokenType.PHONE,
    TokenType.OAUTH2,
    TokenType.GENERIC,
)
"""Tokens that begin a session."""

_METHODS = {
    TokenType.MAGIC_URL: "magic-url",
    TokenType.EMAIL: "email-otp",
    TokenType.PHONE: "phone",
}
_PROVIDERS = {
    TokenType.MAGIC_URL: "magic-url",
    TokenType.EMAIL: "email",
    TokenType.PHONE: "phone",
    TokenType.GENERIC: "token",
}
_FACTORS = {
    TokenType.MAGIC_URL: "email",
    TokenType.EMAIL: "email",
    TokenType.PHONE: "phone",
    TokenType.OAUTH2: "oauth2",
    TokenType.GENERIC: "token",
}


class AnonymousConsoleProhibited(AppError):
    """Operators have names."""

    type = "user_anonymous_console_prohibited"
    status = HTTPStatus.UNAUTHORIZED
    message = "The console has no anonymous accounts."


def begin_anonymous_session(actor: Actor) -> tuple[User, Session, SessionSecret]:
    """Make a user of whom nothing is known, and a session.

    Raises:
        AnonymousConsoleProhibited, MethodUnsupported, UserCountExceeded
    """
    if actor.tenant.is_console:
        raise AnonymousConsoleProhibited
    check_method(actor.tenant, "anonymous")
    user = create_user(actor, new_id())
    session, held = create_session(actor, user, provider="anonymous", factor="anonymous")
    return user, session, held


def send_magic_url(
    actor: Actor, public_id: str, email: str, url: str, *, has_phrase: bool
) -> Issued:
    """Mail a link that begins a session.

    Args:
        public_id: of the user who is made where the address is new.
        url: the page that redeems the link; empty: our own.

    Raises:
        MethodUnsupported, UserAlreadyExists, BadRequest
    """
    check_method(actor.tenant, "magic-url")
    page = check_redirect(actor.tenant, url) if url else own_address(MAGIC_PAGE)
    user = _find_or_make(actor, public_id, check_email(email))
    secret, phrase = new_secret(), new_phrase() if has_phrase else ""
    issued = issue(actor, user, TokenType.MAGIC_URL, secret, asked_id=public_id, phrase=phrase)
    if user and user.email:
        link = add_query(
            page,
            userId=user.public_id,
            secret=secret,
            expire=show_time(issued.expires_at),
            project=actor.tenant.public_id,
        )
        values = {"user": user.name, "redirect": link, "phrase": phrase}
        _mail(actor, "magicsession", user.email, values)
    return issued


def send_code(actor: Actor, public_id: str, email: str, *, has_phrase: bool) -> Issued:
    """Mail a code of six digits that begins a session.

    Args:
        public_id: of the user who is made where the address is new.

    Raises:
        MethodUnsupported, UserAlreadyExists, BadRequest
    """
    check_method(actor.tenant, "email-otp")
    user = _find_or_make(actor, public_id, check_email(email))
    code, phrase = new_code(CODE_DIGITS), new_phrase() if has_phrase else ""
    issued = issue(actor, user, TokenType.EMAIL, code, asked_id=public_id, phrase=phrase)
    if user and user.email:
        values = {"user": user.name, "otp": code, "phrase": phrase}
        _mail(actor, "otpsession", user.email, values)
    return issued


def begin_session(
    actor: Actor, user_id: str, secret: str, *kinds: TokenType
) -> tuple[User, Session, SessionSecret] | None:
    """Begin a session by a token.

    Returns:
        None: the token is not valid. It is no error, for the count of guesses must be kept.

    Raises:
        MethodUnsupported, UserBlocked: for whoever has a valid token.
    """
    user = find_user(actor.tenant, user_id)
    token = redeem(actor.tenant, user, secret, *kinds) if user else None
    if user is None or token is None:
        return None
    kind = TokenType(token.type)
    if kind in _METHODS:
        check_method(actor.tenant, _METHODS[kind])
    check_active(user)
    _note_proof(actor, user, kind)
    provider = _PROVIDERS.get(kind) or str(token.details.get("provider", kind.value))
    session, held = create_session(actor, user, provider=provider, factor=_FACTORS[kind])
    return user, session, held


def _find_or_make(actor: Actor, public_id: str, email: str) -> User | None:
    """The user with this address; a new one where there is none.

    Returns:
        None: none may be made. A guest is not told, for that would say that the address is new.

    Raises:
        UserAlreadyExists: the id is somebody else's, whether the address is known or not.
    """
    user = find_by_email(actor.tenant, email)
    other = find_row(User, actor.tenant, public_id)
    if other is not None and other is not user:
        raise UserAlreadyExists
    if user or actor.tenant.is_console:  # operators are let in by sign-up and invitation only
        return user
    try:
        return create_user(actor, public_id, email=email)
    except UserCountExceeded:
        if actor.is_privileged:
            raise
        return None


def _note_proof(actor: Actor, user: User, kind: TokenType) -> None:
    """Whoever has a mailed link or a sent code has the mailbox or the phone."""
    if kind in (TokenType.MAGIC_URL, TokenType.EMAIL) and not user.is_email_verified:
        user.is_email_verified = True
    elif kind == TokenType.PHONE and not user.is_phone_verified:
        user.is_phone_verified = True
    else:
        return
    changed(actor, user, "update")


def _mail(actor: Actor, kind: str, recipient: str, values: dict[str, str]) -> None:
    send_mail(actor.tenant, kind, recipient, locale=actor.caller.locale, values=values)
