"""Which addresses this server may call: a host's one spelling, its addresses, a judgement of each.

Against server-side request forgery; ``core/outbound.py`` connects to what passes here.
"""

import functools
import ipaddress
import logging
import re
import socket
import threading
import time
from typing import Any, NamedTuple

import idna

from raindrop.config import load_settings
from raindrop.core.errors import OutboundFailed, OutboundRefused, OutboundTimeout

log = logging.getLogger(__name__)

CONCURRENT_LOOKUPS = 8
"""Below gevent's ten threads: slow name servers of strangers leave some to the database's name."""

_LABEL = r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?"
_NAME = re.compile(rf"{_LABEL}(?:\.{_LABEL})*")
BRACKETED = re.compile(r"\[[^\[\]]*:[^\[\]]*\]")
_NUMERIC_END = re.compile(r"(?:^|\.)(?:[0-9]+|0x[0-9a-f]*)$")

# The IANA registries of special addresses (RFC 6890 and what came after it), as a table of our
# own because ``ipaddress.is_global`` differs between versions of Python.
_SPECIAL_V4 = tuple(
    ipaddress.IPv4Network(network)
    for network in (
        "0.0.0.0/8",  # this network
        "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16",  # private, RFC 1918
        "100.64.0.0/10",  # carrier-grade NAT, RFC 6598; Alibaba's metadata lies in it
        "127.0.0.0/8",  # loopback
        "169.254.0.0/16",  # link-local, RFC 3927; most clouds' metadata
        "168.63.129.16/32",  # Azure's host, seen from its machines only
        "192.0.0.0/24",  # protocol assignments; Oracle's metadata
        "192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24",  # documentation, RFC 5737
        "192.88.99.0/24",  # 6to4 relays, RFC 7526
        "198.18.0.0/15",  # benchmarks, RFC 2544
        "224.0.0.0/4",  # multicast
        "240.0.0.0/4",  # reserved, broadcast
    )
)  # fmt: skip
_GLOBAL_V6 = ipaddress.IPv6Network("2000::/3")
"""All of IPv6 that is given out. Loopback, private (fd00:ec2::254 among them), link-local and
multicast addresses and those that hold an IPv4 one (::/96, ::ffff:0:0/96) lie outside."""
_SPECIAL_V6 = tuple(
    ipaddress.IPv6Network(network)
    for network in (
        "2001::/23",  # Teredo (RFC 4380), benchmarks, ORCHID and other assignments
        "2001:db8::/32", "3fff::/20",  # documentation, RFC 3849 and 9637
        "2002::/16",  # 6to4, RFC 3056; it holds an IPv4 address
    )
)  # fmt: skip
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
"""RFC 6052: the last 32 bits are the IPv4 address that is meant. A network with IPv6 alone needs
it for every IPv4 host."""
_ISATAP = 0x5EFE
"""RFC 5214: the interface identifier of an address whose last 32 bits are an IPv4 one."""

IpAddress = ipaddress.IPv4Address | ipaddress.IPv6Address
_OpenedNetwork = tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, int | None]


def normalise_host(text: str) -> str:
    """The one spelling of a host: lower-case ASCII without a last dot, or a plain address.

    ``127.1``, ``0x7f.0.0.1`` and ``2130706433`` are addresses for the C library. Whatever ends in
    a number (https://url.spec.whatwg.org/#ends-in-a-number-checker) but is no dotted quad is
    refused; full-width digits and full stops become plain ones before that (UTS 46).
    """
    try:
        host = text if text.isascii() else idna.encode(text, uts46=True).decode("ascii")
        host = host.lower().removesuffix(".")
        if ":" in host and "%" not in host:
            return str(ipaddress.IPv6Address(host))
        if _NUMERIC_END.search(host):
            return str(ipaddress.IPv4Address(host))
    except ValueError:
        raise OutboundRefused("The address has no valid host name.") from None
    if len(host) > 253 or not _NAME.fullmatch(host):
        raise OutboundRefused("The address has no valid host name.")
    return host


class _Openings(NamedTuple):
    names: frozenset[tuple[str, int]]
    networks: tuple[_OpenedNetwork, ...]


@functools.cache
def openings() -> _Openings:
    """``RAINDROP_OUTBOUND_ALLOW``, read once a process."""
    names: set[tuple[str, int]] = set()
    networks: list[_OpenedNetwork] = []
    for entry in load_settings().outbound_allow:
        if "/" in entry:
            networks.append((ipaddress.ip_network(entry), None))
            continue
        host, _, port = entry.rpartition(":")
        try:
            networks.append((ipaddress.ip_network(host.strip("[]")), int(port)))
        except ValueError:
            names.add((host, int(port)))
    return _Openings(frozenset(names), tuple(networks))


class Address(NamedTuple):
    family: int
    sockaddr: Any


def find_addresses(host: str, port: int, deadline: float, *, is_port_usual: bool) -> list[Address]:
    """Resolve once and judge. One bad address refuses the host: of a good and a bad one the
    other side would choose which is tried, by their order or by not answering at the good one."""
    found = _look_up(host, port, deadline)
    for address in found:
        ip = ipaddress.ip_address(address.sockaddr[0])
        if not (_is_opened(host, ip, port) or (is_port_usual and _is_public(ip))):
            log.info("outbound: refused %s, port %d: it is %s", host, port, ip)
            raise OutboundRefused
    return found


def _is_opened(host: str, ip: IpAddress, port: int) -> bool:
    allowed = openings()
    return (host, port) in allowed.names or any(
        ip in network and opened_port in (None, port) for network, opened_port in allowed.networks
    )


def _is_public(ip: IpAddress) -> bool:
    if isinstance(ip, ipaddress.IPv4Address):
        return not any(ip in network for network in _SPECIAL_V4)
    if ip in _NAT64:
        return _is_public(ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF))
    is_isatap = (int(ip) >> 32) & 0xFCFFFFFF == _ISATAP
    return ip in _GLOBAL_V6 and not is_isatap and not any(ip in network for network in _SPECIAL_V6)


_NO_SUCH_NAME = (socket.EAI_NONAME, socket.EAI_NODATA, socket.EAI_ADDRFAMILY)
_lookups = threading.BoundedSemaphore(CONCURRENT_LOOKUPS)


def _look_up(host: str, port: int, deadline: float) -> list[Address]:
    """Ask the system's resolver, in a thread because nothing else can end the wait in time."""
    results: list[list[Address] | OSError] = []

    def ask() -> None:
        try:
            rows = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
            results.append([Address(row[0], row[4]) for row in rows])
        except OSError as error:
            results.append(error)
        finally:
            _lookups.release()

    if not _lookups.acquire(timeout=time_left(deadline)):
        raise OutboundTimeout
    thread = threading.Thread(target=ask, name="outbound-lookup", daemon=True)
    try:
        thread.start()
    except RuntimeError:
        _lookups.release()
        raise
    thread.join(time_left(deadline))
    if not results:
        raise OutboundTimeout
    if isinstance(results[0], OSError):
        raise OutboundRefused if results[0].errno in _NO_SUCH_NAME else OutboundFailed
    return results[0]


def time_left(deadline: float) -> float:
    """Seconds until then.

    Raises:
        OutboundTimeout: none are left.
    """
    left = deadline - time.monotonic()
    if left <= 0:
        raise OutboundTimeout
    return left
