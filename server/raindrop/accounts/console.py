"""Who may open an account on the console: the first visitor becomes the instance's owner, then
sign-up closes unless the operator opened it."""

import hmac
import logging
from http import HTTPStatus
from typing import NamedTuple

import sqlalchemy as sa
from flask import current_app

from raindrop.accounts.models import User
from raindrop.config import Settings
from raindrop.core.access import Actor, ActorKind
from raindrop.core.db import db
from raindrop.core.errors import AppError
from raindrop.core.origins import LOCAL_HOSTS
from raindrop.core.secrets import digest, read_key
from raindrop.core.tenancy import CONSOLE, Project

log = logging.getLogger(__name__)

OWNER = "owner"
"""The label of whoever was first."""


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


def needs_token(host: str) -> bool:
    """Whether the first sign-up needs the token: not where the server listens to its own machine
    only and was called by a local name, so that the visitor is who started it.

    Args:
        host: by which the server was called, without a port. A page of another name that resolves
            to this machine is somebody else's.
    """
    return not (_settings().is_own_machine and host in LOCAL_HOSTS)


def admit(actor: Actor, claim: Claim) -> list[str]:
    """Let a visitor sign up on the console, or not; of two first ones at once one wins.

    Returns:
        the labels of the new account.

    Raises:
        ConsoleSignUpClosed
    """
    if not actor.tenant.is_console or actor.kind != ActorKind.GUEST:
        return []
    _lock_console()
    if has_operators():
        if not is_sign_up_open():
            raise ConsoleSignUpClosed
        return []
    if needs_token(claim.host):
        _check_token(claim.token)
    return [OWNER]


def _check_token(token: str) -> None:
    path = _settings().sign_up_token_file
    try:
        known = read_key(path)
    except OSError as error:
        log.error("%s cannot be read: %s", path, error)
        known = ""
    if not known or not hmac.compare_digest(digest(known), digest(token)):
        raise ConsoleSignUpClosed(
            f"The first account needs the one-time token in the file {path} on the server."
        )


def _lock_console() -> None:
    """Have whoever else signs up wait, and see what this transaction has done."""
    query = sa.select(Project.id).where(Project.public_id == CONSOLE)
    db.session.execute(query.with_for_update())


def _settings() -> Settings:
    settings: Settings = current_app.config["RAINDROP"]
    return settings
