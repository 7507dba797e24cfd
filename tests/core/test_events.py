"""Events and their consumers, against a real database and a real Redis, in this process."""

import datetime
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest
import sqlalchemy as sa
from flask import Flask

from raindrop.app import create_app
from raindrop.config import load_settings
from raindrop.core import dispatcher
from raindrop.core.cache import AWAKE_KEY, get_cache
from raindrop.core.db import db, unit_of_work, utc_now
from raindrop.core.dispatcher import BATCH, MAX_ATTEMPTS, dispatch, dispatch_batch
from raindrop.core.events import Consumer, Event, consumer, consumers, fits, publish
from raindrop.migrations import migrate
from raindrop.todos import service as todos
from raindrop.todos.models import Todo
from tests.support.app import forget_queues
from tests.support.redis import RedisServer

INTRODUCTIONS = {"HELLO", "AUTH", "CLIENT"}
"""What a client says once a connection; the look itself opens one."""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    """Cache and broker in one, so that one look sees every round trip."""
    server = RedisServer(tmp_path_factory.mktemp("events") / "redis")
    server.start()
    yield server
    server.stop()


@pytest.fixture
def app(
    server: RedisServer, database: str, request: pytest.FixtureRequest, tmp_path: Path
) -> Iterator[Flask]:
    url = ""
    if database == "mariadb":
        url = request.getfixturevalue("mariadb").create_database("events")
    settings = load_settings(
        {
            "RAINDROP_VAR": str(tmp_path),
            "RAINDROP_DATABASE_URL": url,
            "RAINDROP_REDIS_URL": server.url,
            "RAINDROP_BROKER_URL": server.url,
        }
    )
    migrate(settings)
    forget_queues()
    server.client.flushall()
    app = create_app(settings)
    with app.app_context():
        yield app
        db.session.remove()
        db.engine.dispose()


@pytest.fixture(autouse=True)
def only_ours() -> Iterator[None]:
    """No consumer but those of the test."""
    kept = dict(consumers)
    consumers.clear()
    yield
    consumers.clear()
    consumers.update(kept)


@pytest.fixture
def seen() -> list[str]:
    """The names of the events of a consumer that takes everything."""
    names: list[str] = []

    @consumer("everything", queue="audits", patterns=("*",))
    def take(events: Sequence[Event]) -> None:
        names.extend(event.name for event in events)

    return names


def leave(*names: str) -> None:
    """Publish events in one transaction."""
    with unit_of_work():
        for name in names:
            publish(name, resource="thing/1", payload={"name": name})


def deliver_all() -> None:
    """Run the tasks that the dispatcher sent."""
    for name, batch in rows("SELECT DISTINCT consumer, batch FROM event_deliveries"):
        dispatcher.deliver(name, batch)


def rows(statement: str) -> list[tuple[object, ...]]:
    with unit_of_work(is_write=False):
        return [tuple(row) for row in db.session.execute(sa.text(statement))]


@contextmanager
def statements() -> Iterator[list[str]]:
    """What is sent to the database, each execution once however many rows it has."""
    sent: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        sent.append(statement)

    sa.event.listen(db.engine, "before_cursor_execute", note)
    try:
        yield sent
    finally:
        sa.event.remove(db.engine, "before_cursor_execute", note)


@contextmanager
def commands(server: RedisServer) -> Iterator[list[str]]:
    """What is sent to Redis; what scripts do inside it is no round trip."""
    sent: list[str] = []
    with server.client.monitor() as monitor:
        yield sent
        server.client.echo("over")
        for command in monitor.listen():
            if command["command"].startswith("ECHO"):
                return
            name = command["command"].partition(" ")[0]
            if command["client_type"] != "lua" and name not in INTRODUCTIONS:
                sent.append(name)


def test_patterns() -> None:
    assert fits("users", "users.1.sessions.2.create")
    assert fits("users.*.delete", "users.1.delete")
    assert not fits("users.*.delete", "users.1.sessions.delete.create")
    assert not fits("users.*.delete", "users.1")
    some = Consumer("some", "events", ("users", "teams.*.create"), ("users.*.sessions",), print)
    assert some.wants("users.1.create")
    assert some.wants("teams.1.create")
    assert not some.wants("teams.1.delete")
    assert not some.wants("users.1.sessions.2.create")


def test_events_of_a_transaction_that_failed_do_not_exist(app: Flask) -> None:
    with pytest.raises(RuntimeError), unit_of_work():
        publish("things.1.create", resource="thing/1", payload={})
        raise RuntimeError
    assert rows("SELECT id FROM events") == []


def test_many_events_are_one_statement(app: Flask) -> None:
    with statements() as sent:
        leave(*(f"things.{number}.create" for number in range(50)))
    assert len([each for each in sent if "INSERT INTO events" in each]) == 1
    names = [row[0] for row in rows("SELECT name FROM events ORDER BY id")]
    assert names == [f"things.{number}.create" for number in range(50)]


def test_an_import_is_one_statement_more(app: Flask) -> None:
    with statements() as sent, unit_of_work():
        todos.create_todos([Todo(content="x", created_at=utc_now()) for _ in range(200)])
    assert len([each for each in sent if "INTO events" in each]) == 1
    assert rows("SELECT count(*) FROM events") == [(200,)]


@pytest.mark.parametrize("action", [todos.finish_todo, todos.reopen_todo, todos.delete_todo])
def test_what_an_event_costs_a_write(
    app: Flask, server: RedisServer, action: Callable[[int], Todo]
) -> None:
    """One statement, and no round trip besides the one that drops what is cached."""
    with unit_of_work():
        todo = todos.create_todo("first: it wakes the dispatcher")
    with statements() as sent, commands(server) as asked, unit_of_work():
        todos.create_todo("second")
    assert len([each for each in sent if "events" in each]) == 1
    assert len([each for each in sent if not each.startswith("BEGIN")]) == 3
    assert asked == ["EVALSHA"]
    with statements() as sent, commands(server) as asked, unit_of_work():
        action(todo.id)
    assert len([each for each in sent if "events" in each]) == 1
    assert asked == ["EVALSHA"]


def test_many_writes_send_one_nudge(app: Flask, server: RedisServer) -> None:
    for _ in range(5):
        leave("things.1.create")
    assert server.client.llen("events") == 1
    dispatch()
    assert not server.client.exists(AWAKE_KEY)
    leave("things.1.create")
    assert server.client.llen("events") == 2


def test_the_dispatcher_waits_for_more(app: Flask, seen: list[str], server: RedisServer) -> None:
    """What comes while it lingers is dispatched, and no writer sends another nudge."""
    leave("things.1.create")
    server.client.delete("events")
    late = threading.Timer(0.02, in_app(app, lambda: leave("things.2.create")))
    late.start()
    dispatch()
    late.join()
    dispatch_batch()
    deliver_all()
    assert sorted(seen) == ["things.1.create", "things.2.create"]
    assert server.client.llen("events") == 0


def in_app(app: Flask, work: Callable[[], object]) -> Callable[[], None]:
    def run() -> None:
        with app.app_context():
            work()

    return run


def test_consumers_are_given_what_they_want(app: Flask, seen: list[str]) -> None:
    wanted: list[str] = []

    @consumer("some", queue="audits", patterns=("things.*.delete",), exceptions=("things.2",))
    def take(events: Sequence[Event]) -> None:
        wanted.extend(event.name for event in events)

    leave("things.1.create", "things.1.delete", "things.2.delete")
    assert dispatch_batch() == 3
    assert dispatch_batch() == 0
    deliver_all()
    assert wanted == ["things.1.delete"]
    assert seen == ["things.1.create", "things.1.delete", "things.2.delete"]
    assert rows("SELECT id FROM event_deliveries") == []


def test_a_task_that_comes_twice_does_it_once(app: Flask, seen: list[str]) -> None:
    leave("things.1.create")
    dispatch_batch()
    ((name, batch),) = rows("SELECT consumer, batch FROM event_deliveries")
    for _ in range(2):
        dispatcher.deliver(str(name), str(batch))
    assert seen == ["things.1.create"]


def test_a_poisonous_event_stops_no_other(app: Flask, seen: list[str]) -> None:
    """Its consumer's writes are undone with it; it is tried some more, then given up."""

    @consumer("picky", queue="audits", patterns=("*",))
    def write(events: Sequence[Event]) -> None:
        for event in events:
            db.session.add(Todo(content=event.name, created_at=utc_now()))
        db.session.flush()
        if any(event.name == "things.2.create" for event in events):
            raise ValueError("poison")

    leave("things.1.create", "things.2.create", "things.3.create")
    dispatch_batch()
    deliver_all()
    kept = [row[0] for row in rows("SELECT content FROM todos ORDER BY id")]
    assert kept == ["things.1.create", "things.3.create"]
    assert len(seen) == 3
    assert rows("SELECT consumer FROM event_deliveries") == [("picky",)]
    leave("things.4.create")
    dispatch_batch()
    deliver_all()
    assert rows("SELECT count(*) FROM todos") == [(3,)]

    with unit_of_work():
        db.session.execute(sa.text(f"UPDATE event_deliveries SET attempts = {MAX_ATTEMPTS}"))
    with unit_of_work(is_write=False):
        assert dispatcher.count_given_up() == {"picky": 1}
        assert dispatcher.oldest_waiting() is None


def test_lost_deliveries_are_sent_again(app: Flask, server: RedisServer, seen: list[str]) -> None:
    leave("things.1.create")
    dispatch_batch()
    age_rows("event_deliveries", "sent_at")
    server.client.flushall()
    dispatcher.sweep()
    assert server.client.llen("audits") == 1
    deliver_all()
    assert seen == ["things.1.create"]


def age_rows(table: str, column: str) -> None:
    """Make rows a minute older."""
    with unit_of_work():
        long_ago = utc_now() - datetime.timedelta(minutes=1)
        db.session.execute(sa.text(f"UPDATE {table} SET {column} = :at"), {"at": long_ago})


def test_the_sweeper_takes_what_nobody_was_told_of(app: Flask, seen: list[str]) -> None:
    leave("things.1.create")
    age_rows("events", "created_at")
    leave("things.2.create")
    dispatcher.sweep()
    deliver_all()
    assert seen == ["things.1.create"]


def test_tags_are_dropped_again_for_a_writer_that_died(app: Flask) -> None:
    loads: list[int] = []

    def load() -> bytes:
        loads.append(1)
        return b"x"

    def read() -> None:
        get_cache().get_or_load("thing", tags=["thing:1"], ttl_ms=60_000, load=load)

    with unit_of_work():
        get_cache().invalidate("thing:1")
        publish("things.1.update", resource="thing/1", payload={})
    read()  # what a reader stored between the commit and the death
    read()
    assert len(loads) == 1
    dispatch_batch()
    read()
    assert len(loads) == 2


def test_dispatchers_share_the_work(app: Flask, seen: list[str]) -> None:
    for _ in range(2):
        leave(*(f"things.{number}.create" for number in range(BATCH)))
    threads = [threading.Thread(target=in_app(app, dispatch)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert rows("SELECT count(*) FROM event_deliveries") == [(2 * BATCH,)]
    deliver_all()
    assert len(seen) == 2 * BATCH


def test_old_events_go_with_what_was_given_up(app: Flask, seen: list[str]) -> None:
    leave("things.1.create")
    dispatch_batch()
    leave("things.2.create")
    with unit_of_work():
        long_ago = utc_now() - datetime.timedelta(days=400)
        db.session.execute(sa.text("UPDATE events SET created_at = :at"), {"at": long_ago})
    dispatcher.delete_old()
    assert rows("SELECT name FROM events") == [("things.2.create",)]  # not dispatched yet
    assert rows("SELECT id FROM event_deliveries") == []
