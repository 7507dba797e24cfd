"""How a process is shut in on this machine: bubblewrap, seccomp, control groups or resource limits.

One ``Confinement`` serves a whole program. What it starts has namespaces of its own for users,
processes, network, mounts, names and message queues, no capability, no way to more namespaces;
``/usr`` and its own code read-only, ``/tmp`` as its one writable place, an own ``/proc``, five
devices, a made-up ``/etc``.
"""

import contextlib
import fcntl
import os
import secrets
import shutil
import socket
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from raindrop.functions.cgroups import Cgroups, find_cgroups
from raindrop.functions.limits import MIB, Limits, SandboxUnavailable
from raindrop.functions.processes import Process
from raindrop.functions.runtimes import LAUNCHERS
from raindrop.functions.seccomp import make_filter

FIRST_UID = 1_900_000_000
"""Above what distributions and systemd give out. As root, every sandbox runs as a random one of
the 100 million from here on, so that no two are the same user."""

STAGE = Path("/run/raindrop-stage")
INNER_PROXY = "/run/proxy.sock"
PROBE_S = 15

_ENTER = """
set -e
for place in $1; do echo 0 > "$place/cgroup.procs"; done
shift
exec "$@" 3<&0 0</dev/null
"""
"""Runs in the process that becomes the sandbox, before anything that is limited: it enters its
control groups, and puts the channel, which comes as standard input, where launchers expect it."""

_STAGE = f"""
set -e
mount -t tmpfs -o mode=755,size=64k,nosuid,nodev raindrop {STAGE}
while [ "$1" != -- ]; do
    if [ -d "$1" ]; then mkdir "{STAGE}/$2"; else : > "{STAGE}/$2"; fi
    mount --bind "$1" "{STAGE}/$2"
    shift 2
done
shift
exec "$@"
"""
"""As root, before the user changes: shows what is bound into the sandbox at a place that any user
can reach, in a mount namespace of its own. Folders above the originals may be for root alone."""

_ETC = {
    "passwd": "sandbox:x:1000:1000::/tmp:/bin/sh\n",
    "group": "sandbox:x:1000:\n",
    "hosts": "127.0.0.1 localhost\n::1 localhost\n",
    "nsswitch.conf": "passwd: files\ngroup: files\nhosts: files\n",
    "resolv.conf": "",
}
_ETC_OF_HOST = ("ssl/certs", "alternatives", "pki", "ca-certificates")
_DEVICES = ("null", "zero", "full", "random", "urandom")


@dataclass(frozen=True)
class Bind:
    """A file or folder of the host and where it is seen inside. A writable folder is given to the
    sandbox's user, with all that is in it."""

    source: Path
    target: str
    is_writable: bool = False


@dataclass
class Confinement:
    """What this machine has of the means; made by ``find_confinement``.

    Attributes:
        work: our folder for the filter, the made-up ``/etc`` and the sandboxes' own folders.
        is_bare: no sandbox at all, on a developer's own machine.
        has_own_users: root starts each sandbox as a user of its own.
        has_proc: ``/proc`` can be mounted; not so in some containers.
    """

    work: Path
    is_bare: bool
    cgroups: Cgroups = field(default_factory=Cgroups)
    has_own_users: bool = False
    has_proc: bool = True

    def describe(self) -> dict[str, str]:
        """What limits hold here and by what, for the operator."""
        if self.is_bare:
            return {"sandbox": "none: functions can do whatever this server can"}
        controllers = self.cgroups.controllers
        version = f"cgroup v{self.cgroups.version}"
        each = "resource limit of each process, watched in sum"
        return {
            "sandbox": "bubblewrap, seccomp",
            "user": "one of its own" if self.has_own_users else "the invoker's, without rights",
            "memory": version if "memory" in controllers else each,
            "processes": version if "pids" in controllers else "resource limit",
            "cpu": version if "cpu" in controllers else "lower priority and wall time only",
            "disk": "size of /tmp, which is memory",
            "proc": "its own" if self.has_proc else "none: this container allows none",
        }

    @property
    def limits_memory(self) -> bool:
        """Whether the memory of a sandbox is limited as a whole, and while it lives."""
        return "memory" in self.cgroups.controllers

    def start(
        self,
        argv: Sequence[str],
        limits: Limits,
        *,
        binds: Sequence[Bind] = (),
        environ: Mapping[str, str],
        cwd: str = "/tmp",
        data_overhead_bytes: int = 0,
    ) -> Process:
        """Start a command; returns at once, before the command runs.

        Args:
            argv: as seen inside.
            environ: all of the command's environment.
            data_overhead_bytes: ``Runtime.data_overhead_bytes``.

        Raises:
            OSError: no process, descriptor or folder could be made.
        """
        name = secrets.token_hex(8)
        group = None if self.is_bare else self.cgroups.create(name, limits)
        ours, theirs = socket.socketpair()
        with contextlib.ExitStack() as stack:
            stack.callback(theirs.close)
            command, descriptors = list(argv), []
            if not self.is_bare:
                descriptors.append(self._open_filter())
                stack.callback(os.close, descriptors[0])
                resources = self._resources(limits, data_overhead_bytes)
                command = self._wrap(
                    [*resources, *argv], limits, binds, environ, cwd=cwd, filter_fd=descriptors[0]
                )
            places = " ".join(map(str, group.places)) if group else ""
            try:
                popen = subprocess.Popen(
                    ["/bin/sh", "-c", _ENTER, "sh", places, *command],
                    stdin=theirs.fileno(),
                    stdout=subprocess.PIPE,
                    stderr=subprocess.PIPE,
                    pass_fds=descriptors,
                    env=dict(environ)
                    if self.is_bare
                    else {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin"},
                    cwd=cwd if self.is_bare else "/",
                    start_new_session=True,
                )
            except BaseException:
                ours.close()
                if group:
                    group.remove()
                raise
        return Process(popen, ours, group, is_bare=self.is_bare)

    def close(self) -> None:
        """Take our control groups away, when all sandboxes are gone."""
        self.cgroups.remove()

    def _open_filter(self) -> int:
        descriptor = os.open(self.work / "seccomp.bpf", os.O_RDONLY)
        try:
            # Not 3, which the channel takes.
            return fcntl.fcntl(descriptor, fcntl.F_DUPFD, 10)
        finally:
            os.close(descriptor)

    def _resources(self, limits: Limits, data_overhead_bytes: int) -> list[str]:
        """The limits that each process carries. They are set inside, where the number of processes
        counts those of this user namespace only."""
        command = [
            "/usr/bin/prlimit", f"--nproc={limits.processes + 4}", f"--nofile={limits.open_files}",
            "--core=0", f"--fsize={limits.disk_bytes}",
        ]  # fmt: skip
        if not self.limits_memory:
            # Of private data, not of addresses: Node reserves many gigabytes of those.
            command.append(f"--data={limits.memory_bytes + data_overhead_bytes}")
        return command

    def _wrap(
        self,
        argv: Sequence[str],
        limits: Limits,
        binds: Sequence[Bind],
        environ: Mapping[str, str],
        *,
        cwd: str,
        filter_fd: int,
    ) -> list[str]:
        etc = Bind(self.work / "etc", "/etc")
        launchers = Bind(LAUNCHERS, "/run/launchers")
        shown = [etc, launchers, *binds]
        before: list[str] = [] if "cpu" in self.cgroups.controllers else ["nice", "-n", "5"]
        if self.has_own_users:
            uid = str(FIRST_UID + secrets.randbelow(100_000_000))
            staged = [part for n, bind in enumerate(shown) for part in (str(bind.source), str(n))]
            before = [
                "unshare", "--mount", "--propagation", "slave", "sh", "-c", _STAGE, "sh", *staged,
                "--", *before, "setpriv", f"--reuid={uid}", f"--regid={uid}", "--clear-groups",
            ]  # fmt: skip
            for bind in shown:
                if bind.is_writable:
                    for path in [bind.source, *bind.source.rglob("*")]:
                        os.lchown(path, int(uid), int(uid))
            shown = [Bind(STAGE / str(n), b.target, b.is_writable) for n, b in enumerate(shown)]
        return [
            *before, "bwrap",
            "--unshare-all", "--unshare-user", "--disable-userns", "--die-with-parent",
            "--new-session", "--clearenv", "--cap-drop", "ALL",
            "--uid", "1000", "--gid", "1000", "--hostname", "sandbox",
            *_system(self.has_proc),
            *_bound(shown[:1]),
            *_of_host(),
            *_bound(shown[1:]),
            "--size", str(limits.disk_bytes), "--perms", "1777", "--tmpfs", "/tmp",
            "--remount-ro", "/", "--chdir", cwd,
            *(part for name, text in environ.items() for part in ("--setenv", name, text)),
            "--seccomp", str(filter_fd), "--", *argv,
        ]  # fmt: skip


def _system(has_proc: bool) -> list[str]:
    """Programs, devices and ``/proc``. bubblewrap's own ``--dev`` would be writable without end."""
    arguments = ["--ro-bind", "/usr", "/usr", "--tmpfs", "/usr/local", "--remount-ro", "/usr/local"]
    for name in ("bin", "sbin", "lib", "lib32", "lib64", "libx32"):
        path = Path("/", name)
        if path.is_symlink():
            arguments += ["--symlink", str(path.readlink()), str(path)]
        elif path.exists():
            arguments += ["--ro-bind", str(path), str(path)]
    arguments += ["--proc", "/proc"] if has_proc else []
    arguments += ["--tmpfs", "/dev"]
    for name in _DEVICES:
        arguments += ["--dev-bind", f"/dev/{name}", f"/dev/{name}"]
    links = {"fd": "", "stdin": "/0", "stdout": "/1", "stderr": "/2"} if has_proc else {}
    for name, end in links.items():
        arguments += ["--symlink", f"/proc/self/fd{end}", f"/dev/{name}"]
    return [*arguments, "--symlink", "/tmp", "/dev/shm", "--remount-ro", "/dev"]


def _of_host() -> list[str]:
    return [
        part
        for name in _ETC_OF_HOST
        for part in ("--ro-bind-try", f"/etc/{name}", f"/etc/{name}")
        if Path("/etc", name).is_dir()
    ]


def _bound(binds: Sequence[Bind]) -> list[str]:
    return [
        part
        for bind in binds
        for part in ("--bind" if bind.is_writable else "--ro-bind", str(bind.source), bind.target)
    ]


def find_confinement(work: Path, *, is_bare: bool = False, has_cgroups: bool = True) -> Confinement:
    """See what this machine has, and try it.

    Args:
        work: a folder for us alone; made when missing.
        is_bare: no sandboxes (``RAINDROP_SANDBOX=none``), on a developer's own machine.
        has_cgroups: make control groups where that is possible.

    Raises:
        SandboxUnavailable: a part is missing, or the kernel or the container forbids sandboxes.
    """
    work.mkdir(mode=0o700, parents=True, exist_ok=True)
    if is_bare:
        return Confinement(work, is_bare=True)
    if not shutil.which("bwrap"):
        raise SandboxUnavailable(
            "Functions do not run here: bubblewrap is missing; install the package bubblewrap."
        )
    for program in ("prlimit", "setpriv", "unshare"):
        if not shutil.which(program):
            raise SandboxUnavailable(
                f'Functions do not run here: "{program}" is missing; install util-linux.'
            )
    (work / "seccomp.bpf").write_bytes(make_filter())
    _make_etc(work / "etc")
    is_root = os.geteuid() == 0
    if is_root:
        STAGE.mkdir(mode=0o755, exist_ok=True)
    cgroups = find_cgroups() if has_cgroups else Cgroups()
    made = Confinement(work, is_bare=False, cgroups=cgroups, has_own_users=is_root)
    complaint = _probe(made)
    if complaint and "proc" in complaint:
        made.has_proc = False
        complaint = _probe(made)
    if complaint:
        made.close()
        raise SandboxUnavailable(
            f"Functions do not run here: no sandbox can be made ({complaint[:200]})."
        )
    return made


def _make_etc(folder: Path) -> None:
    for name in _ETC_OF_HOST:
        (folder / name).mkdir(parents=True, exist_ok=True)
    for name, text in _ETC.items():
        (folder / name).write_text(text)
    for name in ("ld.so.cache",):
        with contextlib.suppress(OSError):
            shutil.copyfile(Path("/etc", name), folder / name)
    for path in [folder, *folder.rglob("*")]:
        path.chmod(0o755 if path.is_dir() else 0o644)


def _probe(confinement: Confinement) -> str:
    """Start ``true``; its complaint, or nothing when it worked."""
    process = confinement.start(["/usr/bin/true"], Limits(memory_bytes=64 * MIB), environ={})
    try:
        _, complaint = process.popen.communicate(timeout=PROBE_S)
    except subprocess.TimeoutExpired:
        complaint = b"it does not start in time"
    code = process.popen.returncode
    process.kill()
    process.close()
    if code == 0:
        return ""
    return complaint.decode(errors="replace").strip().splitlines()[-1:][0] if complaint else "?"
