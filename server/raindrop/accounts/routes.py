"""``/v1/account`` and ``/v1/users``: the rooms' blueprints, one file a part."""

from flask import Flask

from raindrop.accounts import routes_account, routes_mfa, routes_oauth
from raindrop.accounts.sessions import identity_by_secret, identity_by_session_id
from raindrop.core.credentials import register_identities


def init_room(app: Flask) -> None:
    """Register the room's routes, and where identities come from."""
    register_identities(by_secret=identity_by_secret, by_session_id=identity_by_session_id)
    app.register_blueprint(routes_account.blueprint)
    # The prefix is the service whose switch in the project holds for them.
    app.register_blueprint(routes_mfa.account, name_prefix="account")
    app.register_blueprint(routes_mfa.users, name_prefix="users")
    app.register_blueprint(routes_oauth.account, name_prefix="account")
    app.register_blueprint(routes_oauth.users, name_prefix="users")
    app.register_blueprint(routes_oauth.browser)
