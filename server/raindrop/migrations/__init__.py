"""Alembic revisions, and running them."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from raindrop.config import Settings

LOCK_WAIT_S = 60


class MigrationError(Exception):
    """The database could not be brought to the release; the message is one line for a person."""


class Revisions(NamedTuple):
    """Where the database is and where this release wants it; ``None`` for an empty database."""

    database: str | None
    release: str
    is_known: bool


def migrate(settings: Settings) -> Revisions:
    """Bring the database to this release's revision; under a lock, so that only one does it.

    Revisions only add, so those of a failed run are taken back: nobody has used them yet.

    Returns:
        The revisions before.

    Raises:
        MigrationError: a revision failed, and the database is as it was, or the message says
            that it is not.
    """
    with _lock(settings):
        before = revisions(settings)
        if not before.is_known:
            raise MigrationError(
                f"the database is at revision {before.database}, which this release does not "
                "know: use a release that has it, or put back the snapshot of before"
            )
        try:
            command.upgrade(alembic_config(settings), "head")
        except Exception as error:
            reason = next(iter(str(error).splitlines()), type(error).__name__)
            raise MigrationError(f"{reason} ({_undo(settings, before)})") from error
        return before


def revisions(settings: Settings) -> Revisions:
    """Compare the database with this release."""
    script = ScriptDirectory.from_config(alembic_config(settings))
    engine = sa.create_engine(settings.sqlalchemy_url, poolclass=sa.NullPool)
    with engine.connect() as connection:
        current = MigrationContext.configure(connection).get_current_revision()
    known = {revision.revision for revision in script.walk_revisions()}
    return Revisions(current, script.get_current_head() or "", current in {None, *known})


def downgrade(settings: Settings, revision: str) -> None:
    """Take revisions back: in tests, and after a failed run."""
    command.downgrade(alembic_config(settings), revision)


def alembic_config(settings: Settings) -> Config:
    """Alembic's configuration; there is no ``alembic.ini``."""
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent))
    config.attributes["settings"] = settings
    return config


@contextmanager
def _lock(settings: Settings) -> Iterator[None]:
    """One migration at a time, from any host; SQLite's own write lock does it there."""
    if settings.is_sqlite:
        yield
        return
    engine = sa.create_engine(settings.sqlalchemy_url, poolclass=sa.NullPool)
    with engine.connect() as connection:
        lock = sa.text("SELECT GET_LOCK('raindrop_migrate', :seconds)")
        if connection.scalar(lock, {"seconds": LOCK_WAIT_S}) != 1:
            raise MigrationError("another migration is running")
        yield  # the lock goes with the connection


def _undo(settings: Settings, before: Revisions) -> str:
    try:
        after = revisions(settings)
        if after.database != before.database:
            downgrade(settings, before.database or "base")
    except Exception as error:
        return f"and taking back what was done failed too: {error}"
    return "the database is as it was"
