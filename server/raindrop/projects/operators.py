"""The console's accounts, for whoever runs the server."""

import secrets

from raindrop.accounts.profiles import change_password
from raindrop.accounts.sessions import end_sessions
from raindrop.accounts.users import UserNotFound, check_email, find_by_email
from raindrop.core.access import system
from raindrop.core.tenancy import CONSOLE, get_tenant

PASSWORD_BYTES = 12


def give_new_password(email: str) -> str:
    """Give an account of the console a password that nobody knew; its sessions end.

    Raises:
        BadRequest, UserNotFound
    """
    tenant = get_tenant(CONSOLE)
    user = find_by_email(tenant, check_email(email))
    if user is None:
        raise UserNotFound("The console has no account with this e-mail address.")
    password = secrets.token_urlsafe(PASSWORD_BYTES)
    actor = system(tenant)
    user = change_password(actor, user.public_id, password)
    end_sessions(actor, user)
    return password
