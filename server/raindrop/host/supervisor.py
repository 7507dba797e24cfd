"""Talking to the host's supervisor, and the files that tell it what to keep alive."""

import http.client
import time
import xmlrpc.client
from collections.abc import Callable, Container, Iterable
from pathlib import Path
from typing import Any, NamedTuple

from supervisor.xmlrpc import SupervisorTransport

from raindrop.host.layout import OUTPUT, SUPERVISOR_CONF, SUPERVISOR_SOCKET
from raindrop.programs import Program
from raindrop.templates import StackError, render

RUNNING_WITHIN_S = 90
STARTS = 3
ALIVE = ("STARTING", "RUNNING", "BACKOFF", "STOPPING")
STEADY_S = 3
"""A program that has loaded and runs for so long counts as started."""


class ProgramState(NamedTuple):
    """What supervisor says of one program."""

    name: str
    state: str
    description: str
    pid: int


class Supervisor:
    """The host's supervisor.

    Every method raises ``StackError`` where supervisor does not answer or refuses.
    """

    def __init__(self, socket: Path = SUPERVISOR_SOCKET) -> None:
        transport = SupervisorTransport(serverurl=f"unix://{socket}")
        self._calls = xmlrpc.client.ServerProxy("http://localhost", transport).supervisor

    def programs(self) -> list[ProgramState]:
        """Every program that supervisor knows."""
        rows = self._call("getAllProcessInfo")
        return [
            ProgramState(row["name"], row["statename"], row["description"], row["pid"])
            for row in rows
        ]

    def start(self, names: Iterable[str]) -> None:
        """Take programs from their files, changed ones anew, and start those that do not run."""
        names = list(names)
        added, changed, _ = self._call("reloadConfig")[0]
        known = {program.name for program in self.programs()}
        for name in names:
            if name in changed:
                self.stop([name])
                known.discard(name)
            if name in added or name not in known:
                self._call("addProcessGroup", name)
        for program in self.programs():
            if program.name in names and program.state not in ALIVE:
                self._call("startProcess", program.name, False)

    def stop(self, names: Iterable[str]) -> None:
        """Stop programs, all at once, wait for their end and forget them."""
        names = set(names)
        for name in names:
            self._call("stopProcessGroup", name, False)
        while any(each.name in names and each.state in ALIVE for each in self.programs()):
            time.sleep(0.2)  # supervisor kills what does not end within its own time
        for name in names:
            self._call("removeProcessGroup", name)

    def restart(self, name: str) -> None:
        """Stop and start one program."""
        self._call("stopProcessGroup", name)
        self._call("startProcessGroup", name)

    def wait_until_steady(self, names: Iterable[str], loaded: Callable[[], Container[int]]) -> None:
        """Wait until programs have loaded, and run for ``STEADY_S`` more.

        Args:
            loaded: the processes that said that they have.

        Raises:
            StackError: one does not.
        """
        watches = [Watch(name) for name in names]
        deadline, steady_since = time.monotonic() + RUNNING_WITHIN_S, time.monotonic()
        while time.monotonic() < steady_since + STEADY_S:
            programs = self.programs()
            said = loaded()
            looks = [watch.is_running(programs) and watch.pid in said for watch in watches]
            if not all(looks):
                steady_since = time.monotonic()
            if time.monotonic() > deadline:
                raise StackError("the workers are not steady")
            time.sleep(0.2)

    def _call(self, method: str, *arguments: object) -> Any:
        try:
            return getattr(self._calls, method)(*arguments)
        except xmlrpc.client.Fault as fault:
            if "BAD_NAME" in fault.faultString or "ALREADY_ADDED" in fault.faultString:
                return None
            raise StackError(f"supervisor: {method} {arguments}: {fault.faultString}") from None
        except (OSError, http.client.HTTPException) as error:
            raise StackError(f"supervisor does not answer: {error}") from None


class Watch:
    """Looks at a starting program again and again, and says when there is no hope."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._pids: set[int] = set()
        self.pid = 0

    def is_running(self, programs: Iterable[ProgramState]) -> bool:
        """Whether it runs as the same process as at the first look.

        Raises:
            StackError: it was started ``STARTS`` times, or supervisor gave up.
        """
        found = next((each for each in programs if each.name == self._name), None)
        if found is None or found.state == "FATAL":
            raise StackError(f"{self._name} does not stay alive")
        self.pid = found.pid
        self._pids |= {found.pid} - {0}
        if len(self._pids) >= STARTS:
            raise StackError(f"{self._name} does not stay alive")
        return found.state == "RUNNING"


def program_file(kind: str) -> Path:
    """The file of some programs: ``front``, ``web-<activation>``, ``worker-<activation>``."""
    return SUPERVISOR_CONF / f"raindrop-{kind}.conf"


def write_programs(kind: str, programs: list[Program], home: Path) -> None:
    """Describe programs to supervisor."""
    text = render(
        "supervisor/programs.conf.j2",
        programs=programs,
        directory=home / "server",
        log=OUTPUT,
    )
    path = program_file(kind)
    part = path.with_suffix(".part")
    part.write_text(text)
    part.replace(path)
