"""``raindrop …``: the operator's commands."""

import os
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn

import click

from raindrop import __version__
from raindrop.config import (
    ConfigError,
    Settings,
    describe_settings,
    load_settings,
    unknown_settings,
)
from raindrop.databases.cli import databases
from raindrop.host.cli import doctor, host
from raindrop.projects.cli import projects

START_WAIT_S = 120


@click.group()
@click.version_option(__version__)
@click.pass_context
def main(context: click.Context) -> None:
    """Raindrop: a self-hosted backend on plain Linux servers."""
    context.obj = _open_app


@main.command()
def config() -> None:
    """Print every setting: the value in force, where it came from, secrets masked."""
    try:
        rows = describe_settings()
    except ConfigError as error:
        _fail(str(error))
    width = max(len(row.name) for row in rows)
    for name in unknown_settings():
        click.echo(f"raindrop: {name}: this release does not know it", err=True)
    for row in rows:
        unit = f" {row.unit}" if row.unit else ""
        click.echo(f"{row.name:{width}}  {row.value or '-'}{unit}  [{row.source}]")
        click.echo(f"{'':{width}}  {row.description}")


@main.command()
@click.option("--leave-newer", is_flag=True, help="Leave a database of a newer release as it is.")
def migrate(leave_newer: bool) -> None:
    """Bring the database to this release's revision."""
    from raindrop.migrations import MigrationError, revisions
    from raindrop.migrations import migrate as run_migrations

    settings = _load()
    try:
        found = revisions(settings)
        if leave_newer and not found.is_known:
            click.echo(f"{found.database}, newer than this release")
            return
        before = run_migrations(settings).database
    except MigrationError as error:
        _fail(f"the migration failed: {error}")
    after = revisions(settings).database
    click.echo(f"{before or 'empty'} -> {after}" if before != after else f"nothing new, {after}")


main.add_command(host)
main.add_command(doctor)
main.add_command(projects)
main.add_command(databases)


@main.command()
def run() -> None:
    """Run the whole stack in the foreground; Ctrl-C ends it."""
    from raindrop.migrations import migrate as run_migrations
    from raindrop.stack import describe, edge_addresses, prepare
    from raindrop.templates import StackError

    settings = _load()
    try:
        stack = prepare(settings)
        run_migrations(settings)
    except (StackError, ConfigError) as error:
        _fail(str(error))
    except Exception as error:
        reason = next(iter(str(error).splitlines()), type(error).__name__)
        _fail(f"RAINDROP_DATABASE_URL: the migration failed: {reason}")
    os.environ["RAINDROP_EDGES"] = edge_addresses(settings, stack.nginx)
    click.echo(f"Starting with {stack.nginx.label}, {describe(settings)} …")
    sys.stdout.flush()
    if os.fork() == 0:
        _announce_apart(settings, os.getppid(), str(stack.password_file))
    python = sys.executable
    os.execv(
        python, [python, "-m", "supervisor.supervisord", "-n", "-c", str(stack.supervisor_conf)]
    )


def _announce_apart(settings: Settings, supervisor: int, password_file: str) -> None:
    """Say where the site is once it answers, from a process that supervisord does not know."""
    if os.fork():
        os._exit(0)
    code = 1
    try:
        code = _announce(settings, supervisor, password_file)
        sys.stdout.flush()
    finally:
        os._exit(code)


def _announce(settings: Settings, supervisor: int, password_file: str) -> int:
    from raindrop.nginx import addresses

    address = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(settings.bind, settings.bind)
    host = f"[{address}]" if ":" in address else address
    deadline = time.monotonic() + START_WAIT_S
    while time.monotonic() < deadline:
        if not _is_alive(supervisor):
            return 1
        if _answers(f"http://{host}:{settings.port}/api/health"):
            shown = "localhost" if host == "127.0.0.1" else host
            site, control = addresses(settings, shown)
            click.echo(f"The site:     {site}")
            click.echo(f"API pages:    {site}/api/docs")
            click.echo(f"Control port: {control}  (user: operator)")
            click.echo(f"Password:     {_password(password_file)}")
            if not settings.is_own_machine:
                click.echo(f"First sign-up: needs the token in {settings.sign_up_token_file}")
            click.echo("Ctrl-C ends it.")
            return 0
        time.sleep(0.1)
    click.echo(f"raindrop: the site does not answer; see {settings.log}", err=True)
    return 1


def _password(path: str) -> str:
    """The password itself only to a terminal: other outputs tend to be kept."""
    if not sys.stdout.isatty():
        return f"in {path}"
    with open(path) as file:
        return file.read().strip()


def _answers(url: str) -> bool:
    try:
        # Past any proxy of the environment: this is our own address.
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(url, timeout=2):
            return True
    except (urllib.error.URLError, OSError):
        return False


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except OSError:
        return False
    return True


@contextmanager
def _open_app() -> Iterator[Settings]:
    """The app and one transaction, for the commands of rooms."""
    from raindrop.app import create_app
    from raindrop.core.db import unit_of_work

    settings = _load()
    with create_app(settings).app_context(), unit_of_work():
        yield settings


def _load() -> Settings:
    try:
        return load_settings()
    except ConfigError as error:
        _fail(str(error))


def _fail(message: str) -> NoReturn:
    click.echo(f"raindrop: {message}", err=True)
    sys.exit(2)
