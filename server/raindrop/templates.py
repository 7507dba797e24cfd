"""Rendering the configuration files of ``etc/``."""

import os
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from raindrop.config import HOME


class StackError(Exception):
    """Something stops the start; the message is one line for a person."""


_templates = Environment(
    loader=FileSystemLoader(HOME / "etc"),
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    keep_trailing_newline=True,
    autoescape=False,  # noqa: S701  # configuration files, not pages
)


def render(template: str, **values: Any) -> str:
    """A template of ``etc/`` with these values filled in."""
    return _templates.get_template(template).render(values)


def write_private(path: Path, text: str) -> None:
    """Write a file that only its owner may read."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
