"""``raindrop projects …``: what an operator of the server can do without the console."""

import datetime
from collections.abc import Callable
from contextlib import AbstractContextManager

import click

from raindrop.config import Settings

OpenApp = Callable[[], AbstractContextManager[Settings]]
"""Opens the app and a transaction; ``raindrop/cli.py`` gives it, rooms do not know the app."""

# What the commands work with is imported by them: the command line shall begin quickly.


@click.group()
def projects() -> None:
    """Projects, their keys, and the console's accounts."""


@projects.command("list")
@click.pass_obj
def list_projects(open_app: OpenApp) -> None:
    """Print every project: id, team, name."""
    from raindrop.projects.service import every_project

    with open_app():
        for project in every_project():
            click.echo(f"{project.public_id:36}  {project.team_id:36}  {project.name}")


@projects.command("create-key")
@click.argument("project_id")
@click.option("--name", default="command line", show_default=True)
@click.option("--scope", "scopes", multiple=True, required=True, help="May be given many times.")
@click.option("--days", type=click.IntRange(1, 3650), help="Until it expires; for ever by default.")
@click.pass_obj
def create_key(
    open_app: OpenApp, project_id: str, name: str, scopes: tuple[str, ...], days: int | None
) -> None:
    """Make a key of a project and print its secret, which is told only now."""
    from raindrop.core.db import utc_now
    from raindrop.core.errors import AppError
    from raindrop.projects.keys import add_key
    from raindrop.projects.service import find_project

    try:
        with open_app():
            expires_at = utc_now() + datetime.timedelta(days=days) if days else None
            _, secret = add_key(None, find_project(project_id), name, scopes, expires_at)
    except AppError as error:
        raise click.ClickException(error.message) from None
    click.echo(secret)


@projects.command("sign-up-token")
@click.pass_obj
def sign_up_token(open_app: OpenApp) -> None:
    """Print where the token is that the console's first account needs."""
    from raindrop.accounts.console import has_operators
    from raindrop.core.secrets import read_key

    with open_app() as settings:
        if has_operators():
            raise click.ClickException("the console has its owner: no token is needed any more")
    read_key(settings.sign_up_token_file)
    click.echo(settings.sign_up_token_file)


@projects.command("reset-password")
@click.argument("email")
@click.pass_obj
def reset_password(open_app: OpenApp, email: str) -> None:
    """Give an account of the console a new password, print it, and end its sessions."""
    from raindrop.core.errors import AppError
    from raindrop.projects.operators import give_new_password

    try:
        with open_app():
            password = give_new_password(email)
    except AppError as error:
        raise click.ClickException(error.message) from None
    click.echo(password)
