"""Structured logs: one JSON object a line, one file a program and calendar day (UTC)."""

import contextlib
import contextvars
import datetime
import json
import logging
import os
import signal
import sys
from pathlib import Path

from pythonjsonlogger.json import JsonFormatter

from raindrop.config import Settings

UTC = datetime.UTC

request_id: contextvars.ContextVar[str] = contextvars.ContextVar("request_id", default="")
"""The id of the request, or of the task, that the current code works for."""


class DailyFileHandler(logging.Handler):
    """Append to ``<program>-<UTC day>.jsonl``.

    Unlike the standard library's rotating handlers it renames nothing, so any number of
    processes can share a file: each line is one ``write`` to a descriptor opened for appending.
    """

    def __init__(self, folder: Path, program: str) -> None:
        super().__init__()
        self._folder = folder
        self._program = program
        self._day = ""
        self._descriptor = -1

    def emit(self, record: logging.LogRecord) -> None:
        try:
            line = self.format(record) + "\n"
            os.write(self._open(), line.encode("utf-8", "backslashreplace"))
        except Exception:
            self.handleError(record)

    def close(self) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1
        super().close()

    def _open(self) -> int:
        day = datetime.datetime.now(UTC).date().isoformat()
        if day != self._day:
            path = self._folder / f"{self._program}-{day}.jsonl"
            descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o640)
            if self._descriptor >= 0:
                os.close(self._descriptor)
            self._descriptor, self._day = descriptor, day
        return self._descriptor


class _RequestIdFilter(logging.Filter):
    def filter(self, record: logging.LogRecord) -> bool:
        record.request_id = request_id.get()
        return True


def init_logs(settings: Settings, program: str) -> None:
    """Send this process's log to its daily file; warnings also to stderr, which supervisor keeps.

    Args:
        program: the first part of the file's name, such as ``web``.
    """
    settings.log.mkdir(parents=True, exist_ok=True)
    to_file = DailyFileHandler(settings.log, program)
    to_stderr = logging.StreamHandler(sys.stderr)
    to_stderr.setLevel(logging.WARNING)
    root = logging.getLogger()
    root.setLevel(settings.log_level.upper())
    root.handlers[:] = [to_file, to_stderr]
    for handler in root.handlers:
        handler.addFilter(_RequestIdFilter())
        handler.setFormatter(_formatter())


def delete_old_logs(settings: Settings, today: datetime.date) -> int:
    """Delete daily log files, ours and nginx's, older than the setting; return how many."""
    oldest = (today - datetime.timedelta(days=settings.log_days)).isoformat()
    deleted = 0
    for path in settings.log.glob("*-????-??-??.jsonl"):
        if path.stem[-10:] <= oldest:
            with contextlib.suppress(FileNotFoundError):
                path.unlink()
                deleted += 1
    return deleted


def split_access_log(settings: Settings, today: datetime.date) -> bool:
    """Give nginx's log the name of its day once that is over; whether it did.

    nginx buffers only a log whose name is fixed, and an unbuffered one costs a hot page a fifth
    of its speed. Lines of the first minute of a day may stand in the file of the day before.
    """
    current = settings.log / "access.jsonl"
    day = _day_of_first_line(current)
    if day is None or day >= today:
        return False
    named = settings.log / f"access-{day.isoformat()}.jsonl"
    try:
        nginx = int((settings.front / "nginx.pid").read_text())
    except (OSError, ValueError):
        return False  # nginx is starting; it would go on writing to the renamed file
    if named.exists():
        return False
    current.rename(named)
    os.kill(nginx, signal.SIGUSR1)
    return True


def _day_of_first_line(path: Path) -> datetime.date | None:
    """``None`` for no file or an empty one; the file's own time where the line is damaged."""
    try:
        with path.open(encoding="utf-8", errors="replace") as file:
            line = file.readline()
        if not line:
            return None
        return datetime.datetime.fromisoformat(json.loads(line)["at"]).astimezone(UTC).date()
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, TypeError):
        return datetime.datetime.fromtimestamp(path.stat().st_mtime, UTC).date()


def _formatter() -> JsonFormatter:
    return JsonFormatter(
        ["levelname", "name", "process", "message", "request_id"],
        rename_fields={"levelname": "level", "name": "logger", "process": "pid"},
        timestamp="at",
        json_ensure_ascii=False,
    )
