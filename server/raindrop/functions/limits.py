"""What one sandbox may use, and the errors of this half of the room."""

from dataclasses import dataclass

from raindrop.core.errors import BadRequest, ServiceUnavailable

MIB = 1 << 20


@dataclass(frozen=True)
class Limits:
    """All of one sandbox; the times and the log are of one activation.

    Attributes:
        memory_bytes: of all processes together with what lies in ``/tmp``, where cgroups are in
            force; else of each process's private data.
        run_s: wall time of one activation; the sandbox is killed at its end.
        init_s: wall time of starting the sandbox and loading the code.
        cpus: how many processors' time; in force with cgroups only.
        processes: processes and threads.
        open_files: of one process.
        disk_bytes: of ``/tmp``, the one place that is writable; and of one file.
        log_bytes: that are kept of stdout and stderr.
        output_bytes: that are read of them before the sandbox is killed.
        result_bytes: of the result as JSON.
    """

    memory_bytes: int = 256 * MIB
    run_s: float = 60
    init_s: float = 30
    cpus: float = 1
    processes: int = 64
    open_files: int = 256
    disk_bytes: int = 64 * MIB
    log_bytes: int = MIB
    output_bytes: int = 32 * MIB
    result_bytes: int = MIB


class SandboxUnavailable(ServiceUnavailable):
    """This machine cannot make sandboxes; the message says why and what to do."""

    message = "Functions do not run here: this machine cannot make sandboxes."
    retry_after_s = 300


class SandboxBroken(Exception):
    """One sandbox died, did not answer in time or talked nonsense; the reason is the message."""


class SandboxGone(SandboxBroken):
    """It had ended before it was asked: nothing began, another one can be asked."""


class PoolFull(ServiceUnavailable):
    """All sandboxes are busy and none became free in time."""

    message = "All sandboxes are busy; try again in a moment."


class ArchiveRefused(BadRequest):
    """The archive of the code is broken, or has something in it that is not unpacked."""

    message = "The archive cannot be unpacked."
