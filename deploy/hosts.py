"""A machine at the other end of SSH: running commands as root, putting files there."""

import hashlib
import io
import shlex
import socket
import sys
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

import paramiko
from fabric import Connection
from invoke.exceptions import CommandTimedOut, UnexpectedExit

from deploy.errors import DeployError
from deploy.inventory import HostEntry, Inventory

CONNECT_S = 15
DEAD_LINK_S = 30
"""A link over which nothing is acknowledged for so long is given up."""
COMMAND_S = 900

NO_EXIT_CODE = -1
"""What paramiko says of a command whose end the host did not tell."""

LOST = (OSError, EOFError, paramiko.SSHException, CommandTimedOut)

BEGAN = time.monotonic()

R = TypeVar("R")


class Host:
    """One machine of the inventory. Every method raises ``DeployError`` with its name."""

    def __init__(self, entry: HostEntry, inventory: Inventory) -> None:
        self.name = entry.name
        self.roles = entry.roles
        self.address = entry.address
        self._ssh = entry.ssh
        options: dict[str, Any] = {"password": None}
        if inventory.key:
            options["key_filename"] = str(inventory.key)
        self._connection = Connection(entry.ssh, connect_timeout=CONNECT_S, connect_kwargs=options)
        # Fabric would accept whatever key an unknown machine shows.
        self._connection.client.load_system_host_keys()
        self._connection.client.set_missing_host_key_policy(paramiko.RejectPolicy())

    def say(self, text: str) -> None:
        """Tell the operator what happens on this host, and how long after the start."""
        print(f"{time.monotonic() - BEGAN:5.0f} s  [{self.name}] {text}", flush=True)

    def connect(self) -> None:
        """Open the connection, and notice when it dies."""
        if self._connection.is_connected:
            return
        try:
            self._connection.open()
        except paramiko.AuthenticationException:
            raise self._error("no SSH key of yours is accepted", "see [ssh] key") from None
        except paramiko.SSHException as error:
            advice = f"for a new machine: ssh {self._ssh}, compare its key, accept it"
            raise self._error(str(error), advice) from None
        except (OSError, EOFError) as error:
            # A host that goes down in the middle of the greeting is an EOFError without words.
            reason = str(error) or "it ended the connection"
            raise self._error(f"cannot be reached: {reason}") from None
        transport = self._connection.transport
        transport.set_keepalive(10)
        if isinstance(transport.sock, socket.socket):  # behind a bastion it is a channel
            option = (socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, DEAD_LINK_S * 1000)
            transport.sock.setsockopt(*option)

    def run(self, command: str, timeout_s: int | None = COMMAND_S) -> str:
        """Run a bash script as root and return what it prints.

        Args:
            timeout_s: ``None`` for what takes as long as there are data; a dead link is noticed.

        Raises:
            DeployError: it fails; the message ends with the last lines that it wrote.
        """
        result = self._run(command, timeout_s)
        if result.failed:
            lines = (result.stderr.strip() or result.stdout.strip()).splitlines()[-6:]
            raise self._error("\n  ".join(lines) or f"exit code {result.exited}")
        return str(result.stdout)

    def succeeds(self, command: str) -> bool:
        """Whether a bash script succeeds, as root."""
        return bool(self._run(command, COMMAND_S).ok)

    def read(self, path: str) -> str:
        """A file's text; empty where there is none."""
        return self.run(f"[ ! -e {path} ] || cat {path}")

    def put_text(self, path: str, text: str, mode: str = "644", owner: str = "root:root") -> bool:
        """Make a file have this content, mode and owner; whether anything changed.

        The content travels in a private folder, so it may hold secrets.
        """
        wanted = f"{mode} {owner} {hashlib.sha256(text.encode()).hexdigest()}"
        look = f"stat -c '%a %U:%G' {path} && sha256sum < {path} | cut -d' ' -f1"
        if self.run(f"[ ! -f {path} ] || {{ {look}; }}").split("\n")[:2] == wanted.rsplit(" ", 1):
            return False
        folder = self.private_folder()
        try:
            with self._sftp() as sftp:
                sftp.putfo(io.BytesIO(text.encode()), f"{folder}/file")
            user, group = owner.split(":")
            self.run(
                f"install -m {mode} -o {user} -g {group} {folder}/file {path}.part"
                f" && mv {path}.part {path}"
            )
        finally:
            self._run(f"rm -rf {folder}", 30)
        return True

    def run_with_secrets(self, command: str, text: str) -> str:
        """Run a command with ``text`` on its standard input, which no process list shows."""
        folder = self.private_folder()
        try:
            with self._sftp() as sftp:
                sftp.putfo(io.BytesIO(text.encode()), f"{folder}/file")
            return self.run(f"{command} < {folder}/file")
        finally:
            self._run(f"rm -rf {folder}", 30)

    def upload(self, local: Path, remote: str, progress: Callable[[int, int], None]) -> None:
        """Copy a file to a path that the SSH user may write."""
        try:
            with self._sftp() as sftp:
                sftp.put(str(local), remote, callback=progress)
        except LOST as error:
            raise self._lost(error) from None

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def private_folder(self) -> str:
        """A new folder that only the SSH user can enter."""
        self.connect()
        try:
            # What a lost connection left behind goes first: it may hold secrets.
            old = "find /tmp -maxdepth 1 -user $(id -u) -name 'raindrop.*' -mmin +10"
            make = f"{old} -exec rm -rf {{}} +; mktemp -d /tmp/raindrop.XXXXXXXX"
            result = self._connection.run(make, hide=True, pty=False, in_stream=False)
        except (*LOST, UnexpectedExit) as error:
            raise self._lost(error) from None
        return str(result.stdout.strip())

    def _sftp(self) -> Any:
        self.connect()
        try:
            sftp = self._connection.client.open_sftp()
            sftp.get_channel().settimeout(DEAD_LINK_S)
        except LOST as error:
            raise self._lost(error) from None
        return sftp

    def _run(self, command: str, timeout_s: int | None) -> Any:
        self.connect()
        sudo = "" if self._connection.user == "root" else "sudo -n "
        command = f"umask 022; {command}"
        script = f"{sudo}bash --norc -euo pipefail -c {shlex.quote(command)}"
        try:
            result = self._connection.run(
                script, hide=True, warn=True, pty=False, in_stream=False, timeout=timeout_s
            )
        except LOST as error:
            raise self._lost(error) from None
        if result.exited == NO_EXIT_CODE:
            raise self._lost(EOFError("the host went away"))
        return result

    def _lost(self, error: BaseException) -> DeployError:
        self._connection.close()
        reason = next(iter(str(error).splitlines()), "") or type(error).__name__
        return self._error(f"the connection was lost: {reason}")

    def _error(self, message: str, advice: str = "") -> DeployError:
        return DeployError(f"{self.name}: {message}{f' ({advice})' if advice else ''}")


def open_hosts(inventory: Inventory) -> list[Host]:
    """Every machine of the inventory, in its order; connected when first asked."""
    return [Host(entry, inventory) for entry in inventory.hosts]


def on_each(hosts: Iterable[Host], action: Callable[[Host], R]) -> list[R]:
    """Do something on all hosts at once.

    Raises:
        DeployError: some failed; the message names each of them.
    """
    hosts = list(hosts)
    with ThreadPoolExecutor(max_workers=max(1, len(hosts))) as pool:
        futures = [pool.submit(action, host) for host in hosts]
    problems = [str(error) for future in futures if (error := future.exception())]
    for future in futures:
        if future.exception() and not isinstance(future.exception(), DeployError):
            future.result()
    if problems:
        raise DeployError("\n".join(problems))
    return [future.result() for future in futures]


def show_progress(label: str) -> Callable[[int, int], None]:
    """A progress bar on the terminal, for ``Host.upload``."""
    from tqdm import tqdm

    bar = tqdm(desc=label, unit="B", unit_scale=True, file=sys.stderr, disable=None)

    def show(done: int, total: int) -> None:
        bar.total = total
        bar.update(done - bar.n)
        if done >= total:
            bar.close()

    return show
