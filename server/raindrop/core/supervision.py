"""What the guard (``raindrop/guard.py``) last saw of the processes on this host."""

import json
import time
from pathlib import Path
from typing import NamedTuple

from raindrop.config import Settings

LOOP_EXITS = 3
LOOP_WINDOW_S = 600
"""A program that ended by itself so often within this time restarts in a loop."""

SILENT_S = 30
"""A report older than this means that the guard itself is gone."""


class ProgramReport(NamedTuple):
    """One program.

    Attributes:
        state: supervisor's word: ``RUNNING``, ``BACKOFF``, ``FATAL``, …
        exits: when it ended by itself within ``LOOP_WINDOW_S`` (Unix seconds).
        memory_mb: of all its processes together, pages that only they hold.
        memory_kills: when one of its processes held more than the limit (Unix seconds).
    """

    name: str
    state: str
    pid: int
    started_at: float
    memory_mb: int
    exits: list[float]
    memory_kills: list[float]

    @property
    def is_looping(self) -> bool:
        """Whether it restarts again and again."""
        return len(self.exits) >= LOOP_EXITS

    @property
    def is_hungry(self) -> bool:
        """Whether its processes are over the memory limit again and again."""
        return len(self.memory_kills) >= LOOP_EXITS

    @property
    def is_well(self) -> bool:
        """Whether supervisor keeps it as it should be."""
        is_kept = self.state not in ("FATAL", "BACKOFF", "EXITED", "UNKNOWN")
        return is_kept and not self.is_looping and not self.is_hungry


def report_path(settings: Settings) -> Path:
    """The file of the guard's report."""
    return settings.run / "guard.json"


def read_report(settings: Settings) -> list[ProgramReport] | None:
    """The programs of this host; ``None`` where the guard is silent."""
    try:
        report = json.loads(report_path(settings).read_text())
        if time.time() - report["at"] > SILENT_S:
            return None
        return [ProgramReport(**program) for program in report["programs"]]
    except (OSError, ValueError, KeyError, TypeError):
        return None


def are_programs_well(settings: Settings) -> bool:
    """Whether the guard reports, and no program has failed or restarts in a loop."""
    programs = read_report(settings)
    return programs is not None and all(program.is_well for program in programs)
