"""``raindrop databases …``: what an operator of the server needs."""

from collections.abc import Callable
from contextlib import AbstractContextManager

import click

from raindrop.config import Settings

OpenApp = Callable[[], AbstractContextManager[Settings]]
"""Opens the app and a transaction; ``raindrop/cli.py`` gives it, rooms do not know the app."""

# What the commands work with is imported by them: the command line shall begin quickly.


@click.group()
def databases() -> None:
    """Collections: how large they are, whether their tables are as they should be."""


@databases.command("list")
@click.pass_obj
def list_collections(open_app: OpenApp) -> None:
    """Print every collection: project, database, collection, attributes that are not available."""
    from raindrop.databases.maintenance import every_schema

    with open_app():
        for schema in every_schema():
            states = [f"{a.key}: {a.status}" for a in schema.attributes if not a.is_available]
            states += [f"{i.key}: {i.status}" for i in schema.indexes if i.status != "available"]
            where = f"{schema.project:36}  {schema.database:36}  {schema.public_id:36}"
            click.echo(f"{where}  {', '.join(states)}".rstrip())


@databases.command()
@click.pass_obj
def sizes(open_app: OpenApp) -> None:
    """Print how many documents each collection has and how many bytes they take."""
    from raindrop.databases.maintenance import sizes as measure

    with open_app():
        for size in measure():
            where = f"{size.project:36}  {size.database:36}  {size.collection:36}"
            taken = "" if size.size_bytes is None else f"  {size.size_bytes:>15,} bytes"
            click.echo(f"{where}  {size.rows:>12,} documents{taken}")


@databases.command()
@click.pass_obj
def check(open_app: OpenApp) -> None:
    """Compare every collection's record with its real tables; exit code 1 if something differs."""
    from raindrop.databases.maintenance import check as compare

    with open_app():
        findings = list(compare())
    for finding in findings:
        click.echo(
            f"{finding.project}  {finding.database}  {finding.collection}  "
            f"(c_{finding.number}): {finding.what}"
        )
    if findings:
        raise click.ClickException("`raindrop databases repair` puts this right")
    click.echo("every table is as it should be")


@databases.command()
@click.pass_obj
def repair(open_app: OpenApp) -> None:
    """Have the workers put right what `check` finds."""
    from raindrop.databases.maintenance import begin_repair
    from raindrop.databases.maintenance import check as compare

    with open_app():
        numbers = sorted({finding.number for finding in compare()})
        jobs = [(job.public_id, job.params["collection"]) for job in begin_repair(numbers)]
    for public_id, number in jobs:
        click.echo(f"c_{number}: job {public_id}")
    if not jobs:
        click.echo("nothing to put right")


@databases.command("rebuild-index")
@click.argument("project")
@click.argument("database")
@click.argument("collection")
@click.argument("index")
@click.pass_obj
def rebuild_index(
    open_app: OpenApp, project: str, database: str, collection: str, index: str
) -> None:
    """Have the workers drop an index and make it anew."""
    from raindrop.core.errors import AppError
    from raindrop.databases.maintenance import begin_rebuild

    try:
        with open_app():
            job = begin_rebuild(project, database, collection, index)
            public_id = job.public_id
    except AppError as error:
        raise click.ClickException(error.message) from None
    click.echo(f"job {public_id}")
