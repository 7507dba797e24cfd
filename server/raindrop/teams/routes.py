"""``/v1/teams``."""

from flask import Flask

from raindrop.core.credentials import register_roles
from raindrop.teams.service import roles_of_member


def init_room(_: Flask) -> None:
    """Register where roles come from."""
    register_roles(roles_of_member)
