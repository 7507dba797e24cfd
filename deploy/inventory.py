"""Which hosts there are and what they are for: `etc/deploy.toml`."""

import ipaddress
import os
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deploy.assets import Storage
from deploy.errors import DeployError
from raindrop.config import ConfigError, load_settings

ROLES = ("web", "worker", "db", "cache")
EDGE_PORT = 8082
CACHE_PORT = 6379
BROKER_PORT = 6380
SMTP_URL = "RAINDROP_SMTP_URL"
MADE = (
    "RAINDROP_DATABASE_URL", "RAINDROP_REDIS_URL", "RAINDROP_BROKER_URL", "RAINDROP_INSTANCE_KEY",
)  # fmt: skip
CERTIFICATE_FILES = ("site", "site_key", "control", "control_key")


@dataclass(frozen=True)
class HostEntry:
    """One machine.

    Attributes:
        ssh: ``user@host`` or ``user@host:port``.
        address: where the other machines reach it; empty where it is the only one.
    """

    name: str
    ssh: str
    roles: frozenset[str]
    address: str


@dataclass(frozen=True)
class Inventory:
    """Everything that `etc/deploy.toml` says."""

    hosts: tuple[HostEntry, ...]
    settings: dict[str, str]
    key: Path | None
    certificates: dict[str, Path]
    storage: Storage | None

    @property
    def is_single(self) -> bool:
        """Whether one machine does everything: then nothing but nginx listens on the network."""
        return len(self.hosts) == 1

    def with_role(self, role: str) -> list[HostEntry]:
        """The machines of a role, in the order of the file."""
        return [host for host in self.hosts if role in host.roles]


def load_inventory(path: Path) -> Inventory:
    """Read and check `etc/deploy.toml`.

    Raises:
        DeployError: it is missing, or something in it is wrong.
    """
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise DeployError(f"{path} is missing: copy etc/deploy.example.toml and edit it") from None
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise DeployError(f"{path}: {error}") from None
    try:
        return _parse(table, path.parent.parent)
    except DeployError as error:
        raise DeployError(f"{path}: {error}") from None


def _parse(table: dict[str, Any], top: Path) -> Inventory:
    _refuse_unknown(table, {"ssh", "hosts", "settings", "certificates", "assets"}, "table")
    ssh = _table(table, "ssh")
    _refuse_unknown(ssh, {"key"}, "key in [ssh]")
    hosts = tuple(_host(name, entry) for name, entry in _table(table, "hosts").items())
    _check_roles(hosts)
    settings = {name: _setting(name, value) for name, value in _table(table, "settings").items()}
    _check_settings(settings)
    certificates = _table(table, "certificates")
    _refuse_unknown(certificates, set(CERTIFICATE_FILES), "key in [certificates]")
    files = {name: _file(top, str(value)) for name, value in certificates.items()}
    for name in ("site", "control"):
        if (name in files) != (f"{name}_key" in files):
            raise DeployError(f"[certificates]: {name} and {name}_key belong together")
    return Inventory(
        hosts,
        settings,
        _file(top, str(ssh["key"])) if "key" in ssh else None,
        files,
        Storage.parse(table["assets"]) if "assets" in table else None,
    )


def _host(name: str, entry: Any) -> HostEntry:
    if not isinstance(entry, dict):
        raise DeployError(f"[hosts.{name}] must be a table")
    _refuse_unknown(entry, {"ssh", "address", "roles"}, f"key in [hosts.{name}]")
    roles, ssh, address = entry.get("roles"), entry.get("ssh"), entry.get("address", "")
    if not isinstance(roles, list) or not roles or not set(roles) <= set(ROLES):
        raise DeployError(f"[hosts.{name}]: roles must be a list of some of {', '.join(ROLES)}")
    if not isinstance(ssh, str) or "@" not in ssh:
        raise DeployError(f'[hosts.{name}]: ssh must be like "root@192.0.2.10"')
    if address:
        try:
            ipaddress.IPv4Address(address)
        except ValueError:
            raise DeployError(f"[hosts.{name}]: address must be an IPv4 address") from None
    return HostEntry(name, ssh, frozenset(roles), address)


def _check_roles(hosts: tuple[HostEntry, ...]) -> None:
    if not hosts:
        raise DeployError("no host: add a table [hosts.NAME]")
    for role in ROLES:
        count = sum(role in host.roles for host in hosts)
        if count == 0:
            raise DeployError(f"no host has the role {role}")
        if role in ("db", "cache") and count > 1:
            raise DeployError(f"only one host may have the role {role}")
    if len(hosts) > 1:
        for host in hosts:
            if not host.address:
                raise DeployError(f"[hosts.{host.name}]: several hosts need an address each")


def _setting(name: str, value: Any) -> str:
    if not name.startswith("RAINDROP_"):
        raise DeployError(f"[settings]: {name} is no setting; they begin with RAINDROP_")
    if not isinstance(value, (str, int)) or isinstance(value, bool) or "\n" in str(value):
        raise DeployError(f"[settings]: {name} must be one line or a number")
    if name == SMTP_URL:
        raise DeployError(
            f"[settings]: {name} may hold a password: give it in the environment of `fab init_env`,"
            " which keeps it on the hosts"
        )
    if name in MADE or any(word in name for word in ("SECRET", "PASSWORD", "EDGE")):
        raise DeployError(f"[settings]: {name} is made by `fab init_env`; no secrets in this file")
    return str(value)


def _check_settings(settings: dict[str, str]) -> None:
    """By the table of this checkout's release."""
    try:
        load_settings(settings | {"RAINDROP_ENV_FILE": os.devnull})
    except ConfigError as error:
        message = str(error).replace(" in the environment", "").replace(" (from environment)", "")
        raise DeployError(f"[settings]: {message}") from None


def _file(top: Path, text: str) -> Path:
    path = Path(text).expanduser()
    path = path if path.is_absolute() else top / path
    if not path.is_file():
        raise DeployError(f"no file {path}")
    return path


def _table(table: dict[str, Any], name: str) -> dict[str, Any]:
    value = table.get(name, {})
    if not isinstance(value, dict):
        raise DeployError(f"[{name}] must be a table")
    return value


def _refuse_unknown(table: dict[str, Any], known: set[str], what: str) -> None:
    for name in table:
        if name not in known:
            raise DeployError(f"unknown {what}: {name}")
