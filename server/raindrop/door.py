"""Starts nginx after what a killed nginx left behind is out of its way.

When nginx's master is killed its workers live on: they hold the ports, answer from a memory that
no writer reaches any more, and the socket's file stays. supervisor would start one nginx after
the other that cannot bind.
"""

import contextlib
import os
import signal
import sys
import time
from pathlib import Path

from raindrop.config import load_settings

WAIT_S = 5


def main(command: list[str]) -> None:
    """Become nginx."""
    front = load_settings().front
    end_orphans(front / "nginx.pid", os.path.realpath(command[0]))
    (front / "edge.sock").unlink(missing_ok=True)
    os.execv(command[0], command)


def end_orphans(pid_file: Path, binary: str) -> None:
    """End the workers of the nginx that wrote this file; supervisor gave it a group of its own."""
    try:
        group = int(pid_file.read_text())
    except (OSError, ValueError):
        return
    deadline = time.monotonic() + WAIT_S
    while orphans := [pid for pid in _pids() if _is_of(pid, group, binary)]:
        end = signal.SIGTERM if time.monotonic() < deadline else signal.SIGKILL
        for pid in orphans:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, end)
        time.sleep(0.02)


def _pids() -> list[int]:
    return [int(path.name) for path in Path("/proc").iterdir() if path.name.isdigit()]


def _is_of(pid: int, group: int, binary: str) -> bool:
    try:
        return os.getpgid(pid) == group and str(Path(f"/proc/{pid}/exe").readlink()) == binary
    except OSError:
        return False


if __name__ == "__main__":
    main(sys.argv[1:])
