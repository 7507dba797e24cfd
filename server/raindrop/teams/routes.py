"""``/v1/teams``: the room's blueprints, one file a part."""

from flask import Flask

from raindrop.accounts.deletion import register_cleaner
from raindrop.core.credentials import register_roles
from raindrop.teams import routes_memberships, routes_teams, routes_users
from raindrop.teams.deletion import end_memberships_of
from raindrop.teams.service import roles_of_member


def init_room(app: Flask) -> None:
    """Register the room's routes, where roles come from, and what goes with a user."""
    register_roles(roles_of_member)
    register_cleaner(end_memberships_of)
    for routes in (routes_teams, routes_memberships, routes_users):
        app.register_blueprint(routes.blueprint)
