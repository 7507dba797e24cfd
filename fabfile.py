"""Raindrop on servers: `fab init_env`, `fab build`, `fab deploy`; docs/deploying.md tells more.

The hosts are in etc/deploy.toml. What a command does in detail is in the folder deploy/, what it
does on a host in server/raindrop/host/.
"""

import sys
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any

from fabric import Connection, task

TOP = Path(__file__).resolve().parent
sys.path[:0] = [str(TOP), str(TOP / "server")]


def command(function: Callable[..., None]) -> Any:
    """A task whose errors are lines for the operator, not tracebacks."""

    @wraps(function)
    def run(context: Connection, **options: Any) -> None:
        from deploy.errors import DeployError

        try:
            function(context, **options)
        except DeployError as error:
            sys.exit(f"fab {function.__name__}: {error}")

    return task(run)


@command
def init_env(_: Connection) -> None:
    """Make bare hosts ready for their roles; a second run changes nothing."""
    from deploy.environment import CONTROL_PASSWORD, set_up

    is_changed = set_up(_hosts(), _inventory())
    print(f"The control port's user is operator, its password lies in {CONTROL_PASSWORD}.")
    if is_changed:
        print("A site that runs already takes changed settings at `fab restart`.")


@command
def build(_: Connection) -> None:
    """Build the client, upload its assets where storage is configured, make the archive."""
    from deploy.build import build_archive

    build_archive(_inventory().storage if _has_inventory() else None)


@command
def deploy(_: Connection, archive: str = "") -> None:
    """Put the built archive in force on every host, without a pause in service."""
    from deploy.build import find_archive
    from deploy.release import deploy_archive

    deploy_archive(_hosts(), find_archive(archive))


@command
def rollback(_: Connection, to: str = "") -> None:
    """Put the release before in force again; the database stays as it is."""
    from deploy.release import roll_back

    roll_back(_hosts(), to)


@command
def restart(_: Connection) -> None:
    """Start every program anew, with the settings of now, without a pause in service."""
    from deploy.release import restart_all

    restart_all(_hosts())


@command
def status(_: Connection) -> None:
    """Show release, programs, database revision and health of each host."""
    from deploy.reports import show_status

    if not show_status(_hosts()):
        sys.exit(1)


@command
def doctor(_: Connection) -> None:
    """Examine each host: disk, memory, ports, certificates, clock, durability, queues."""
    from deploy.reports import show_doctor

    if not show_doctor(_hosts()):
        sys.exit(1)


@command
def logs(_: Connection, host: str = "", program: str = "", lines: int = 40) -> None:
    """Show the last lines that programs wrote; --program=web, --host=NAME narrow it."""
    from deploy.reports import show_logs

    show_logs([each for each in _hosts() if host in ("", each.name)], program, lines)


@command
def restore_snapshot(_: Connection, name: str = "") -> None:
    """Put a snapshot of the database back; what was written since is lost."""
    from deploy.release import restore

    restore(_hosts(), name)


def _has_inventory() -> bool:
    return (TOP / "etc" / "deploy.toml").exists()


def _inventory() -> Any:
    from deploy.inventory import load_inventory

    return load_inventory(TOP / "etc" / "deploy.toml")


def _hosts() -> Any:
    from deploy.hosts import open_hosts

    return open_hosts(_inventory())
