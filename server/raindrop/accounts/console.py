"""Who may open an account on the console: the first visitor becomes the instance's owner, then
sign-up closes unless the operator opened it."""

import hmac
import ipaddress
from http import HTTPStatus
from pathlib import Path
from typing import NamedTuple

import sqlalchemy as sa
from flask import current_app

from raindrop.accounts.models import User
from raindrop.config import Settings
from raindrop.core.access import Actor, ActorKind
from raindrop.core.credentials import LOCAL_HOSTS
from raindrop.core.db import db
from raindrop.core.errors import AppError
from raindrop.core.secrets import digest, read_key
from raindrop.core.tenancy import CONSOLE, Project

OWNER = "owner"
"""The label of whoever was first."""

TOKEN_FILE = "sign-up-token"  # noqa: S105  # a file's name
USED = "used_sign_up_token"


class Claim(NamedTuple):
    """What a visitor shows to be the first: the token, and the name by which the server was called
    (see :func:`needs_token`)."""

    token: str = ""
    host: str = ""


NO_CLAIM = Claim()


class ConsoleSignUpClosed(AppError):
    """The instance has its owner, or the token of the first sign-up is missing or wrong."""

    type = "user_console_count_exceeded"
    status = HTTPStatus.NOT_IMPLEMENTED
    message = "Sign-up on the console is closed. Ask an operator of this server to invite you."


def has_operators() -> bool:
    """Whether somebody has an account on the console."""
    query = sa.select(User.id).join(Project, Project.id == User.project_id)
    return db.session.scalar(query.where(Project.public_id == CONSOLE).limit(1)) is not None


def is_sign_up_open() -> bool:
    """Whether anybody may open an account once there is an owner."""
    return _settings().sign_up == "open"


def token_path(settings: Settings) -> Path:
    """Where the token of the first sign-up is; whoever may read the file owns the server."""
    return settings.var / "secrets" / TOKEN_FILE


def make_token(settings: Settings) -> Path:
    """Make the token unless it is there; where it is."""
    read_key(token_path(settings))
    return token_path(settings)


def renew_token(settings: Settings) -> Path:
    """Make another token in place of one that was used; where it is."""
    path = make_token(settings)
    if digest(read_key(path)) == _console_row(lock=False).details.get(USED):
        path.unlink()
    return make_token(settings)


def needs_token(host: str) -> bool:
    """Whether the first sign-up needs the token: not where the server listens to its own machine
    only and was called by a local name, so that the visitor is who started it.

    Args:
        host: by which the server was called, without a port. A page of another name that resolves
            to this machine is somebody else's.
    """
    is_own_machine = ipaddress.ip_address(_settings().bind).is_loopback
    return not (is_own_machine and host in LOCAL_HOSTS)


def admit(actor: Actor, claim: Claim) -> list[str]:
    """Let a visitor sign up on the console, or not; of two first ones at once one wins.

    Returns:
        the labels of the new account.

    Raises:
        ConsoleSignUpClosed
    """
    if not actor.tenant.is_console or actor.kind != ActorKind.GUEST:
        return []
    row = _console_row(lock=True)
    if has_operators():
        if not is_sign_up_open():
            raise ConsoleSignUpClosed
        return []
    if needs_token(claim.host):
        _check_token(row, claim.token)
    return [OWNER]


def _check_token(row: Project, token: str) -> None:
    path = make_token(_settings())
    known = read_key(path)
    used = row.details.get(USED, "")
    if not known or not hmac.compare_digest(digest(known), digest(token)) or digest(known) == used:
        raise ConsoleSignUpClosed(
            f"The first account needs the one-time token in the file {path} on the server."
        )
    row.details = {**row.details, USED: digest(known)}


def _console_row(*, lock: bool) -> Project:
    query = sa.select(Project).where(Project.public_id == CONSOLE)
    row: Project = db.session.execute(query.with_for_update() if lock else query).scalar_one()
    return row


def _settings() -> Settings:
    settings: Settings = current_app.config["RAINDROP"]
    return settings
