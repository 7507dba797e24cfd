"""Logs: JSON lines, one file a day, fourteen days, request ids that join nginx and the app."""

import datetime
import json
import logging
import os
import signal
import subprocess
import time
from pathlib import Path

import httpx

from raindrop.config import load_settings
from raindrop.core.logs import (
    DailyFileHandler,
    delete_old_logs,
    init_logs,
    split_access_log,
)
from tests.support.site import Site


def test_lines_go_to_the_file_of_their_day(tmp_path: Path, monkeypatch) -> None:
    class Clock(datetime.datetime):
        day = 20

        @classmethod
        def now(cls, tz: datetime.tzinfo | None = None) -> datetime.datetime:
            return cls(2026, 11, cls.day, 23, 59, tzinfo=tz)

    monkeypatch.setattr("raindrop.core.logs.datetime.datetime", Clock)
    handler = DailyFileHandler(tmp_path, "web")
    record = logging.LogRecord("x", logging.INFO, __file__, 1, "hello", None, None)
    handler.handle(record)
    Clock.day = 21
    handler.handle(record)
    handler.handle(record)
    handler.close()
    lines = {path.name: path.read_text().splitlines() for path in tmp_path.iterdir()}
    assert lines == {
        "web-2026-11-20.jsonl": ["hello"],
        "web-2026-11-21.jsonl": ["hello", "hello"],
    }


def test_old_days_are_deleted_and_nothing_else(tmp_path: Path) -> None:
    settings = load_settings({"RAINDROP_VAR": str(tmp_path)})
    settings.log.mkdir()
    names = ["web-2026-11-07.jsonl", "web-2026-11-08.jsonl", "access-2025-01-01.jsonl", "web.out"]
    for name in names:
        (settings.log / name).touch()
    assert delete_old_logs(settings, datetime.date(2026, 11, 21)) == 2
    left = {path.name for path in settings.log.iterdir()}
    assert left == {"web-2026-11-08.jsonl", "web.out"}


def test_damaged_access_log_is_named_by_its_own_time(tmp_path: Path) -> None:
    settings = load_settings({"RAINDROP_VAR": str(tmp_path)})
    settings.log.mkdir()
    settings.front.mkdir()
    log = settings.log / "access.jsonl"
    log.write_bytes(b'{"at":"2026-11-\xff')
    os.utime(log, (0, 0))
    assert not split_access_log(settings, datetime.date(2026, 11, 21))  # no nginx to tell
    with subprocess.Popen(["sleep", "60"]) as nginx:
        (settings.front / "nginx.pid").write_text(str(nginx.pid))
        assert split_access_log(settings, datetime.date(2026, 11, 21))
    assert nginx.returncode == -signal.SIGUSR1
    assert [path.name for path in settings.log.iterdir()] == ["access-1970-01-01.jsonl"]


def test_a_line_is_one_json_object(tmp_path: Path) -> None:
    settings = load_settings({"RAINDROP_VAR": str(tmp_path)})
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    try:
        init_logs(settings, "web")
        logging.getLogger("raindrop.x").error("雨\nnext", extra={"job_id": 7})
    finally:
        root.handlers[:] = handlers
        root.setLevel(level)
    lines = [path.read_text() for path in settings.log.iterdir()]
    entry = json.loads(lines[0])
    assert lines[0].count("\n") == 1
    assert entry["message"] == "雨\nnext"
    assert entry["level"] == "ERROR"
    assert entry["job_id"] == 7
    assert datetime.datetime.fromisoformat(entry["at"]).tzinfo is not None


def test_an_unexpected_error_is_found_by_its_request_id(site: Site, client: httpx.Client) -> None:
    """Break a table behind the server's back: the answer tells nothing, the log everything."""
    site.sql("ALTER TABLE jobs RENAME TO jobs_away")
    try:
        answer = client.get("/api/jobs/" + "A" * 22)
    finally:
        site.sql("ALTER TABLE jobs_away RENAME TO jobs")
    assert answer.status_code in (500, 503)
    assert "jobs" not in answer.json()["message"]
    request_id = answer.headers["X-Request-Id"]
    day = datetime.datetime.now(datetime.UTC).date().isoformat()
    web = (site.settings.log / f"web-{day}.jsonl").read_text().splitlines()
    told = [json.loads(line) for line in web if request_id in line]
    assert any("jobs" in entry.get("exc_info", "") for entry in told)
    deadline = time.monotonic() + 5
    while request_id not in (site.settings.log / "access.jsonl").read_text():
        assert time.monotonic() < deadline


def test_nginx_log_of_a_day_that_is_over(site: Site, client: httpx.Client) -> None:
    """It gets the name of its day and nginx begins a new one; nothing is lost."""
    current = site.settings.log / "access.jsonl"
    before = client.get("/api/health").headers["X-Request-Id"]
    deadline = time.monotonic() + 5
    while before not in current.read_text():
        assert time.monotonic() < deadline
    today = datetime.datetime.now(datetime.UTC).date()
    assert not split_access_log(site.settings, today)
    assert split_access_log(site.settings, today + datetime.timedelta(days=1))
    after = client.get("/api/health").headers["X-Request-Id"]
    named = site.settings.log / f"access-{today.isoformat()}.jsonl"
    while not current.exists() or after not in current.read_text() + named.read_text():
        assert time.monotonic() < deadline + 5
    assert before in named.read_text()
