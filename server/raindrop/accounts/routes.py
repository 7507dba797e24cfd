"""``/v1/account`` and ``/v1/users``: the rooms' blueprints, one file a part."""

from flask import Flask

from raindrop.accounts import (
    routes_account,
    routes_mfa,
    routes_oauth,
    routes_profile,
    routes_sessions,
    routes_tokens,
    routes_users,
    routes_users_access,
    routes_users_imports,
)
from raindrop.accounts.sessions import identity_by_secret, identity_by_session_id
from raindrop.core.credentials import register_identities

for part in (routes_users_access, routes_users_imports):
    routes_users.blueprint.register_blueprint(part.blueprint)


def init_room(app: Flask) -> None:
    """Register the room's routes, and where identities come from."""
    register_identities(by_secret=identity_by_secret, by_session_id=identity_by_session_id)
    app.register_blueprint(routes_account.blueprint)
    app.register_blueprint(routes_users.blueprint)
    own = (part.blueprint for part in (routes_sessions, routes_tokens, routes_profile))
    # The prefix is the service whose switch in the project holds for them.
    for blueprint in (*own, routes_mfa.account, routes_oauth.account):
        app.register_blueprint(blueprint, name_prefix="account")
    for blueprint in (routes_mfa.users, routes_oauth.users):
        app.register_blueprint(blueprint, name_prefix="users")
    app.register_blueprint(routes_oauth.browser)
