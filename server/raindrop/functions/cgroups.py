"""Control groups, versions 1 and 2: where this process may make groups of its own, a sandbox's
memory, processors and number of processes are limited as a whole.

An invoker has one group, ``raindrop-<pid>``, with one below it for each sandbox. On version 1 each
controller has its own tree.
"""

import contextlib
import os
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from raindrop.functions.limits import Limits

CONTROLLERS = ("memory", "pids", "cpu")
_PERIOD_US = 100_000
_OWN_PROCESSES = 4
"""bubblewrap's two and what stands before it, beside those of the action."""
_SELF = Path("/proc/self")


@dataclass(frozen=True)
class Cgroup:
    """One sandbox's group: ``folders`` by controller, all the same on version 2."""

    folders: Mapping[str, Path]
    version: int

    @property
    def places(self) -> list[Path]:
        """The folders that a process enters through ``cgroup.procs``."""
        return sorted(set(self.folders.values()))

    def limit(self, limits: Limits) -> None:
        """Set the limits, also while the sandbox lives."""
        memory, pids, cpu = (self.folders.get(name) for name in CONTROLLERS)
        if memory and self.version == 1:
            total = str(limits.memory_bytes)
            # The limit with swap may never lie below the one without it.
            names = ("memory.limit_in_bytes", "memory.memsw.limit_in_bytes")
            for name in (*names, names[0]):
                with contextlib.suppress(OSError):
                    (memory / name).write_text(total)
        elif memory:
            (memory / "memory.max").write_text(str(limits.memory_bytes))
            for name, value in (("memory.swap.max", "0"), ("memory.oom.group", "1")):
                with contextlib.suppress(OSError):  # a kernel without swap accounting
                    (memory / name).write_text(value)
        if pids:
            (pids / "pids.max").write_text(str(limits.processes + _OWN_PROCESSES))
        if cpu:
            quota = max(int(limits.cpus * _PERIOD_US), 1000)
            if self.version == 1:
                (cpu / "cpu.cfs_period_us").write_text(str(_PERIOD_US))
                (cpu / "cpu.cfs_quota_us").write_text(str(quota))
            else:
                (cpu / "cpu.max").write_text(f"{quota} {_PERIOD_US}")

    def has_run_out_of_memory(self) -> bool:
        """Whether the kernel killed anything in this group for its memory."""
        memory = self.folders.get("memory")
        if not memory:
            return False
        name = "memory.oom_control" if self.version == 1 else "memory.events"
        found = re.search(r"^oom_kill (\d+)$", _read(memory / name), re.MULTILINE)
        return bool(found and int(found[1]))

    def remove(self) -> None:
        """Take the group away; its processes must be gone or going."""
        for folder in self.places:
            for _ in range(50):
                try:
                    folder.rmdir()
                except FileNotFoundError:
                    break
                except OSError:
                    time.sleep(0.02)
                else:
                    break


@dataclass(frozen=True)
class Cgroups:
    """The groups of one invoker; without ``parents`` there are none."""

    version: int = 0
    parents: Mapping[str, Path] = field(default_factory=dict)

    @property
    def controllers(self) -> list[str]:
        return [name for name in CONTROLLERS if name in self.parents]

    def create(self, name: str, limits: Limits) -> Cgroup | None:
        """A group with its limits set; ``None`` where there are no groups."""
        if not self.parents:
            return None
        folders = {controller: path / name for controller, path in self.parents.items()}
        for folder in set(folders.values()):
            folder.mkdir(exist_ok=True)
        group = Cgroup(folders, self.version)
        group.limit(limits)
        return group

    def remove(self) -> None:
        """Take the invoker's own group away."""
        Cgroup(self.parents, self.version).remove()


def find_cgroups() -> Cgroups:
    """The groups that this process may make, with those of dead invokers swept away."""
    mounts = _read_mounts()
    own = _read_memberships()
    first = {
        name: place
        for name in CONTROLLERS
        if name in mounts and (place := _make_parent(_locate(*mounts[name], own.get(name, "/"))))
    }
    if first:
        return Cgroups(1, first)
    if "" not in mounts:
        return Cgroups()
    return _find_unified(_locate(*mounts[""], own.get("", "/")), Path(mounts[""][1]))


def _find_unified(own: Path, top: Path) -> Cgroups:
    """Version 2 allows no processes beside sub-groups that are limited, save at the top: so the
    nearest group above that already hands its controllers down, or else the own one, if it was
    delegated, after its processes moved one down."""
    for folder in [own, *own.parents]:
        if not folder.is_relative_to(top):
            break
        if _hands_down(folder) and (place := _make_parent(folder)):
            return _enable(place)
    if not os.access(own / "cgroup.subtree_control", os.W_OK):
        return Cgroups()
    try:
        leaf = own / "raindrop-main"
        leaf.mkdir(exist_ok=True)
        for pid in _read(own / "cgroup.procs").split():
            with contextlib.suppress(OSError):  # it ended meanwhile
                (leaf / "cgroup.procs").write_text(pid)
        _write_controllers(own)
    except OSError:
        return Cgroups()
    place = _make_parent(own) if _hands_down(own) else None
    return _enable(place) if place else Cgroups()


def _hands_down(folder: Path) -> set[str]:
    return set(_read(folder / "cgroup.subtree_control").split()) & set(CONTROLLERS)


def _write_controllers(folder: Path) -> None:
    names = set(_read(folder / "cgroup.controllers").split()) & set(CONTROLLERS)
    (folder / "cgroup.subtree_control").write_text(" ".join(f"+{name}" for name in names))


def _enable(place: Path) -> Cgroups:
    with contextlib.suppress(OSError):
        _write_controllers(place)
    return Cgroups(2, dict.fromkeys(_hands_down(place), place))


def _make_parent(folder: Path) -> Path | None:
    _sweep(folder)
    place = folder / f"raindrop-{os.getpid()}"
    try:
        place.mkdir(exist_ok=True)
    except OSError:
        return None
    return place if os.access(place / "cgroup.procs", os.W_OK) else None


def _sweep(folder: Path) -> None:
    for left in folder.glob("raindrop-*[0-9]"):
        pid = left.name.rpartition("-")[2]
        if not pid.isdigit() or Path("/proc", pid).exists():
            continue
        for group in [*left.glob("*/"), left]:
            with contextlib.suppress(OSError):
                group.rmdir()


def _read_mounts() -> dict[str, tuple[str, str]]:
    """The root within the tree and the mount point of each controller, ``""`` for version 2."""
    mounts: dict[str, tuple[str, str]] = {}
    for line in _read(_SELF / "mountinfo").splitlines():
        before, _, after = line.partition(" - ")
        (_, _, _, root, point, *_), (kind, _, options, *_) = before.split(), after.split()
        if kind == "cgroup2":
            mounts[""] = (root, point)
        elif kind == "cgroup":
            mounts.update(dict.fromkeys(options.split(","), (root, point)))
    return mounts


def _read_memberships() -> dict[str, str]:
    lines = (line.split(":", 2) for line in _read(_SELF / "cgroup").splitlines())
    return {name: path for _, names, path in lines for name in names.split(",")}


def _locate(root: str, point: str, path: str) -> Path:
    """Where a group is in the file system; in a container, its own may be the mount's root."""
    inner = path[len(root) :] if root != "/" and path.startswith(root) else path
    place = Path(point, inner.lstrip("/"))
    return place if place.is_dir() and ".." not in inner else Path(point)


def _read(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:
        return ""
