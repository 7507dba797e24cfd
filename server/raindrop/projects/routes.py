"""``/v1/projects``: the console's projects."""

from flask import Flask

from raindrop.core.credentials import register_keys
from raindrop.projects.keys import key_by_digest


def init_room(_: Flask) -> None:
    """Register where keys come from."""
    register_keys(key_by_digest)
