"""The guard: a supervisor listener that sees what supervisor itself does not say.

supervisor restarts a program that lives for a second and then dies for ever, and knows nothing
of memory. The guard counts exits and measures memory, ends a process that holds more than
``RAINDROP_MEMORY_LIMIT``, and writes what it saw to a file that ``/api/health``,
``raindrop host status`` and ``/metrics`` read.

The protocol: http://supervisord.org/events.html#event-listeners-and-event-notifications
"""

import contextlib
import http.client
import json
import logging
import os
import signal
import sys
import time
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from supervisor import childutils

from raindrop.config import Settings, load_settings
from raindrop.core.logs import init_logs
from raindrop.core.supervision import LOOP_WINDOW_S, ProgramReport, read_report, report_path

log = logging.getLogger(__name__)

ENDED_BY_ITSELF = ("PROCESS_STATE_EXITED", "PROCESS_STATE_BACKOFF", "PROCESS_STATE_FATAL")
GUARDED = ("web", "worker", "scheduler", "realtime", "invoker")
"""Programs whose memory is limited; what databases hold is their own setting."""


class Guard:
    """What it remembers between two looks."""

    def __init__(self, settings: Settings, supervisor: Any) -> None:
        self._settings = settings
        self._supervisor = supervisor
        self._exits: dict[str, list[float]] = defaultdict(list)
        self._kills: dict[str, list[float]] = defaultdict(list)
        self._ended: set[int] = set()
        for program in read_report(settings) or []:
            self._exits[program.name] = program.exits
            self._kills[program.name] = program.memory_kills

    def handle(self, event: str, payload: str) -> None:
        """Take one event: a program changed its state, or five seconds passed."""
        if event in ENDED_BY_ITSELF:
            name = childutils.get_headers(payload)["processname"]
            self._exits[name].append(time.time())
        elif event.startswith("TICK"):
            self.look()

    def look(self) -> None:
        """Examine every program and write the report."""
        children = _children()
        self._ended &= {pid for family in children.values() for pid in family}
        programs = [self._report(info, children) for info in self._supervisor.getAllProcessInfo()]
        text = json.dumps({"at": time.time(), "programs": [row._asdict() for row in programs]})
        path = report_path(self._settings)
        part = path.with_suffix(".part")
        part.write_text(text)
        part.replace(path)

    def _report(self, info: dict[str, Any], children: dict[int, list[int]]) -> ProgramReport:
        name = info["name"]
        memory = {pid: _memory_mb(pid) for pid in _family(info["pid"], children)}
        if name.startswith(GUARDED):
            self._end_hungry(name, info["pid"], memory)
        oldest = time.time() - LOOP_WINDOW_S
        for times in (self._exits[name], self._kills[name]):
            times[:] = [at for at in times if at > oldest]
        return ProgramReport(
            name,
            info["statename"],
            info["pid"],
            info["start"],
            sum(memory.values()),
            self._exits[name],
            self._kills[name],
        )

    def _end_hungry(self, name: str, parent: int, memory: dict[int, int]) -> None:
        """End processes over the limit: a worker's parent starts another, supervisor a program."""
        for pid, size_mb in memory.items():
            if size_mb <= self._settings.memory_limit_mb or pid in self._ended:
                continue
            self._ended.add(pid)  # it finishes its work; that is one kill, however long it takes
            self._kills[name].append(time.time())
            # gunicorn's workers and Celery's parents finish their work at this signal; a child of
            # Celery's ends in mid-step, and another repeats the step.
            log.warning("%s: process %s holds %s MB and is ended", name, pid, size_mb)
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGTERM)


def main() -> None:
    """Listen until supervisor closes the pipe."""
    supervisor = childutils.getRPCInterface(os.environ).supervisor
    settings = load_settings()
    init_logs(settings, "guard")
    guard = Guard(settings, supervisor)
    for event, payload in _events():
        try:
            guard.handle(event, payload)
        except (OSError, http.client.HTTPException) as error:
            log.warning("the guard could not look: %s", error)


def _events() -> Iterator[tuple[str, str]]:
    yield "TICK", ""  # a first look at once: health should not wait for it
    while True:
        headers, payload = childutils.listener.wait(sys.stdin, sys.stdout)
        yield headers["eventname"], payload
        childutils.listener.ok(sys.stdout)


def _children() -> dict[int, list[int]]:
    """The children of each process."""
    children: dict[int, list[int]] = defaultdict(list)
    for path in Path("/proc").iterdir():
        with contextlib.suppress(OSError, ValueError, IndexError):
            # The name in brackets may hold anything, brackets and spaces too.
            fields = (path / "stat").read_text().rpartition(")")[2].split()
            children[int(fields[1])].append(int(path.name))
    return children


def _family(pid: int, children: dict[int, list[int]]) -> Iterator[int]:
    """A process and all that descend from it; nothing for one that does not run."""
    if pid:
        yield pid
        for child in children.get(pid, []):
            yield from _family(child, children)


def _memory_mb(pid: int) -> int:
    """What a process holds that is no file's; 0 for one that is gone."""
    with contextlib.suppress(OSError, ValueError, IndexError):
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("RssAnon:"):
                return int(line.split()[1]) // 1024
    return 0


if __name__ == "__main__":
    main()
