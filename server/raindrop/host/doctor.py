"""`raindrop doctor`: what is wrong on this host, or soon will be, and what to do about it."""

import datetime
import shutil
import socket
import ssl
import stat
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Literal, NamedTuple

import redis
import sqlalchemy as sa

from raindrop.config import Settings
from raindrop.core.broker import POOLS
from raindrop.core.supervision import read_report
from raindrop.host import layout
from raindrop.host.activation import front_address, is_of_an_activation
from raindrop.host.status import host_status
from raindrop.templates import StackError

Level = Literal["ok", "warning", "problem"]

DISK_FREE_WARNING = 0.15
DISK_FREE_PROBLEM = 0.05
MEMORY_FREE_WARNING = 0.10
CERTIFICATE_DAYS_WARNING = 21
CLOCK_S_WARNING = 2
QUEUE_AGE_S_WARNING = 60
QUEUE_DEPTH_WARNING = 1000


class Finding(NamedTuple):
    """One line of the report; ``advice`` is what to do, empty where all is well."""

    check: str
    level: Level
    message: str
    advice: str = ""


def examine(settings: Settings) -> list[Finding]:
    """Every check of this host's roles; a check that cannot be made is a problem itself."""
    findings: list[Finding] = []
    for check in _checks():
        try:
            findings.extend(check(settings))
        except (OSError, StackError, sa.exc.SQLAlchemyError, redis.RedisError) as error:
            name = check.__name__.removeprefix("_")
            reason = next(iter(str(error).splitlines()), type(error).__name__)
            findings.append(Finding(name, "problem", reason, "it could not be examined"))
    return findings


def _checks() -> list[Callable[[Settings], Iterator[Finding]]]:
    checks: list[Callable[[Settings], Iterator[Finding]]] = [
        _disk,
        _memory,
        _secrets,
        _programs,
        _clock,
        _database,
        _cache,
        _queue,
    ]
    if "web" in layout.roles():
        checks += [_ports, _certificates]
    return checks


def _disk(settings: Settings) -> Iterator[Finding]:
    seen = set()
    for path in (Path("/"), layout.OPT, settings.var, settings.log, Path("/var/lib/mysql")):
        if not path.exists() or path.stat().st_dev in seen:
            continue
        seen.add(path.stat().st_dev)
        usage = shutil.disk_usage(path)
        free = usage.free / usage.total
        message = f"{path}: {usage.free // 2**20:,} MB free ({free:.0%})"
        if free < DISK_FREE_WARNING:
            level: Level = "problem" if free < DISK_FREE_PROBLEM else "warning"
            yield Finding("disk", level, message, "make room: old releases, snapshots, logs")
        else:
            yield Finding("disk", "ok", message)


def _memory(settings: Settings) -> Iterator[Finding]:
    lines = Path("/proc/meminfo").read_text().splitlines()
    sizes = {line.split(":")[0]: int(line.split()[1]) for line in lines}
    free = sizes["MemAvailable"] / sizes["MemTotal"]
    message = f"{sizes['MemAvailable'] // 1024:,} MB available ({free:.0%})"
    is_short = free < MEMORY_FREE_WARNING
    advice = "fewer workers (RAINDROP_WEB_WORKERS, RAINDROP_LONG_WORKERS) or more memory"
    yield Finding("memory", "warning" if is_short else "ok", message, advice if is_short else "")
    for program in read_report(settings) or []:
        if program.memory_kills:
            message = f"{program.name} was over the limit {len(program.memory_kills)} times"
            yield Finding("memory", "problem", message, "raise RAINDROP_MEMORY_LIMIT, or see why")


def _secrets(_settings: Settings) -> Iterator[Finding]:
    for path in (layout.ENV_FILE, layout.HTPASSWD, layout.NGINX_CONF):
        if not path.exists():
            continue
        mode = stat.S_IMODE(path.stat().st_mode)
        if mode & 0o027:
            advice = f"chmod 600 {path}"
            yield Finding("secrets", "problem", f"others may read {path} ({mode:o})", advice)
        else:
            yield Finding("secrets", "ok", f"{path} is closed ({mode:o})")


def _programs(settings: Settings) -> Iterator[Finding]:
    """What runs against what should."""
    status = host_status(settings)
    activation, running = status["activation"], {row["name"] for row in status["programs"]}
    for row in status["programs"]:
        if not row["is_well"]:
            message = f"{row['name']} {row['state']}, {row['exits']} exits in ten minutes"
            yield Finding("programs", "problem", message, f"fab logs --program={row['name']}")
        elif is_of_an_activation(row["name"]) and not row["name"].endswith(activation):
            message = f"{row['name']} is left of another activation"
            yield Finding("programs", "warning", message, "the next deploy or restart stops it")
    missing = _expected(activation) - running
    if missing:
        message = f"not there: {', '.join(sorted(missing))}"
        yield Finding("programs", "problem", message, "fab restart")
    if read_report(settings) is None:
        yield Finding("programs", "problem", "the guard is silent", "supervisorctl restart guard")
    yield Finding("programs", "ok", f"release {status['release'] or 'none'}, {len(running)} run")


def _expected(activation: str) -> set[str]:
    roles, names = layout.roles(), {"guard"}
    if "web" in roles:
        names |= {"nginx", f"web-{activation}"}
    if "worker" in roles:
        names |= {f"{name}-{activation}" for name in ("scheduler", *(f"worker-{p}" for p in POOLS))}
    if "cache" in roles:
        names |= {"cache", "broker"}
    return names


def _clock(settings: Settings) -> Iterator[Finding]:
    """Against the database's clock: leases and sessions are compared across hosts."""
    with _connection(settings) as connection:
        theirs = connection.scalar(sa.text("SELECT UNIX_TIMESTAMP(NOW(6))"))
    off_s = abs(float(theirs) - time.time())
    message = f"{off_s:.1f} s from the database's clock"
    if off_s > CLOCK_S_WARNING:
        yield Finding("clock", "problem", message, "let every host keep its time by NTP")
    else:
        yield Finding("clock", "ok", message)


def _database(settings: Settings) -> Iterator[Finding]:
    with _connection(settings) as connection:
        rows = connection.execute(
            sa.text(
                "SHOW VARIABLES WHERE Variable_name IN ('innodb_flush_log_at_trx_commit',"
                " 'max_connections', 'slow_query_log', 'innodb_doublewrite')"
            )
        )
        variables = {str(name): str(value) for name, value in rows.tuples()}
        version = connection.scalar(sa.text("SELECT VERSION()"))
    is_durable = variables.get("innodb_flush_log_at_trx_commit") == "1"
    message = f"{version}, every commit reaches the disk: {'yes' if is_durable else 'no'}"
    advice = "" if is_durable else "innodb_flush_log_at_trx_commit = 1"
    yield Finding("database", "ok" if is_durable else "problem", message, advice)
    wanted = settings.web_workers * settings.database_pool
    allowed = int(variables.get("max_connections", "0"))
    message = f"{allowed} connections allowed, this host's web workers may take {wanted}"
    level: Level = "ok" if wanted < allowed else "problem"
    yield Finding("database", level, message, "" if level == "ok" else "raise max_connections")
    yield from _revision(settings)


def _revision(settings: Settings) -> Iterator[Finding]:
    from raindrop.migrations import revisions

    found = revisions(settings)
    message = f"revision {found.database}, this release has {found.release}"
    if not found.is_known:
        yield Finding("database", "ok", f"{message}: newer, as after a rollback")
    elif found.database != found.release:
        yield Finding("database", "problem", message, "deploy again: the migration is missing")
    else:
        yield Finding("database", "ok", message)


def _cache(settings: Settings) -> Iterator[Finding]:
    policy = _redis_config(settings.cache_url, "maxmemory-policy")
    is_right = policy == "allkeys-lru"
    advice = "" if is_right else "maxmemory-policy allkeys-lru"
    yield Finding("cache", "ok" if is_right else "warning", f"when full: {policy}", advice)


def _queue(settings: Settings) -> Iterator[Finding]:
    url = settings.broker_redis_url
    for name, wanted in (("maxmemory-policy", "noeviction"), ("appendonly", "yes")):
        value = _redis_config(url, name)
        is_right = value == wanted
        message = f"{name} {value}"
        level: Level = "ok" if is_right else "problem"
        yield Finding("queue", level, message, "" if is_right else f"{name} {wanted}")
    client = redis.Redis.from_url(url, socket_timeout=5)
    for queue in (queue for queues in POOLS.values() for queue in queues):
        depth = client.llen(queue)
        if isinstance(depth, int) and depth > QUEUE_DEPTH_WARNING:
            advice = "more workers, or see what they wait for"
            yield Finding("queue", "warning", f"{depth:,} messages wait in {queue}", advice)
    yield from _oldest_job(settings)


def _oldest_job(settings: Settings) -> Iterator[Finding]:
    with _connection(settings) as connection:
        queued_at = connection.scalar(
            sa.text("SELECT MIN(created_at) FROM jobs WHERE status = 'queued'")
        )
    if queued_at is None:
        yield Finding("queue", "ok", "no job waits")
        return
    now = datetime.datetime.now(datetime.UTC).replace(tzinfo=None)
    age_s = (now - queued_at).total_seconds()
    is_old = age_s > QUEUE_AGE_S_WARNING
    message = f"the oldest job has waited {age_s:.0f} s"
    advice = "see that the workers run: fab status" if is_old else ""
    yield Finding("queue", "warning" if is_old else "ok", message, advice)


def _ports(settings: Settings) -> Iterator[Finding]:
    address, port = front_address(settings)
    for number in {port, settings.control_port}:
        with socket.socket() as probe:
            probe.settimeout(2)
            is_open = probe.connect_ex((address, number)) == 0
        message = f"port {number} {'answers' if is_open else 'does not answer'}"
        advice = "" if is_open else "fab logs --program=nginx"
        yield Finding("ports", "ok" if is_open else "problem", message, advice)


def _certificates(settings: Settings) -> Iterator[Finding]:
    if not settings.certificates:
        yield Finding("certificates", "warning", "none", "set RAINDROP_CERTIFICATES")
        return
    for path in sorted(settings.certificates.glob("*.pem")):
        days = _days_left(path)
        message = f"{path.name} holds for {days} days"
        if days < CERTIFICATE_DAYS_WARNING:
            level: Level = "problem" if days < 0 else "warning"
            yield Finding("certificates", level, message, f"renew {path}, then fab restart")
        else:
            yield Finding("certificates", "ok", message)
        key_mode = stat.S_IMODE(path.with_suffix(".key").stat().st_mode)
        if key_mode & 0o077:
            advice = f"chmod 600 {path.with_suffix('.key')}"
            yield Finding("certificates", "problem", f"others may read {path.stem}.key", advice)


def _days_left(path: Path) -> int:
    command = ["openssl", "x509", "-noout", "-enddate", "-in", str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise StackError(f"{path} is no certificate")
    ends_at = ssl.cert_time_to_seconds(done.stdout.strip().removeprefix("notAfter="))
    return int((ends_at - time.time()) // 86400)


def _connection(settings: Settings) -> sa.Connection:
    return sa.create_engine(settings.sqlalchemy_url, poolclass=sa.NullPool).connect()


def _redis_config(url: str, name: str) -> str:
    config = redis.Redis.from_url(url, socket_timeout=5, decode_responses=True).config_get(name)
    return str(config[name]) if isinstance(config, dict) else ""
