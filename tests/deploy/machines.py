"""Bare Debian 12 machines on this one: namespaces over one shared image, reached by ssh.

A machine has its own disk (an overlay on the image), process 1, host name, address and cable,
and no systemd: init scripts, ``service`` and ``update-rc.d``. Needs root, or sudo, and the packages
of ``install-system-packages.sh``. Nothing of it runs longer than the process that made it.
"""

import contextlib
import fcntl
import os
import shlex
import shutil
import socket
import subprocess
import sys
import threading
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from tests.deploy import host
from tests.deploy.host import NETWORK, as_root, ip, root
from tests.deploy.image import SEARCH_PATH, open_image

NETWORKS = 20
FORWARDING_WAS_OFF = "forwarding-was-off"

# The old root must go: a process in the machine would see this machine's disk under it, and the
# mounts below it would stay busy. /proc/sys is this machine's kernel except for sys/net.
BOOT = """
set -e
disk=$1 image=$2 name=$3 pip=$4
root=$disk/root
mount -t overlay overlay -o "lowerdir=$image,upperdir=$disk/upper,workdir=$disk/work" "$root"
cd "$root"
mount -t proc proc proc
mount --bind proc/sys proc/sys
mount -o remount,bind,ro proc/sys
mount --bind proc/sys/net proc/sys/net
mount -o remount,bind,rw proc/sys/net
mount -t sysfs -o ro sysfs sys
mount -t tmpfs -o mode=755 tmpfs run
mkdir -m 1777 run/lock
mount -t tmpfs -o mode=755 tmpfs dev
mkdir dev/pts dev/shm
mount -t devpts -o newinstance,gid=5,mode=620,ptmxmode=666 devpts dev/pts
mount -t tmpfs -o mode=1777 tmpfs dev/shm
for node in "null 3" "zero 5" "full 7" "random 8" "urandom 9"; do
    mknod -m 666 dev/${node% *} c 1 ${node#* }
done
mknod -m 666 dev/tty c 5 0
ln -s pts/ptmx dev/ptmx
ln -s /proc/self/fd dev/fd
ln -s fd/0 dev/stdin
ln -s fd/1 dev/stdout
ln -s fd/2 dev/stderr
mount --bind "$disk/packages" var/cache/apt/archives
mount --bind "$pip" root/.cache/pip
hostname "$name"
echo "$name" > etc/hostname
printf '127.0.0.1 localhost\\n127.0.1.1 %s\\n::1 localhost\\n' "$name" > etc/hosts
cat "$disk/resolv.conf" > etc/resolv.conf
ip link set lo up
pivot_root . mnt
cd /
umount -l /mnt
exec /sbin/init
"""


class Machine:
    """One bare Debian 12 machine; made by ``Machines.new_machine``.

    ``root`` and ``admin`` (passwordless sudo) log in with ``ssh_key``. ``run`` goes past ssh.
    """

    def __init__(self, machines: "Machines", name: str, number: int) -> None:
        self.name = name
        self.address = f"{NETWORK}.{machines.number}.{10 + number}"
        self.ssh_key = machines.ssh_key
        self.console = machines.folder / f"{name}.console"
        self._machines = machines
        self._disk = machines.folder / name
        self._link = (
            f"{host.bridge_of(machines.number)}v{number}"  # also the name of the network namespace
        )
        self._process: subprocess.Popen[bytes] | None = None
        self._init_pid = 0

    def start(self) -> None:
        """Power on; returns when sshd answers. Raises TimeoutError with the console's end."""
        if self._process:
            return
        boot = as_root(
            "ip", "netns", "exec", self._link,
            "unshare", "--mount", "--uts", "--ipc", "--pid", "--fork", "--kill-child",
            "env", "-i", f"PATH={SEARCH_PATH}", "sh", "-c", BOOT, "boot",
            str(self._disk), str(self._machines.image), self.name, str(self._machines.pip_cache),
        )  # fmt: skip
        with self.console.open("ab") as console:
            self._process = subprocess.Popen(
                boot, stdin=subprocess.PIPE, stdout=console, stderr=subprocess.STDOUT
            )
        try:
            host.wait_for(self._has_started, f"{self.name} does not start")
        except TimeoutError as error:
            self.stop()
            raise TimeoutError(f"{error}:\n{self.console.read_text()[-2000:]}") from None

    def stop(self) -> None:
        """Power off abruptly: every process is killed, the disk stays as it is."""
        if self._process and self._process.stdin:
            host.power_off(self._link)
            self._process.stdin.close()
            self._process.wait(host.WAIT_S)
        self._process, self._init_pid = None, 0

    def restart(self) -> None:
        """Power off and on; services that update-rc.d enabled come back."""
        self.stop()
        self.start()

    def run(
        self,
        command: str,
        *,
        check: bool = True,
        input: str | None = None,  # noqa: A002
        timeout_s: float = 600,
    ) -> subprocess.CompletedProcess[str]:
        """Run a shell command in it as root, past ssh and the link. Raises CalledProcessError."""
        inside = [
            "nsenter", f"--target={self._init_pid}", "--mount", "--uts", "--ipc", "--net", "--pid",
            "env", "-i", f"PATH={SEARCH_PATH}", "HOME=/root", "LANG=C.UTF-8", "sh", "-c", command,
        ]  # fmt: skip
        done = subprocess.run(
            as_root(*inside),
            check=False,
            input=input,
            capture_output=True,
            text=True,
            timeout=timeout_s,
        )
        if check and done.returncode:
            sys.stderr.write(done.stdout + done.stderr)
            done.check_returncode()
        return done

    def cut_link(self) -> None:
        """Pull the cable: nothing passes either way, connections hang without a reset."""
        ip("link", "set", self._link, "down")

    def mend_link(self) -> None:
        """Put the cable back; connections that have not timed out go on."""
        ip("link", "set", self._link, "up")

    @property
    def is_reachable(self) -> bool:
        """Whether sshd greets from its address within a second."""
        try:
            with socket.create_connection((self.address, 22), timeout=1) as connection:
                return connection.recv(4) == b"SSH-"
        except OSError:
            return False

    def remove(self) -> None:
        """Stop and delete it with its disk; its downloaded packages go to the shared cache."""
        self.stop()
        self._machines.forget(self)
        keep = 'cd "$1" && find . -maxdepth 1 -name "*.deb" -exec cp -ln -t "$2" {} +'
        root(
            "sh", "-c", keep, "keep", str(self._disk / "packages"),
            str(self._machines.package_cache), check=False,
        )  # fmt: skip
        host.remove_link(self._link)
        root("rm", "-rf", "--one-file-system", str(self._disk))

    def prepare(self) -> None:
        """Make its disk and its link, power it on and let the tests' key in."""
        self._make_disk()
        host.make_link(self._machines.number, self._link, self.address)
        self.start()
        public = self.ssh_key.with_suffix(".pub").read_text()
        self.run(
            "for user in root admin; do home=$(getent passwd $user | cut -d: -f6);"
            " install -d -m 700 -o $user -g $user $home/.ssh;"
            " echo " + shlex.quote(public.strip()) + " > $home/.ssh/authorized_keys;"
            " chown $user:$user $home/.ssh/authorized_keys; done"
        )

    def host_key(self) -> str:
        """Its line for a known_hosts file."""
        kind, key = self.run("cat /etc/ssh/ssh_host_ed25519_key.pub").stdout.split()[:2]
        return f"{self.address} {kind} {key}\n"

    def _make_disk(self) -> None:
        self._disk.mkdir()
        parts = [str(self._disk / part) for part in ("root", "upper", "work", "packages")]
        # The upper folder's owner and mode are those of the machine's "/".
        root("install", "-d", "-o", "root", "-g", "root", "-m", "755", *parts)
        # Links, not one shared folder: apt locks the folder, machines would fail beside each other.
        link = 'find "$1" -name "*.deb" -exec cp -l -t "$2" {} +'
        root(
            "sh", "-c", link, "link", str(self._machines.package_cache),
            str(self._disk / "packages"),
        )  # fmt: skip
        # A resolver on loopback, as systemd's, cannot be reached from another network.
        resolvers = [Path("/run/systemd/resolve/resolv.conf"), Path("/etc/resolv.conf")]
        shutil.copyfile(next(r for r in resolvers if r.exists()), self._disk / "resolv.conf")

    def _has_started(self) -> bool:
        if self._process and self._process.poll() is not None:
            raise TimeoutError(f"{self.name} went off while starting")
        self._init_pid = host.find_init(self._link)
        return bool(self._init_pid) and (not host.is_up(self._link) or self.is_reachable)


class Machines:
    """The machines of one session and their network; a context manager that removes everything.

    ``known_hosts`` and ``ssh_key`` are files for ssh. Several sessions may run beside each other.
    """

    def __init__(self) -> None:
        caches = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
        self.cache = caches / "raindrop-tests"
        self.package_cache = self.cache / "packages"
        self.pip_cache = self.cache / "pip"
        self._lock = threading.Lock()
        self._cleanup = contextlib.ExitStack()
        self._machines: list[Machine] = []
        self._made = 0

    def __enter__(self) -> Self:
        try:
            self._open()
        except BaseException:
            self._cleanup.close()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for machine in list(self._machines):
            # What fails here, _remove_session removes.
            with contextlib.suppress(Exception):
                machine.remove()
        self._cleanup.close()

    def new_machine(self, name: str) -> Machine:
        """Make a bare machine and wait until sshd answers; threads may call this side by side."""
        with self._lock:
            if any(machine.name == name for machine in self._machines):
                raise ValueError(f"two machines of the name {name}")
            machine = Machine(self, name, self._made)
            self._made += 1
            self._machines.append(machine)
        machine.prepare()
        with self._lock, self.known_hosts.open("a") as known_hosts:
            known_hosts.write(machine.host_key())
        return machine

    def forget(self, machine: Machine) -> None:
        """Drop a removed machine, so that its name can be used again."""
        with self._lock:
            self._machines = [other for other in self._machines if other is not machine]

    def _open(self) -> None:
        sessions = self.cache / "sessions"
        for folder in (self.package_cache, sessions):
            folder.mkdir(parents=True, exist_ok=True)
        # pip, as root in the machine, uses only a cache that root owns.
        root("install", "-d", "-o", "root", str(self.pip_cache))
        self.image = self._cleanup.enter_context(open_image(self.cache))
        self.number, lock = _claim_number(sessions)
        self._cleanup.enter_context(lock)
        self._cleanup.callback(_remove_session, sessions, self.number)
        self.folder = sessions / str(self.number)
        host.make_network(self.number)
        if not host.is_forwarding():
            (sessions / FORWARDING_WAS_OFF).touch()
            host.set_forwarding(on=True)
        self.ssh_key, self.known_hosts = self.folder / "key", self.folder / "known_hosts"
        self.known_hosts.touch()
        keygen = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "tests", "-f"]
        subprocess.run([*keygen, str(self.ssh_key)], check=True)


def _remove_session(sessions: Path, number: int) -> None:
    """Remove all that a session made, from here or from a run that was killed."""
    host.remove_network(number)
    root("rm", "-rf", "--one-file-system", str(sessions / str(number)))
    was_off = sessions / FORWARDING_WAS_OFF
    if was_off.exists() and not any(path.is_dir() for path in sessions.iterdir()):
        host.set_forwarding(on=False)
        was_off.unlink()


def _claim_number(sessions: Path) -> tuple[int, IO[str]]:
    """A number no living session has, with its lock; what dead sessions left is removed."""
    mine: tuple[int, IO[str]] | None = None
    for number in range(NETWORKS):
        lock = (sessions / f"{number}.lock").open("w")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.close()
            continue
        folder = sessions / str(number)
        if folder.exists():
            _remove_session(sessions, number)
        if mine is None and not Path(f"/sys/class/net/{host.bridge_of(number)}").exists():
            folder.mkdir()
            mine = number, lock
        else:
            lock.close()
    if mine is None:
        raise RuntimeError(f"{NETWORKS} sessions hold their networks")
    return mine
