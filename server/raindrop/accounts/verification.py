"""Proving that an e-mail address or a phone is the user's."""

from http import HTTPStatus

from raindrop.accounts.models import TokenType
from raindrop.accounts.redirects import add_query, check_redirect
from raindrop.accounts.sessions import session_user
from raindrop.accounts.tokens import Issued, create_token, find_user, publish_token, redeem
from raindrop.accounts.users import changed
from raindrop.core.access import Actor
from raindrop.core.errors import AppError
from raindrop.core.formats import show_time
from raindrop.core.secrets import new_secret
from raindrop.mails.service import send_mail


class EmailMissing(AppError):
    """The user has no e-mail address."""

    type = "user_email_not_found"
    status = HTTPStatus.BAD_REQUEST
    message = "This account has no e-mail address."


class EmailAlreadyVerified(AppError):
    """There is nothing to prove."""

    type = "user_email_already_verified"
    status = HTTPStatus.CONFLICT
    message = "This e-mail address is verified already."


class PhoneDisabled(AppError):
    """There is no way to send messages."""

    type = "general_phone_disabled"
    status = HTTPStatus.SERVICE_UNAVAILABLE
    message = "This server sends no text messages."


def send_verification(actor: Actor, url: str) -> Issued:
    """Mail the signed-in person a link that proves the address.

    Raises:
        EmailMissing, EmailAlreadyVerified, BadRequest
    """
    page, user = check_redirect(actor.tenant, url), session_user(actor)
    if not user.email:
        raise EmailMissing
    if user.is_email_verified:
        raise EmailAlreadyVerified
    secret = new_secret()
    token = create_token(actor, user, TokenType.VERIFICATION, secret)
    link = add_query(page, userId=user.public_id, secret=secret, expire=show_time(token.expires_at))
    values = {"user": user.name, "redirect": link}
    send_mail(actor.tenant, "verification", user.email, locale=actor.caller.locale, values=values)
    return Issued(token.public_id, user.public_id, token.expires_at)


def verify(actor: Actor, user_id: str, secret: str, kind: TokenType) -> Issued | None:
    """Note that an address is the user's, by a link or code; whoever brings it.

    Returns:
        None: it is not valid. It is no error, for the count of guesses must be kept.
    """
    user = find_user(actor.tenant, user_id)
    token = redeem(actor.tenant, user, secret, kind) if user else None
    if user is None or token is None:
        return None
    if kind == TokenType.VERIFICATION:
        user.is_email_verified = True
    else:
        user.is_phone_verified = True
    changed(actor, user, "update")
    publish_token(actor, user, token, "update")
    return Issued(token.public_id, user.public_id, token.expires_at)
