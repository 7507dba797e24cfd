"""Every setting of Raindrop in one typed table.

A value comes from the environment, else from the settings file (``RAINDROP_ENV_FILE``,
lines of ``NAME=value``), else from the default. A bad value or an unknown ``RAINDROP_…`` name
stops the start with one line that says which.
"""

import dataclasses
import difflib
import ipaddress
import os
import re
from collections.abc import Callable, Container, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from raindrop import parsers

HOME = Path(__file__).resolve().parents[2]
"""The release: the folder that holds ``server/``, ``etc/`` and ``client/dist``."""

ENV_FILE_NAME = "RAINDROP_ENV_FILE"

RELEASE = HOME.name if re.fullmatch(r"raindrop-\d{8}T\d{6}Z", HOME.name) else ""
"""The name of this release on a server; empty in a checkout."""


class ConfigError(Exception):
    """A setting is unknown or has a bad value; the message is one line for a person."""


class Origin(NamedTuple):
    """One row of ``raindrop config``."""

    name: str
    value: str
    source: str
    unit: str
    description: str


def _folder(value: str) -> Path:
    path = Path(value).expanduser()
    return path if path.is_absolute() else HOME / path


def _optional_folder(value: str) -> Path | None:
    return _folder(value) if value else None


def _optional_file(value: str) -> Path | None:
    path = _optional_folder(value)
    if path is not None and not path.is_file():
        raise ValueError("must be a file")
    return path


def _setting(
    name: str,
    default: str,
    description: str,
    parse: Callable[[str], Any] = parsers.text,
    *,
    unit: str = "",
    is_secret: bool = False,
) -> Any:
    return dataclasses.field(
        default_factory=lambda: parse(default),
        metadata={
            "name": f"RAINDROP_{name}",
            "default": default,
            "description": description,
            "parse": parse,
            "unit": unit,
            "is_secret": is_secret,
        },
    )


@dataclasses.dataclass(frozen=True)
class Settings:
    """The values in force; the order of the fields is that of ``raindrop config``."""

    bind: str = _setting("BIND", "127.0.0.1", "address that nginx listens on", parsers.address)
    port: int = _setting("PORT", "8080", "port of the site and the APIs", parsers.integer(1, 65535))
    control_port: int = _setting(
        "CONTROL_PORT", "8081", "port of the operators' pages", parsers.integer(1, 65535)
    )
    var: Path = _setting("VAR", "var", "folder of everything that changes", _folder)
    log_folder: Path | None = _setting(
        "LOG", "", "folder of the logs; empty: log under RAINDROP_VAR", _optional_folder
    )
    certificates: Path | None = _setting(
        "CERTIFICATES",
        "",
        "folder of control.pem and control.key, site.pem and site.key; empty: no TLS",
        _optional_folder,
    )
    tls_port: int = _setting(
        "TLS_PORT",
        "8443",
        "port of the site by TLS, where it has a certificate",
        parsers.integer(1, 65535),
    )
    trusted_proxies: tuple[str, ...] = _setting(
        "TRUSTED_PROXIES",
        "",
        "balancers in front of nginx whose X-Forwarded-For and -Proto are believed",
        parsers.networks,
    )
    database_url: str = _setting(
        "DATABASE_URL",
        "",
        "sqlite:///… or mysql://…; empty: a SQLite file under RAINDROP_VAR",
        parsers.database_url,
        is_secret=True,
    )
    redis_url: str = _setting(
        "REDIS_URL", "", "cache; empty: a private server", parsers.redis_url, is_secret=True
    )
    broker_url: str = _setting(
        "BROKER_URL", "", "queue; empty: a private server", parsers.redis_url, is_secret=True
    )
    nginx: str = _setting(
        "NGINX",
        "auto",
        "auto: the system's nginx where it has Lua, else the packaged one",
        parsers.choice("auto", "system", "packaged"),
    )
    edges: tuple[str, ...] = _setting(
        "EDGES",
        "",
        "private addresses of every nginx that keeps hot pages, this one among them; empty: this",
        parsers.addresses,
    )
    edge_listen: str = _setting(
        "EDGE_LISTEN",
        "",
        "private address and port where other hosts tell this nginx of changes; empty: a socket",
        parsers.listener,
    )
    edge_secret: str = _setting(
        "EDGE_SECRET", "", "what those hosts must know", parsers.secret, is_secret=True
    )
    instance_key: str = _setting(
        "INSTANCE_KEY",
        "",
        "encrypts secrets at rest and signs tokens; empty: a key file under RAINDROP_VAR",
        parsers.secret,
        is_secret=True,
    )
    public_url: str = _setting(
        "PUBLIC_URL",
        "",
        "address of the site in mails, such as https://example.com; empty: localhost",
        parsers.site_url,
    )
    sign_up: str = _setting(
        "SIGN_UP",
        "first",
        "who may open an account on the console: first (the owner only) or open",
        parsers.choice("first", "open"),
    )
    worker_class: str = _setting(
        "WORKER_CLASS", "gevent", "gunicorn's workers", parsers.choice("gevent", "meinheld")
    )
    web_workers: int = _setting("WEB_WORKERS", "2", "gunicorn processes", parsers.integer(1, 64))
    web_in_flight: int = _setting(
        "WEB_IN_FLIGHT",
        "1024",
        "requests inside gunicorn; one more is answered 503",
        parsers.integer(1, 100_000),
    )
    database_pool: int = _setting(
        "DATABASE_POOL", "20", "database connections of one process", parsers.integer(2, 500)
    )
    short_workers: int = _setting(
        "SHORT_WORKERS", "1", "processes for short tasks", parsers.integer(1, 64)
    )
    long_workers: int = _setting(
        "LONG_WORKERS", "1", "processes for long jobs", parsers.integer(1, 64)
    )
    job_lease_s: int = _setting(
        "JOB_LEASE",
        "15",
        "time after which the job of a dead worker is taken over",
        parsers.integer(2, 3600),
        unit="s",
    )
    job_retention_days: int = _setting(
        "JOB_RETENTION",
        "7",
        "time that ended jobs and their files stay",
        parsers.integer(1, 365),
        unit="days",
    )
    todo_rate_limit: str = _setting(
        "TODO_RATE_LIMIT",
        "600/minute",
        "writes to the board per client address",
        parsers.rate_limit,
    )
    todo_job_rate_limit: str = _setting(
        "TODO_JOB_RATE_LIMIT",
        "30/minute",
        "imports and exports of the board per client address",
        parsers.rate_limit,
    )
    smtp_url: str = _setting(
        "SMTP_URL",
        "",
        "smtp://user:password@host:587 (STARTTLS) or smtps://…; empty: the console shows mails",
        parsers.smtp_url,
        is_secret=True,
    )
    mail_from: str = _setting(
        "MAIL_FROM", "", "sender of mails, such as Raindrop <noreply@example.com>", parsers.sender
    )
    event_retention_days: int = _setting(
        "EVENT_RETENTION", "7", "time that events stay", parsers.integer(1, 365), unit="days"
    )
    audit_retention_days: int = _setting(
        "AUDIT_RETENTION",
        "90",
        "time that the audit trail stays",
        parsers.integer(1, 3650),
        unit="days",
    )
    mail_retention_days: int = _setting(
        "MAIL_RETENTION",
        "14",
        "time that the list of mails stays",
        parsers.integer(1, 365),
        unit="days",
    )
    outbound_allow: tuple[str, ...] = _setting(
        "OUTBOUND_ALLOW",
        "",
        "what this server may call although it is private: host:port, address:port or networks",
        parsers.openings,
    )
    geo_database: Path | None = _setting(
        "GEO_DATABASE",
        "",
        "file (.mmdb) that tells the country of an address; empty: countries are unknown",
        _optional_file,
    )
    memory_limit_mb: int = _setting(
        "MEMORY_LIMIT",
        "1024",
        "memory of one process; one that holds more is ended and started again",
        parsers.integer(64, 1_000_000),
        unit="MB",
    )
    log_level: str = _setting(
        "LOG_LEVEL",
        "info",
        "least level that is logged",
        parsers.choice("debug", "info", "warning", "error"),
    )
    log_days: int = _setting(
        "LOG_DAYS", "14", "time that logs stay", parsers.integer(1, 3650), unit="days"
    )

    @property
    def run(self) -> Path:
        """Sockets, pid files and rendered configuration."""
        return self.var / "run"

    @property
    def front(self) -> Path:
        """nginx's own: on a server, root's, so that the service's account cannot lay traps."""
        return self.var / "front"

    @property
    def log(self) -> Path:
        """Logs, one file a program and calendar day."""
        return self.log_folder or self.var / "log"

    @property
    def is_own_machine(self) -> bool:
        """Whether nginx listens to this machine itself only."""
        return ipaddress.ip_address(self.bind).is_loopback

    @property
    def sign_up_token_file(self) -> Path:
        """The token that the first sign-up on the console needs elsewhere."""
        return self.var / "secrets" / "sign-up-token"

    @property
    def sqlalchemy_url(self) -> str:
        """The database's address with its default applied."""
        return self.database_url or f"sqlite:///{self.var / 'raindrop.db'}"

    @property
    def is_sqlite(self) -> bool:
        """Whether the database is the embedded one."""
        return self.sqlalchemy_url.startswith("sqlite")

    @property
    def cache_url(self) -> str:
        """The cache's address (``redis://``, ``rediss://`` or ``unix://``)."""
        return self.redis_url or f"unix://{self.run / 'cache.sock'}"

    @property
    def broker_redis_url(self) -> str:
        """The broker's address (``redis://``, ``rediss://`` or ``unix://``)."""
        return self.broker_url or f"unix://{self.run / 'broker.sock'}"

    @property
    def queue_url(self) -> str:
        """The broker's address in the spelling of Celery's transport."""
        return self.broker_redis_url.replace("unix://", "redis+socket://", 1)


def unknown_settings(environ: Mapping[str, str] = os.environ) -> list[str]:
    """Names in the settings file that this release does not know.

    On a server the file serves several releases, the next one's settings among them; there such a
    name is left alone. Everywhere else it stops the start.
    """
    known = {field.metadata["name"] for field in dataclasses.fields(Settings)}
    return [name for name in _read_env_file(environ)[0] if _is_unknown(name, known)]


def load_settings(environ: Mapping[str, str] = os.environ) -> Settings:
    """Read the settings in force.

    Raises:
        ConfigError: for an unknown name, a bad value or an unreadable settings file.
    """
    return _load(environ)[0]


def describe_settings(environ: Mapping[str, str] = os.environ) -> list[Origin]:
    """The table of settings with the value in force and where it came from, secrets masked."""
    settings, sources = _load(environ)
    rows = []
    for field in dataclasses.fields(settings):
        meta = field.metadata
        value = getattr(settings, field.name)
        text = ",".join(value) if isinstance(value, tuple) else "" if value is None else str(value)
        if meta["is_secret"]:
            text = mask_secret(text)
        rows.append(
            Origin(meta["name"], text, sources[field.name], meta["unit"], meta["description"])
        )
    return rows


def mask_url(url: str) -> str:
    """The address with its password replaced by stars."""
    url = re.sub(r"([?&]password=)[^&]*", r"\1****", url)
    return re.sub(r"(://[^:/@]*:).*(@)", r"\1****\2", url)


def mask_secret(text: str) -> str:
    """An address with its password masked; anything else as stars."""
    return mask_url(text) if "://" in text else "****" * bool(text)


def _load(environ: Mapping[str, str]) -> tuple[Settings, dict[str, str]]:
    from_file, file_label = _read_env_file(environ)
    fields = {field.metadata["name"]: field for field in dataclasses.fields(Settings)}
    _refuse_unknown(environ, fields, "the environment")
    if not RELEASE:
        _refuse_unknown(from_file, fields, file_label)
    values: dict[str, Any] = {}
    sources: dict[str, str] = {}
    for name, field in fields.items():
        if name in environ:
            text, source = environ[name], "environment"
        elif name in from_file:
            text, source = from_file[name], file_label
        else:
            text, source = field.metadata["default"], "default"
        try:
            values[field.name] = field.metadata["parse"](text.strip())
        except ValueError as error:
            shown = "its value" if field.metadata["is_secret"] else repr(text)
            raise ConfigError(f"{name}: {shown} {error} (from {source})") from None
        sources[field.name] = source
    return Settings(**values), sources


def _read_env_file(environ: Mapping[str, str]) -> tuple[dict[str, str], str]:
    named = environ.get(ENV_FILE_NAME)
    path = Path(named) if named else HOME / "raindrop.env"
    if not named and not path.exists():
        return {}, str(path)
    values = {}
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{ENV_FILE_NAME}: cannot read {path}: {error}") from None
    for number, line in enumerate(lines, start=1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        name, separator, value = line.partition("=")
        if not separator:
            raise ConfigError(f"{path}, line {number}: expected NAME=value")
        values[name.strip()] = value.strip().strip("\"'")
    return values, str(path)


def _is_unknown(name: str, known: Container[str]) -> bool:
    return name.startswith("RAINDROP_") and name not in known and name != ENV_FILE_NAME


def _refuse_unknown(given: Mapping[str, str], known: Mapping[str, Any], source: str) -> None:
    for name in given:
        if not _is_unknown(name, known):
            continue
        close = difflib.get_close_matches(name, known, n=1)
        hint = f"; did you mean {close[0]}?" if close else "; `raindrop config` lists them all"
        raise ConfigError(f"{name}: unknown setting in {source}{hint}")
