"""A started sandbox as the host sees it: the tree of its processes, to stop, weigh and kill."""

import contextlib
import os
import re
import signal
import socket
import subprocess
from dataclasses import dataclass
from pathlib import Path

from raindrop.functions.cgroups import Cgroup

_PSS = re.compile(r"^Pss:\s+(\d+) kB", re.MULTILINE)
_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


@dataclass
class Process:
    """What ``Confinement.start`` gives.

    Outside is bubblewrap, whose one child is the first process of the sandbox's own process
    namespace, whose children are the command and what lost its parent. When that first process
    dies, the kernel kills all the others; it dies with bubblewrap, and that with us.

    Attributes:
        channel: our end of the socket at the command's descriptor 3.
        group: its control group, ``None`` where there are none.
    """

    popen: "subprocess.Popen[bytes]"
    channel: socket.socket
    group: Cgroup | None
    is_bare: bool = False

    def _first(self) -> int | None:
        """The namespace's first process, by its number on the host."""
        found = _children(self.popen.pid)
        return found[0] if found else None

    def members(self) -> list[int]:
        """The numbers on the host of the sandbox's own processes, the command's first."""
        first = self.popen.pid if self.is_bare else self._first()
        if first is None:
            return []
        below = _descendants(first)
        return [first, *below] if self.is_bare else below

    def is_alive(self) -> bool:
        return self.popen.poll() is None

    def pause(self) -> None:
        """Stop every process. Not by a freezer: what version 1 has frozen cannot be killed, not
        even by the kernel when the invoker is gone."""
        seen: set[int] = set()
        for _ in range(5):
            fresh = set(self.members()) - seen
            if not fresh:
                return
            _signal(fresh, signal.SIGSTOP)
            seen |= fresh

    def resume(self) -> None:
        _signal(set(self.members()), signal.SIGCONT)

    def kill_others(self, kept: int) -> int:
        """Kill all but the command (its number on the host) and give their number."""
        others = [pid for pid in self.members() if pid != kept]
        _signal(set(others), signal.SIGKILL)
        return len(others)

    def measure_bytes(self) -> int:
        """Proportional set size of all, bubblewrap's two processes among them."""
        pids = [self.popen.pid, *_descendants(self.popen.pid)]
        return sum(_pss(pid) for pid in pids)

    def resident_bytes(self) -> int:
        """Resident memory of all: quicker to know, and never less than what they use."""
        return sum(_resident(pid) for pid in self.members())

    def end(self) -> None:
        """Kill all at once, without waiting."""
        first = None if self.is_bare else self._first()
        if first:
            # bubblewrap reaps it and ends. Killed itself, it would leave it to the machine's first
            # process, which in a container may be one that reaps nothing.
            _signal({first}, signal.SIGKILL)
        else:
            _signal({self.popen.pid, *_descendants(self.popen.pid)}, signal.SIGKILL)

    def kill(self) -> None:
        """Kill all at once and wait until they are gone."""
        if self.popen.poll() is None:
            self.end()
            try:
                self.popen.wait(2)
            except subprocess.TimeoutExpired:
                self.popen.kill()
        if self.is_bare:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self.popen.pid, signal.SIGKILL)
        self.popen.wait()

    def close(self) -> None:
        """Give back descriptors and the control group of a dead one."""
        self.channel.close()
        for pipe in (self.popen.stdout, self.popen.stderr):
            if pipe:
                pipe.close()
        if self.group:
            self.group.remove()


def _children(pid: int) -> list[int]:
    found: list[int] = []
    with contextlib.suppress(OSError):
        for thread in Path(f"/proc/{pid}/task").iterdir():
            with contextlib.suppress(OSError):
                found += map(int, (thread / "children").read_text().split())
    return found


def _descendants(pid: int) -> list[int]:
    found, waiting = [], _children(pid)
    while waiting:
        found += waiting
        waiting = [child for parent in waiting for child in _children(parent)]
    return found


def _signal(pids: set[int], number: signal.Signals) -> None:
    for pid in pids:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(pid, number)


def _pss(pid: int) -> int:
    try:
        found = _PSS.search(Path(f"/proc/{pid}/smaps_rollup").read_text())
    except OSError:
        return _resident(pid)
    return int(found[1]) * 1024 if found else 0


def _resident(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * _PAGE_BYTES
    except (OSError, IndexError):
        return 0
