"""A new password for whoever has the mailbox."""

from raindrop.accounts.models import TokenType
from raindrop.accounts.password_rules import set_password
from raindrop.accounts.redirects import add_query, check_redirect
from raindrop.accounts.sessions import end_sessions
from raindrop.accounts.signin import check_active
from raindrop.accounts.tokens import (
    Issued,
    delete_tokens,
    find_user,
    issue,
    publish_token,
    redeem,
)
from raindrop.accounts.users import changed, check_email, find_by_email
from raindrop.core.access import Actor
from raindrop.core.secrets import new_secret
from raindrop.core.v1 import show_time
from raindrop.mails.service import send_mail


def send_recovery(actor: Actor, email: str, url: str) -> Issued:
    """Mail a link to set a new password; an address that nobody has is answered alike.

    Args:
        url: the page that redeems the link.

    Raises:
        BadRequest
    """
    page = check_redirect(actor.tenant, url)
    user, secret = find_by_email(actor.tenant, check_email(email)), new_secret()
    issued = issue(actor, user, TokenType.RECOVERY, secret)
    if user and user.email:
        link = add_query(
            page, userId=user.public_id, secret=secret, expire=show_time(issued.expires_at)
        )
        values = {"user": user.name, "redirect": link}
        send_mail(actor.tenant, "recovery", user.email, locale=actor.caller.locale, values=values)
    return issued


def recover(actor: Actor, user_id: str, secret: str, password: str) -> Issued | None:
    """Set a new password by a mailed link.

    Returns:
        None: the link is not valid.

    Raises:
        UserBlocked, BadRequest, PasswordPersonal, PasswordRecentlyUsed: the link stays valid.
    """
    user = find_user(actor.tenant, user_id)
    token = redeem(actor.tenant, user, secret, TokenType.RECOVERY) if user else None
    if user is None or token is None:
        return None
    check_active(user)
    set_password(actor.tenant, user, password)
    user.is_email_verified = True  # the mailbox is theirs
    delete_tokens(user, TokenType.RECOVERY)
    if actor.tenant.settings.invalidates_sessions:
        end_sessions(actor, user)
    changed(actor, user, "update.password")
    publish_token(actor, user, token, "update")
    return Issued(token.public_id, user.public_id, token.expires_at)
