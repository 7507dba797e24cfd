"""The build step: a command that changes a folder of code, in a sandbox of its own.

``pip``, ``npm``, ``node`` and ``python`` are there. Only the folder and ``/tmp`` are writable;
there is no way out but through a proxy. Afterwards the folder is ours again, with plain modes.
"""

import contextlib
import importlib.util
import os
import select
import shlex
import stat
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from raindrop.functions.channel import Log, LogLine
from raindrop.functions.confinement import INNER_PROXY, Bind, Confinement
from raindrop.functions.limits import MIB, Limits
from raindrop.functions.processes import Process
from raindrop.functions.runtimes import CODE, INNER_LAUNCHERS, find_runtimes
from raindrop.functions.sandbox import proxy_environ

BUILD_LIMITS = Limits(
    memory_bytes=1024 * MIB, run_s=600, cpus=2, processes=256, open_files=1024,
    disk_bytes=512 * MIB, log_bytes=MIB,
)  # fmt: skip
FOLDER_BYTES = 512 * MIB
FOLDER_COUNT = 50_000
PYTHON_COMMAND = "pip install --no-cache-dir --target packages --requirement requirements.txt"
NODE_COMMAND = "npm install --omit=dev --no-audit --no-fund"

_TOOLS = "/run/tools"
_LOOK_EACH_S = 0.5

End = Literal["ready", "failed", "timeout", "out_of_memory", "too_large", "too_much_output"]


@dataclass(frozen=True)
class Built:
    """How a build ended: ``ready`` with exit code 0; all lines also went to the callback."""

    end: End
    exit_code: int
    size_bytes: int
    log: list[LogLine]


def build(
    confinement: Confinement,
    command: str,
    folder: Path,
    *,
    log: Callable[[LogLine], None],
    environ: Mapping[str, str] | None = None,
    limits: Limits = BUILD_LIMITS,
    folder_bytes: int = FOLDER_BYTES,
    proxy: Path | None = None,
) -> Built:
    """Run a shell command in the folder and wait for its end.

    Args:
        folder: the code, of this user; the command's place, ``/code`` inside.
        log: called for each line, as it comes.
        environ: the action's variables.
        folder_bytes: what the folder may hold; it is looked at twice a second, so that a build
            writes somewhat more before it is ended.
        proxy: the unix socket of a proxy, without which nothing can be fetched.

    Raises:
        OSError: no process or folder could be made.
    """
    tools, binds = _make_tools(confinement)
    own = {"HOME": "/tmp", "LANG": "C.UTF-8", "TMPDIR": "/tmp", "CI": "true"}
    own |= {"PATH": f"{_TOOLS}/bin:/usr/bin:/bin", "PYTHONPATH": f"{_TOOLS}/python"}
    own |= {"npm_config_update_notifier": "false", "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
    argv = ["/bin/sh", "-c", command]
    if confinement.is_bare:
        own["PATH"] = f"{tools}/bin:{os.environ.get('PATH', '/usr/bin:/bin')}"
        own.pop("PYTHONPATH")
    elif proxy:
        binds.append(Bind(proxy, INNER_PROXY))
        own |= proxy_environ()
        bridge = f"{INNER_LAUNCHERS}/raindrop_bridge.py"
        argv = [find_runtimes()["python"].argv[0], "-I", "-S", bridge, INNER_PROXY, *argv]
    process = confinement.start(
        argv,
        limits,
        binds=[*binds, Bind(folder, CODE, is_writable=True)],
        environ={**(environ or {}), **own},
        cwd=str(folder) if confinement.is_bare else CODE,
        data_overhead_bytes=1024 * MIB,
    )
    watcher = _Build(process, folder, limits, folder_bytes, log)
    try:
        end = watcher.follow()
    finally:
        process.kill()
        process.close()
    size_bytes, count = settle(folder)
    if end == "ready" and (size_bytes > folder_bytes or count > FOLDER_COUNT):
        end = "too_large"
    return Built(end, process.popen.returncode, size_bytes, watcher.log.lines)


class _Build:
    """One build while it runs."""

    def __init__(
        self,
        process: Process,
        folder: Path,
        limits: Limits,
        folder_bytes: int,
        tell: Callable[[LogLine], None],
    ) -> None:
        self.log = Log(limits.log_bytes)
        self._process = process
        self._folder = folder
        self._limits = limits
        self._folder_bytes = folder_bytes
        self._tell = tell
        self._told = 0

    def follow(self) -> End:
        """Read its output to its end, and look after its limits."""
        deadline = time.monotonic() + self._limits.run_s
        poll, pipes = select.poll(), {}
        popen = self._process.popen
        assert popen.stdout
        assert popen.stderr
        for stream, pipe in (("stdout", popen.stdout), ("stderr", popen.stderr)):
            pipes[pipe.fileno()] = stream
            poll.register(pipe.fileno(), select.POLLIN)
        looked = time.monotonic()
        while pipes:
            for number, _ in poll.poll(_LOOK_EACH_S * 1000):
                piece = os.read(number, 1 << 16)
                if piece:
                    self.log.add("stdout" if pipes[number] == "stdout" else "stderr", piece)
                else:
                    poll.unregister(number)
                    del pipes[number]
            self._tell_new()
            if time.monotonic() > deadline:
                return self._finish("timeout")
            if self.log.seen_bytes > self._limits.output_bytes:
                return self._finish("too_much_output")
            if time.monotonic() - looked > _LOOK_EACH_S:
                looked = time.monotonic()
                if _weigh(self._folder)[0] > self._folder_bytes:
                    return self._finish("too_large")
        code = popen.wait()
        group = self._process.group
        if code and group and group.has_run_out_of_memory():
            return self._finish("out_of_memory")
        return self._finish("failed" if code else "ready")

    def _tell_new(self) -> None:
        for line in self.log.lines[self._told :]:
            self._tell(line)
        self._told = len(self.log.lines)

    def _finish(self, end: End) -> End:
        self.log.close()
        self._tell_new()
        return end


def _make_tools(confinement: Confinement) -> tuple[Path, list[Bind]]:
    """Scripts for the programs that a build calls by name, and where those lie."""
    tools = confinement.work / "tools"
    (tools / "bin").mkdir(parents=True, exist_ok=True)
    (tools / "python").mkdir(exist_ok=True)
    runtimes = find_runtimes()
    binds = [Bind(tools, _TOOLS)]
    scripts: dict[str, list[str]] = {}
    if python := runtimes.get("python"):
        scripts["python"] = scripts["python3"] = [python.argv[0]]
        scripts["pip"] = [python.argv[0], "-m", "pip"]
        binds += [Bind(folder, str(folder)) for folder in python.folders]
        found = importlib.util.find_spec("pip")
        if found and found.origin:
            (tools / "python" / "pip").mkdir(exist_ok=True)
            binds.append(Bind(Path(found.origin).parent, f"{_TOOLS}/python/pip"))
    if node := runtimes.get("nodejs"):
        scripts["node"] = [node.argv[0]]
        npm = Path(node.argv[0]).parents[1] / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
        scripts["npm"] = [node.argv[0], str(npm)]
        binds += [Bind(folder, str(folder)) for folder in node.folders]
    for name, argv in scripts.items():
        path = tools / "bin" / name
        path.write_text(f'#!/bin/sh\nexec {shlex.join(argv)} "$@"\n')
        path.chmod(0o755)
    for folder in (tools, tools / "bin", tools / "python", tools / "python" / "pip"):
        if folder.exists():
            folder.chmod(0o755)
    return tools, binds


def settle(folder: Path) -> tuple[int, int]:
    """After a build: everything ours, modes plain, nothing but folders, files and links. Its bytes
    and number of entries."""
    size_bytes = count = 0
    for path in [folder, *_walk(folder)]:
        state = path.lstat()
        kind = stat.S_IFMT(state.st_mode)
        count += 1
        size_bytes += state.st_size
        if os.geteuid() == 0:
            os.lchown(path, 0, 0)
        if kind == stat.S_IFDIR:
            path.chmod(0o755)
        elif kind == stat.S_IFREG:
            path.chmod(0o755 if state.st_mode & 0o100 else 0o644)
        elif kind != stat.S_IFLNK:
            path.unlink()
    return size_bytes, count - 1


def _weigh(folder: Path) -> tuple[int, int]:
    size_bytes = count = 0
    for path in _walk(folder):
        with contextlib.suppress(OSError):
            size_bytes += path.lstat().st_size
            count += 1
    return size_bytes, count


def _walk(folder: Path) -> list[Path]:
    """Everything below, links not followed; folders before what is in them, made readable."""
    found = []
    waiting = [folder]
    while waiting:
        place = waiting.pop()
        with contextlib.suppress(OSError):
            entries = list(os.scandir(place))
            found += [Path(entry.path) for entry in entries]
            waiting += [Path(e.path) for e in entries if e.is_dir(follow_symlinks=False)]
    return found
