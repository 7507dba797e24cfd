"""What the peers have in common: requests, processes, memory."""

import os
import signal
import subprocess
import time
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, ClassVar

import httpx
import psutil

from tests.bench.memory import used_mb
from tests.bench.peers.rows import LISTED, ROWS, Row, new_row

START_WAIT_S = 60
STOP_WAIT_S = 10


class Program:
    """A process with its children, and a log that is shown when it does not start."""

    def __init__(
        self,
        command: Sequence[str],
        log: Path,
        environment: Mapping[str, str],
        *,
        user: str | None = None,
        end_by: signal.Signals = signal.SIGTERM,
    ) -> None:
        """
        Args:
            user: whose process it is; ``None``: ours.
            end_by: what the program takes for a wish that it end at once.
        """
        self._log, self._end_by = log, end_by
        with log.open("ab") as output:
            self.process = subprocess.Popen(
                command,
                cwd=log.parent,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                user=user,
                group=user,
                extra_groups=None if user is None else [],
                start_new_session=True,
            )

    def wait_for(self, url: str, headers: Mapping[str, str]) -> None:
        """Until ``url`` answers 200.

        Raises:
            RuntimeError: it ended or does not answer; with its log.
        """
        deadline = time.monotonic() + START_WAIT_S
        while not _answers(url, headers):
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"{url} does not answer:\n{self._log.read_text()[-4000:]}")
            time.sleep(0.1)

    def pids(self) -> list[int]:
        """Its own and its children's."""
        return [process.pid for process in self._family()]

    def stop(self) -> None:
        """End it with its children; what hangs on open requests is killed."""
        family = self._family() if self.process.poll() is None else []
        if family:
            self.process.send_signal(self._end_by)
        for process in psutil.wait_procs(family, timeout=STOP_WAIT_S)[1]:
            with suppress(psutil.NoSuchProcess):
                process.kill()
        self.process.wait()
        # A child that was started meanwhile is in no list, but in the session's group.
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)

    def _family(self) -> list[psutil.Process]:
        own = psutil.Process(self.process.pid)
        return [own, *own.children(recursive=True)]


class Peer(ABC):
    """One that is measured; its addresses are there once it is started."""

    label: ClassVar[str]
    headers: ClassVar[Mapping[str, str]] = {}

    def __init__(self, folder: Path) -> None:
        """
        Args:
            folder: its own, empty; keep its path short, sockets live in it.
        """
        self.folder = folder
        self.list_url = ""
        self.create_url = ""

    @abstractmethod
    def start(self) -> None:
        """Start it, empty, and wait until it answers.

        Raises:
            NotAvailable: it is not installed here.
        """

    @abstractmethod
    def stop(self) -> None:
        """End all of it, also after a start that failed half-way."""

    @abstractmethod
    def fill(self, rows: Sequence[Row]) -> None:
        """Put the rows in, the quickest way there is."""

    @abstractmethod
    def count(self) -> int:
        """How many rows there are, asked of its database."""

    @abstractmethod
    def numbers(self, answer: Any) -> list[int]:
        """The ``number`` of each row of a list."""

    @abstractmethod
    def pids(self) -> dict[str, list[int]]:
        """Its processes, by what they are."""

    def memory(self) -> dict[str, float]:
        """MB of each of its parts, with ``total``; what processes share counts once."""
        parts = {name: used_mb(pids) for name, pids in self.pids().items()}
        return {**parts, "total": round(sum(parts.values()), 1)}

    def check(self) -> None:
        """See that it lists the newest rows and adds one.

        Raises:
            RuntimeError: it does not.
        """
        with httpx.Client(headers=self.headers, trust_env=False, timeout=START_WAIT_S) as client:
            answer = client.get(self.list_url)
            found = self.numbers(answer.raise_for_status().json())
            if found != list(range(ROWS, ROWS - LISTED, -1)):
                raise RuntimeError(f"{self.label} does not list the newest rows: {answer.text}")
            client.post(self.create_url, json=new_row()).raise_for_status()
            newest = self.numbers(client.get(self.list_url).raise_for_status().json())
        if newest != [new_row()["number"], *found[:-1]]:
            raise RuntimeError(f"{self.label} does not list the row that was added: {newest}")


def _answers(url: str, headers: Mapping[str, str]) -> bool:
    try:
        answer = httpx.get(url, headers=dict(headers), trust_env=False)
    except httpx.TransportError:
        return False
    return answer.status_code == httpx.codes.OK
