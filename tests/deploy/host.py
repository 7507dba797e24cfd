"""What the tests do to this machine as root: network namespaces, cables, bridges, rules."""

import contextlib
import json
import os
import re
import shlex
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

WAIT_S = 60
NETWORK = "10.213"
FORWARDING = Path("/proc/sys/net/ipv4/ip_forward")


def as_root(*command: str) -> list[str]:
    """The command, through sudo where the tests do not run as root."""
    return [*([] if os.geteuid() == 0 else ["sudo"]), *command]


def root(*command: str, check: bool = True) -> str:
    """Run a command as root and return its output. Raises RuntimeError with the output's end."""
    done = subprocess.run(as_root(*command), check=False, capture_output=True, text=True)
    if check and done.returncode:
        raise RuntimeError(f"{shlex.join(command)}: {done.stdout[-2000:]}{done.stderr[-2000:]}")
    return done.stdout


def ip(*words: str, check: bool = True) -> str:
    """Run iproute2's ``ip`` as root and return its output."""
    return root("ip", *words, check=check)


def wait_for(condition: Callable[[], object], what: str) -> None:
    """Return when the condition holds. Raises TimeoutError after ``WAIT_S``."""
    deadline = time.monotonic() + WAIT_S
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(what)
        time.sleep(0.05)


def bridge_of(number: int) -> str:
    """The name of a session's bridge."""
    return f"raindrop{number}"


def make_link(number: int, link: str, address: str) -> None:
    """A network namespace ``link`` with a cable of the same name to the session's bridge."""
    mtu = str(outbound_mtu())
    ip("netns", "add", link)
    ip("link", "add", link, "mtu", mtu, "type", "veth",
        "peer", "name", "eth0", "mtu", mtu, "netns", link)  # fmt: skip
    ip("link", "set", link, "master", bridge_of(number), "up")
    ip("-n", link, "address", "add", f"{address}/24", "dev", "eth0")
    ip("-n", link, "link", "set", "eth0", "up")
    ip("-n", link, "route", "add", "default", "via", f"{NETWORK}.{number}.1")


def remove_link(link: str) -> None:
    """Remove the cable and the namespace, where they are still there."""
    ip("link", "delete", link, check=False)
    ip("netns", "delete", link, check=False)


def is_up(link: str) -> bool:
    """Whether the cable is in."""
    return bool(int(Path(f"/sys/class/net/{link}/flags").read_text(), 16) & 1)


def processes_of(link: str) -> list[int]:
    """All processes of a machine, by their numbers here."""
    return [int(pid) for pid in ip("netns", "pids", link, check=False).split()]


def find_init(link: str) -> int:
    """Process 1 of a machine as seen from here, 0 when it is off."""
    for pid in processes_of(link):
        with contextlib.suppress(OSError):
            status = Path(f"/proc/{pid}/status").read_text()
            inside = re.search(r"^NSpid:\t\d+\t1$", status, re.MULTILINE)
            # Before the exec of init it is still setting up the disk.
            if inside and Path(f"/proc/{pid}/cmdline").read_text().endswith("/sbin/init\0"):
                return pid
    return 0


def power_off(link: str) -> None:
    """Kill all processes of a machine and wait until they are gone."""

    def is_off() -> bool:
        if pids := processes_of(link):
            root("kill", "-KILL", *map(str, pids), check=False)
        return not pids

    wait_for(is_off, f"{link} does not end")


def outbound_mtu() -> int:
    """The size of packet that reaches the world from here, bytes: tunnels take some."""
    routes = json.loads(ip("-json", "route", "show", "default"))
    device = routes[0]["dev"] if routes else "lo"
    return min(1500, int(Path(f"/sys/class/net/{device}/mtu").read_text()))


def _rules(number: int) -> Iterator[list[str]]:
    """Out to the world through this machine's address, also where Docker closed forwarding."""
    bridge, network = bridge_of(number), f"{NETWORK}.{number}.0/24"
    yield ["nat", "POSTROUTING", "-s", network, "!", "-o", bridge, "-j", "MASQUERADE"]
    yield ["filter", "FORWARD", "-i", bridge, "-j", "ACCEPT"]
    yield ["filter", "FORWARD", "-o", bridge, "-j", "ACCEPT"]


def make_network(number: int) -> None:
    """A session's bridge, with the way out to the world."""
    bridge = bridge_of(number)
    ip("link", "add", bridge, "mtu", str(outbound_mtu()), "type", "bridge")
    ip("address", "add", f"{NETWORK}.{number}.1/24", "dev", bridge)
    ip("link", "set", bridge, "up")
    for table, chain, *rule in _rules(number):
        root("iptables", "-w", "-t", table, "-I", chain, *rule)


def remove_network(number: int) -> None:
    """Remove a session's machines, bridge and rules, also those of a run that was killed."""
    bridge = bridge_of(number)
    for line in ip("netns", "list").splitlines():
        link = line.split()[0]
        if link.startswith(f"{bridge}v"):
            power_off(link)
            remove_link(link)
    ip("link", "delete", bridge, check=False)
    for table, chain, *rule in _rules(number):
        root("iptables", "-w", "-t", table, "-D", chain, *rule, check=False)


def is_forwarding() -> bool:
    """Whether this machine passes packets on, for all its networks."""
    return FORWARDING.read_text().strip() == "1"


def set_forwarding(on: bool) -> None:
    """Let this machine pass packets on, or not."""
    root("sh", "-c", f"echo {int(on)} > {FORWARDING}")
