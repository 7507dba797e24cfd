"""``/v1/teams``: the room's blueprints, one file a part."""

from flask import Flask

from raindrop.core.credentials import register_roles
from raindrop.teams import routes_memberships, routes_teams, routes_users
from raindrop.teams.service import roles_of_member


def init_room(app: Flask) -> None:
    """Register the room's routes, and where roles come from."""
    register_roles(roles_of_member)
    for routes in (routes_teams, routes_memberships, routes_users):
        app.register_blueprint(routes.blueprint)
