"""Alembic's environment: one connection, tables of collections left alone."""

import re

import sqlalchemy as sa
from alembic import context
from sqlalchemy import event
from sqlalchemy.engine import Connection

import raindrop.accounts.models
import raindrop.audits.models
import raindrop.core.events
import raindrop.databases.models
import raindrop.jobs.models
import raindrop.mails.models
import raindrop.projects.models
import raindrop.teams.models
import raindrop.todos.models
from raindrop.config import Settings
from raindrop.core.db import begin_sqlite, db

ROW_LOCK_WAIT_S = 10

assert raindrop.accounts.models
assert raindrop.audits.models
assert raindrop.core.events
assert raindrop.databases.models
assert raindrop.jobs.models
assert raindrop.mails.models
assert raindrop.projects.models
assert raindrop.teams.models
assert raindrop.todos.models


def _is_ours(name: str | None, kind: str, _parents: object) -> bool:
    # Collections are tables too, c_<number>; their schema is not Alembic's.
    return not (kind == "table" and re.match(r"c_\d", name or ""))


def _migrate(connection: Connection) -> None:
    context.configure(
        connection=connection,
        target_metadata=db.metadata,
        include_name=_is_ours,
        render_as_batch=connection.dialect.name == "sqlite",
    )
    with context.begin_transaction():
        context.run_migrations()


def _run(settings: Settings) -> None:
    # No pool and no time-outs of the server's requests: an ALTER may take long.
    engine = sa.create_engine(settings.sqlalchemy_url, poolclass=sa.NullPool)
    if settings.is_sqlite:
        event.listen(
            engine, "connect", lambda connection, _: setattr(connection, "isolation_level", None)
        )
        event.listen(engine, "begin", lambda connection: begin_sqlite(connection, is_write=True))
        with engine.connect() as connection:
            _migrate(connection)
            return
    with engine.connect() as connection:
        connection.exec_driver_sql(f"SET lock_wait_timeout = {ROW_LOCK_WAIT_S}")
        connection.commit()  # Alembic commits only transactions that it began
        _migrate(connection)


_run(context.config.attributes["settings"])
