"""How a program says that it has loaded; supervisor calls running what may still fail to."""

import os
from pathlib import Path

from raindrop.config import Settings

SUFFIX = ".loaded"


def tell_loaded(settings: Settings, name: str) -> None:
    """Say that this process has loaded.

    Args:
        name: the program's; what its process before this one said is replaced.
    """
    path = settings.run / f"{name}{SUFFIX}"
    part = path.with_suffix(".part")
    part.write_text(str(os.getpid()))
    part.replace(path)


def loaded_processes(settings: Settings) -> set[int]:
    """The numbers of the processes that said so last."""
    return {int(path.read_text()) for path in _words(settings)}


def forget_loaded(settings: Settings) -> None:
    """Drop what was said: a number may be another process's later."""
    for path in _words(settings):
        path.unlink(missing_ok=True)


def _words(settings: Settings) -> list[Path]:
    return list(settings.run.glob(f"*{SUFFIX}"))
