"""An operator's own machine: a checkout, SSH keys, and `fab`."""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from raindrop.config import HOME
from tests.deploy.machines import Machine, Machines
from tests.support.site import clean_environment

FAB = Path(sys.executable).parent / "fab"
COMMAND_S = 600


class Output(NamedTuple):
    """What a command printed, how it ended and how long it took."""

    code: int
    text: str
    seconds: float


class Operator:
    """A copy of this checkout in a folder of its own, with an `etc/deploy.toml`."""

    def __init__(self, folder: Path, machines: Machines | None = None) -> None:
        self.home = folder / "home"
        self.checkout = folder / "checkout"
        (self.home / ".ssh").mkdir(parents=True)
        _copy_checkout(self.checkout)
        self._environment = clean_environment() | {"HOME": str(self.home)}
        self._machines = machines

    def write_inventory(
        self,
        hosts: Mapping[str, tuple[Machine, list[str]]],
        *,
        user: str = "root",
        settings: Mapping[str, object] | None = None,
        more: str = "",
    ) -> None:
        """Write `etc/deploy.toml` for these machines and their roles."""
        assert self._machines
        shutil.copy(self._machines.known_hosts, self.home / ".ssh" / "known_hosts")
        lines = [f'[ssh]\nkey = "{self._machines.ssh_key}"\n']
        for name, (machine, roles) in hosts.items():
            lines += [f"[hosts.{name}]", f'ssh = "{user}@{machine.address}"']
            lines += [f'address = "{machine.address}"'] if len(hosts) > 1 else []
            lines += [f"roles = {roles!r}".replace("'", '"'), ""]
        lines.append("[settings]")
        lines += [f'RAINDROP_{name} = "{value}"' for name, value in (settings or {}).items()]
        text = "\n".join([*lines, more, ""])
        (self.checkout / "etc" / "deploy.toml").write_text(text)

    def fab(self, *arguments: str, code: int = 0, **environment: str) -> Output:
        """Run `fab` and expect this exit code."""
        output = self.try_fab(*arguments, **environment)
        assert output.code == code, output.text
        return output

    def try_fab(self, *arguments: str, **environment: str) -> Output:
        """Run `fab`, however it ends."""
        began = time.monotonic()
        done = subprocess.run(
            [str(FAB), *arguments],
            cwd=self.checkout,
            env=self._environment | environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            text=True,
            timeout=COMMAND_S,
            check=False,
        )
        print(f"$ fab {' '.join(arguments)}\n{done.stdout}")
        return Output(done.returncode, done.stdout, time.monotonic() - began)

    def begin_fab(self, *arguments: str) -> subprocess.Popen[str]:
        """Start `fab` and go on."""
        return subprocess.Popen(
            [str(FAB), *arguments],
            cwd=self.checkout,
            env=self._environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            text=True,
        )

    def change(self, path: str, old: str, new: str) -> None:
        """Change the source of the next release."""
        file = self.checkout / path
        text = file.read_text()
        assert old in text
        file.write_text(text.replace(old, new))

    def undo_changes(self) -> None:
        """Make the source what this checkout has."""
        for name in ("server", "client/src"):
            shutil.rmtree(self.checkout / name, ignore_errors=True)
        _copy_checkout(self.checkout)


def _copy_checkout(target: Path) -> None:
    """Copy the files of this checkout; what was installed and built is used where it is."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=HOME,
        capture_output=True,
        text=True,
        check=True,
    )
    for name in filter(None, listed.stdout.split("\0")):
        source, copy = HOME / name, target / name
        if source.is_file():
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, copy)
    for name in (".venv", "client/node_modules"):
        if not (target / name).exists():
            os.symlink(HOME / name, target / name)
    if not (target / "client/dist").exists():
        shutil.copytree(HOME / "client/dist", target / "client/dist")
