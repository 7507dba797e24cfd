"""``raindrop host …``: what `fab` asks of a server; ``raindrop doctor``: what is wrong with it."""

import json
import sys

import click

from raindrop.config import ConfigError, load_settings
from raindrop.templates import StackError

SYMBOLS = {"ok": "✓", "warning": "!", "problem": "✗"}


@click.group()
def host() -> None:
    """Steps of a deployment on this server; `fab` takes them."""


def _add_step(name: str, text: str) -> None:
    @host.command(name, help=text)
    @click.argument("activation", metavar="TIME")
    def command(activation: str) -> None:
        from raindrop.host import activation as steps

        try:
            getattr(steps, name.replace("-", "_"))(load_settings(), activation)
        except (StackError, ConfigError, OSError) as error:
            click.echo(f"raindrop: {error}", err=True)
            sys.exit(1)


_add_step("keep-assets", "Serve this release's assets, whatever release is in force.")
_add_step("start-web", "Start gunicorn beside the one that serves, until it is healthy.")
_add_step("switch", "Let nginx and the www link use this release.")
_add_step("start-workers", "Start the Celery workers and the scheduler.")
_add_step("settle", "Drain and stop every other activation.")
_add_step("abandon", "Stop and forget an activation that is not in force.")


@host.command()
def status() -> None:
    """Print what runs here, as JSON."""
    from raindrop.host.status import host_status

    click.echo(json.dumps(host_status(load_settings())))


@host.command("forget-cache")
def forget_cache() -> None:
    """Empty the cache, after the database was put back to an earlier state."""
    import redis

    redis.Redis.from_url(load_settings().cache_url).flushdb()


@click.command()
@click.option("--json", "as_json", is_flag=True, help="One JSON list, for programs.")
def doctor(as_json: bool) -> None:
    """Examine this server: disk, memory, ports, certificates, clock, durability, queues."""
    from raindrop.host.doctor import examine

    try:
        findings = examine(load_settings())
    except (ConfigError, OSError) as error:
        click.echo(f"raindrop: {error}", err=True)
        sys.exit(2)
    if as_json:
        click.echo(json.dumps([finding._asdict() for finding in findings]))
    else:
        for finding in findings:
            advice = f"  -> {finding.advice}" if finding.advice else ""
            click.echo(f"{SYMBOLS[finding.level]} {finding.check:12} {finding.message}{advice}")
    if any(finding.level == "problem" for finding in findings):
        sys.exit(1)
