"""Migrations: up and down on both databases, and in step with the models."""

from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from raindrop.config import Settings, load_settings
from raindrop.core.db import db
from raindrop.migrations import alembic_config, migrate


@pytest.fixture
def settings(database: str, request: pytest.FixtureRequest, tmp_path: Path) -> Settings:
    """An empty database."""
    url = ""
    if database == "mariadb":
        url = request.getfixturevalue("mariadb").create_database("migrations")
    return load_settings({"RAINDROP_VAR": str(tmp_path), "RAINDROP_DATABASE_URL": url})


def tables(settings: Settings) -> set[str]:
    engine = sa.create_engine(settings.sqlalchemy_url)
    try:
        return set(sa.inspect(engine).get_table_names()) - {"sqlite_sequence"}
    finally:
        engine.dispose()


def test_there_is_one_head(settings: Settings) -> None:
    assert len(ScriptDirectory.from_config(alembic_config(settings)).get_heads()) == 1


def test_up_down_up_and_again(settings: Settings) -> None:
    migrate(settings)
    everything = tables(settings)
    assert {"todos", "jobs", "alembic_version"} <= everything
    migrate(settings)
    command.downgrade(alembic_config(settings), "base")
    assert tables(settings) == {"alembic_version"}
    migrate(settings)
    assert tables(settings) == everything


def test_models_say_what_the_database_has(settings: Settings) -> None:
    migrate(settings)
    engine = sa.create_engine(settings.sqlalchemy_url)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        differences = compare_metadata(context, db.metadata)
    engine.dispose()
    assert differences == []


def test_each_text_is_itself(settings: Settings) -> None:
    """A trailing space, the case, an accent: all make another text."""
    migrate(settings)
    engine = sa.create_engine(settings.sqlalchemy_url)
    with engine.begin() as connection:
        insert = sa.text("INSERT INTO todos (content, created_at) VALUES (:c, '2026-01-01')")
        for content in ("a", "a ", "A", "á"):
            connection.execute(insert, {"c": content})
        count = connection.scalar(sa.text("SELECT count(*) FROM todos WHERE content = 'a'"))
        distinct = connection.scalar(sa.text("SELECT count(DISTINCT content) FROM todos"))
    engine.dispose()
    assert (count, distinct) == (1, 4)
