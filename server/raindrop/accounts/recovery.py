"""A new password for whoever has the mailbox."""

from raindrop.accounts import password_rules
from raindrop.accounts.models import TokenType
from raindrop.accounts.redirects import add_query, check_redirect
from raindrop.accounts.sessions import end_sessions
from raindrop.accounts.signin import check_active
from raindrop.accounts.tokens import (
    Issued,
    delete_tokens,
    find_token,
    find_user,
    issue,
    publish_token,
    redeem,
)
from raindrop.accounts.users import changed, check_email, find_by_email, get_user
from raindrop.core.access import Actor
from raindrop.core.db import let_go
from raindrop.core.formats import show_time
from raindrop.core.secrets import new_secret
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
    tenant = actor.tenant
    found = find_user(tenant, user_id)
    if found is None or find_token(tenant, found, secret, TokenType.RECOVERY) is None:
        return None
    check_active(found)
    let_go()
    hashed = password_rules.prepare(tenant, found, password)
    user = get_user(tenant, found.public_id, lock=True)
    token = redeem(tenant, user, secret, TokenType.RECOVERY)
    if token is None:  # somebody was quicker
        return None
    check_active(user)
    password_rules.keep(tenant, user, hashed)
    user.is_email_verified = True  # the mailbox is theirs
    delete_tokens(user, TokenType.RECOVERY)
    if tenant.settings.invalidates_sessions:
        end_sessions(actor, user)
    changed(actor, user, "update.password")
    publish_token(actor, user, token, "update")
    return Issued(token.public_id, user.public_id, token.expires_at)
