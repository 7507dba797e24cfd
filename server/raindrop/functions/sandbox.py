"""One sandbox: started, given an action's code once, run, paused and killed."""

import contextlib
import os
import shutil
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from raindrop.functions.channel import Channel, Log, LogLine, Reply
from raindrop.functions.confinement import INNER_PROXY, Bind, Confinement
from raindrop.functions.limits import Limits, SandboxBroken, SandboxGone
from raindrop.functions.runtimes import CODE, INNER_LAUNCHERS, LAUNCHERS, Runtime

PLACED_FILES = 2000
"""Up to how many files a folder's code is put into a sandbox that waits; linking them takes about
as long as a start after that."""
_INODES = 20_000
"""Empty files take the kernel's memory, which no resource limit counts."""
_PROGRAM_BYTES = 32 << 20
"""What resident memory counts of a program's own files."""
_PROXY_URL = "http://127.0.0.1:3128"

Status = Literal[
    "success", "application_error", "developer_error", "timeout", "out_of_memory", "crashed"
]


@dataclass(frozen=True)
class Code:
    """An action's code: a ``folder`` of the host that is not changed any more, or the ``text`` of
    one file; ``entry`` is the file's name in either. ``main`` is the function's name and ``style``
    its kind (see ``channel.py``)."""

    entry: str
    folder: Path | None = None
    text: str | None = None
    main: str = "main"
    style: Literal["action", "handler"] = "action"
    name: str = ""


@dataclass(frozen=True)
class Outcome:
    """How one activation ended.

    ``application_error``: the function gave an ``error`` on purpose. ``developer_error``: it threw,
    could not be loaded or gave no object. ``result`` is the function's, or ``{"error": …}``; ``at``
    is the file and line of the user's code that an error is about.
    """

    status: Status
    result: Any
    logs: list[LogLine] = field(default_factory=list)
    at: tuple[str, int] | None = None
    is_log_truncated: bool = False
    run_ms: float = 0


class Sandbox:
    """A process in its confinement. Not for two threads at once, except ``run`` where the runtime
    has concurrency.

    Start it in a thread that lives as long as the sandbox: the kernel kills it with that thread.
    (Under gevent all greenlets are one thread.)
    """

    def __init__(
        self,
        confinement: Confinement,
        runtime: Runtime,
        limits: Limits,
        *,
        code: Code | None = None,
        proxy: Path | None = None,
    ) -> None:
        """Start it and wait until it can be initialised.

        Args:
            code: what will run; ``None`` for one that waits for any action.
            proxy: a unix socket of the host on which a proxy listens, the one way out.

        Raises:
            SandboxBroken: it did not start.
        """
        self.runtime = runtime
        self.limits = limits
        self.has_proxy = proxy is not None
        self.is_initialised = False
        self.is_paused = False
        self.peak_bytes = 0
        self._confinement = confinement
        self._slot: Path | None = None
        self._command_pid: int | None = None
        binds = [Bind(folder, str(folder)) for folder in runtime.folders]
        folder = self._folder_for(code)
        self._code_folder = str(folder) if confinement.is_bare else CODE
        binds.append(Bind(folder, CODE))
        environ = dict(runtime.environ)
        argv = self._command(code)
        if proxy:
            binds.append(Bind(proxy, INNER_PROXY))
            environ |= proxy_environ()
            argv.append(str(proxy) if confinement.is_bare else INNER_PROXY)
        if confinement.is_bare:
            environ |= {"RAINDROP_SANDBOX": "none", "PATH": os.environ.get("PATH", "/usr/bin")}
        self._process = confinement.start(
            argv,
            limits,
            binds=binds,
            environ=environ,
            cwd=self._code_folder,
            data_overhead_bytes=runtime.data_overhead_bytes,
        )
        self._channel = Channel(self._process, limits)
        try:
            self._channel.wait_ready(limits.init_s)
        except BaseException:
            self.kill()
            raise
        members = self._process.members()
        self._command_pid = members[0] if members else None

    def _command(self, code: Code | None) -> list[str]:
        places = {
            "code": self._code_folder,
            "launchers": str(LAUNCHERS) if self._confinement.is_bare else INNER_LAUNCHERS,
            "entry": code.entry if code else "",
        }
        return [part.format(**places) for part in self.runtime.argv]

    def _folder_for(self, code: Code | None) -> Path:
        if code and code.folder:
            return code.folder
        slots = self._confinement.work / "slots"
        slots.mkdir(exist_ok=True)
        self._slot = slots / os.urandom(8).hex()
        self._slot.mkdir(mode=0o755)
        self._slot.chmod(0o755)
        if code:
            self._write(code)
        return self._slot

    def _write(self, code: Code) -> None:
        """The one file of an action that is a text."""
        assert self._slot
        path = self._slot / code.entry
        path.write_text(code.text or "")
        path.chmod(0o755)

    def place(self, code: Code) -> bool:
        """Put an action's code where a sandbox that waits sees it; False when it is too much for
        that, or lies on another file system."""
        if not self._slot:
            return False
        if code.folder is None:
            self._write(code)
            return True
        return _link_tree(code.folder, self._slot)

    def init(self, code: Code, environ: Mapping[str, str], limits: Limits) -> tuple[Reply, Log]:
        """Give the action to a sandbox that has its code; once, or 403.

        Raises:
            TimeoutError, SandboxBroken: as ``Channel.call``; the sandbox has to be killed.
        """
        self._set_limits(limits)
        value = {
            "name": code.name,
            "main": code.main,
            "entry": code.entry,
            "style": code.style,
            "binary": code.text is None,
            "code": code.text,
            "env": dict(environ),
            "result_bytes": limits.result_bytes,
            "heap_mb": max(limits.memory_bytes * 3 // 4 >> 20, 16),
        }
        log = Log(limits.log_bytes)
        reply = self._channel.call("/init", {"value": value}, log, limits.init_s, self._watch())
        self.is_initialised = self.is_initialised or reply.status == 200
        return reply, log

    def _set_limits(self, limits: Limits) -> None:
        self.limits = self._channel.limits = limits
        if self._process.group:
            self._process.group.limit(limits)

    def run(self, value: Any, context: Mapping[str, Any], *, log: Log | None = None) -> Outcome:
        """One activation. What the code does is in the outcome; ``is_usable`` tells afterwards
        whether there can be another.

        Args:
            value: the function's argument.
            context: ``activation_id``, ``namespace``, ``action_name``, ``deadline`` (milliseconds)
                and the like, which become ``__OW_…`` variables.
            log: with the output of loading the code, when this is the first activation.

        Raises:
            SandboxGone: it had ended before, and nothing began.
        """
        log = log or Log(self.limits.log_bytes)
        started = time.perf_counter()
        status: Status
        try:
            body = {"value": value, **context}
            reply = self._channel.call("/run", body, log, self.limits.run_s, self._watch())
        except TimeoutError:
            self.kill()
            message = f"The action exceeded its time limit of {self.limits.run_s:g} s."
            status, result, at = "timeout", {"error": message}, None
        except SandboxGone:
            raise
        except SandboxBroken as broken:
            self.kill()
            status, message = self._explain(str(broken))
            result, at = {"error": message}, None
        else:
            status, result, at = _judge(reply)
            self._tidy()
        run_ms = (time.perf_counter() - started) * 1000
        return Outcome(status, result, log.close(), at, log.is_truncated, run_ms)

    def _explain(self, reason: str) -> tuple[Status, str]:
        group = self._process.group
        is_memory = "memory" in reason or (self._had_no_memory or False)
        if is_memory or (group and group.has_run_out_of_memory()):
            mib = self.limits.memory_bytes >> 20
            return "out_of_memory", f"The action used more than its {mib} MiB of memory."
        return "crashed", f"The action ended without an answer. {reason}"

    _had_no_memory = False

    def _watch(self) -> Any:
        """What has to be looked at while code runs: nothing where control groups hold."""
        if self._confinement.is_bare or self._confinement.limits_memory:
            return None
        return self._find_excess

    def _find_excess(self) -> str | None:
        if self._process.resident_bytes() > self.limits.memory_bytes + _PROGRAM_BYTES:
            return "It has too much memory."
        with contextlib.suppress(OSError):
            disk = os.statvfs(f"/proc/{self._command_pid}/root/tmp")
            if disk.f_files - disk.f_ffree > _INODES:
                return f"It has more than {_INODES} files."
        return None

    def _tidy(self) -> None:
        """Kill what the activation left running: its user may not be the next one's."""
        if self._command_pid and self._channel.in_flight == 0:
            self._process.kill_others(self._command_pid)

    @property
    def is_usable(self) -> bool:
        return self._channel.broken is None and self._process.is_alive()

    def pause(self) -> None:
        """Let it have no more processor time; what is paused can be killed."""
        self._process.pause()
        self.is_paused = True

    def resume(self) -> None:
        self._process.resume()
        self.is_paused = False

    def measure_bytes(self) -> int:
        """Its proportional set size, which takes about a millisecond to know."""
        return self._process.measure_bytes()

    def kill(self) -> None:
        """End it and everything in it; again, without effect."""
        group = self._process.group
        self._had_no_memory = bool(group and group.has_run_out_of_memory())
        self._process.kill()
        self._channel.join()
        self._process.close()
        if self._slot:
            shutil.rmtree(self._slot, ignore_errors=True)


def proxy_environ() -> dict[str, str]:
    """What tells HTTP libraries of the one way out."""
    names = ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY")
    return {**dict.fromkeys(names, _PROXY_URL), "no_proxy": "127.0.0.1,localhost"}


def _judge(reply: Reply) -> tuple[Status, Any, tuple[str, int] | None]:
    if reply.status != 200:
        error = reply.body.get("error") if isinstance(reply.body, dict) else None
        status: Status = "out_of_memory" if reply.status == 507 else "developer_error"
        return status, {"error": error or "The action failed."}, reply.at
    if not isinstance(reply.body, dict | list):
        return "developer_error", {"error": "The action did not return a dictionary."}, None
    is_error = isinstance(reply.body, dict) and "error" in reply.body
    return "application_error" if is_error else "success", reply.body, None


def _link_tree(source: Path, target: Path) -> bool:
    """The same files in another folder, without their bytes being copied."""
    count = 0
    made = []
    try:
        for folder, names, files in os.walk(source):
            place = target / Path(folder).relative_to(source)
            links = [name for name in names if Path(folder, name).is_symlink()]
            count += len(files) + len(names)
            if count > PLACED_FILES:
                raise OSError
            for name in names:
                if name not in links:
                    (place / name).mkdir(mode=0o755)
                    made.append(place / name)
            for name in files + links:
                os.link(Path(folder, name), place / name, follow_symlinks=False)
    except OSError:
        for entry in target.iterdir():
            shutil.rmtree(entry) if entry.is_dir() and not entry.is_symlink() else entry.unlink()
        return False
    return True
