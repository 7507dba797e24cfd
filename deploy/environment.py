"""`fab init_env`: a bare Debian 12 or Ubuntu 24.04 becomes a host for its roles.

Every step looks before it changes something and says what it changed, so a second run changes
nothing.
"""

import os
import re
import secrets
import shlex
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import quote, urlsplit

from deploy.errors import DeployError
from deploy.hosts import Host, on_each
from deploy.inventory import (
    BROKER_PORT,
    CACHE_PORT,
    CERTIFICATE_FILES,
    EDGE_PORT,
    SMTP_URL,
    Inventory,
)
from deploy.lock import locked
from raindrop.config import ConfigError, load_settings
from raindrop.templates import render

USER = "raindrop"
ENV_FILE = "/etc/raindrop/raindrop.env"
VAR = "/var/lib/raindrop"
RUN = f"{VAR}/run"
FRONT = f"{VAR}/front"
OUTPUT = "/var/log/raindrop"
LOG = f"{OUTPUT}/app"
CERTIFICATES = "/etc/raindrop/certificates"
CONTROL_PASSWORD = "/etc/raindrop/control-password"  # noqa: S105  # a path
SIGN_UP_TOKEN = f"{VAR}/secrets/sign-up-token"
SYSTEMS = {("debian", "12"), ("ubuntu", "24.04")}

PACKAGES = {
    "": (
        "python3 python3-venv supervisor bubblewrap logrotate cron openssl iproute2 curl"
        " ca-certificates"
    ),
    "web": "nginx libnginx-mod-http-lua lua-resty-core",
    "cache": "redis-server",
    "db": "mariadb-server",
}
OWN_SERVICES = {"web": "nginx", "cache": "redis-server"}
"""Services of the distribution that would run beside ours: supervisor runs these programs."""

OPEN_FILES = 65536
STOP_S = 150

FOLDERS = (
    ("/opt/raindrop", "755", "root:root"),
    ("/opt/raindrop/releases", "755", "root:root"),
    ("/opt/raindrop/wheels", "755", "root:root"),
    ("/etc/raindrop", "750", f"root:{USER}"),
    (CERTIFICATES, "700", "root:root"),
    (VAR, "750", f"root:{USER}"),
    (FRONT, "750", f"root:{USER}"),
    (RUN, "750", f"{USER}:{USER}"),
    (f"{VAR}/cache", "700", f"{USER}:{USER}"),
    (f"{VAR}/broker", "700", f"{USER}:{USER}"),
    (f"{VAR}/secrets", "750", f"root:{USER}"),
    (f"{VAR}/assets", "755", "root:root"),
    (f"{VAR}/snapshots", "700", "root:root"),
    (OUTPUT, "750", f"root:{USER}"),
    (LOG, "750", f"{USER}:{USER}"),
)


@dataclass(frozen=True)
class Secrets:
    """What the hosts share; made once, kept on the hosts.

    ``instance`` encrypts what the database keeps encrypted: without it that is lost. ``sign_up`` is
    what the first account on the console needs, and of no use after that. ``smtp`` is the address
    of the mail server with its password, which the operator gives; empty: none.
    """

    database: str
    cache: str
    broker: str
    edge: str
    control: str
    instance: str
    sign_up: str
    smtp: str


def set_up(hosts: list[Host], inventory: Inventory) -> bool:
    """Bring every host to what its roles need; whether anything changed."""
    on_each(hosts, check_system)
    with locked(hosts):
        keys = gather_secrets(hosts)
        changes = on_each(hosts, lambda host: set_up_host(host, inventory, keys))
    return any(changes)


def set_up_host(host: Host, inventory: Inventory, keys: Secrets) -> bool:
    """The steps of one host, in order; whether any of them changed something."""
    steps: list[tuple[str, Callable[[], bool]]] = [
        ("packages", lambda: install_packages(host)),
        ("user", lambda: make_user(host)),
        ("folders", lambda: make_folders(host)),
        ("services", lambda: stop_own_services(host)),
        ("settings", lambda: write_settings(host, inventory, keys)),
        ("control password", lambda: write_control_password(host, keys)),
        ("sign-up token", lambda: write_sign_up_token(host, keys)),
        ("certificates", lambda: write_certificates(host, inventory)),
        ("kernel", lambda: write_kernel_settings(host)),
        ("log rotation", lambda: write_log_rotation(host, inventory)),
        ("supervisor", lambda: set_up_supervisor(host)),
    ]
    if "db" in host.roles:
        steps.append(("database", lambda: set_up_database(host, inventory, keys)))
    if "cache" in host.roles:
        steps.append(("cache and queue", lambda: set_up_redis(host, inventory, keys)))
    changed = []
    for name, step in steps:
        if step():
            host.say(f"{name}: set up")
            changed.append(name)
    if not changed:
        host.say("nothing to change")
    return bool(changed)


def check_system(host: Host) -> None:
    """Refuse a system that nobody has tried, before anything is changed."""
    release = dict(re.findall(r'^(\w+)="?([^"\n]*)', host.read("/etc/os-release"), re.MULTILINE))
    system = (release.get("ID", ""), release.get("VERSION_ID", ""))
    if system not in SYSTEMS:
        name = release.get("PRETTY_NAME", "an unknown system")
        raise DeployError(f"{host.name}: needs Debian 12 or Ubuntu 24.04; this is {name}")


def gather_secrets(hosts: list[Host]) -> Secrets:
    """Read what the hosts already know, and make what none of them does.

    Raises:
        DeployError: two hosts know different ones.
    """
    known = on_each(hosts, _read_secrets)
    chosen = {}
    for name in set(Secrets.__dataclass_fields__) - {"smtp"}:
        found = {keys[name] for keys in known if keys.get(name)}
        if len(found) > 1:
            raise DeployError(
                f"the hosts disagree about the {name.replace('_', '-')} secret: they belong to "
                "different installations"
            )
        chosen[name] = found.pop() if found else secrets.token_urlsafe(24)
    return Secrets(**chosen, smtp=_mail_server(known))


def install_packages(host: Host) -> bool:
    """What the distribution has for the host's roles."""
    wanted = " ".join(PACKAGES[role] for role in ("", *sorted(host.roles & set(PACKAGES))))
    query = "dpkg-query -W -f '${Package} ${db:Status-Abbrev}\\n' " + wanted
    lines = host.run(f"{query} 2>/dev/null || true").splitlines()
    installed = {line.split()[0] for line in lines if line.split()[1:] == ["ii"]}
    missing = [package for package in wanted.split() if package not in installed]
    if not missing:
        return False
    host.say(f"installs {', '.join(missing)}")
    host.run(
        "export DEBIAN_FRONTEND=noninteractive\n"
        # A fresh machine may be busy with its own upgrades.
        "wait='-o DPkg::Lock::Timeout=600'; apt-get update -qq $wait\n"
        f"apt-get install -y -qq $wait --no-install-recommends {' '.join(missing)} >/dev/null"
    )
    host.run("python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))'")
    return True


def make_user(host: Host) -> bool:
    """The account that every program but nginx's master runs as."""
    if host.succeeds(f"id {USER}"):
        return False
    host.run(f"useradd --system --user-group --home-dir {VAR} --shell /usr/sbin/nologin {USER}")
    return True


def make_folders(host: Host) -> bool:
    """Where releases, settings, data and logs go."""
    look = "".join(f"stat -c '%a %U:%G' {path} 2>/dev/null || echo\n" for path, _, _ in FOLDERS)
    seen = host.run(look).split("\n")
    wrong = [
        (path, mode, owner)
        for (path, mode, owner), now in zip(FOLDERS, seen, strict=False)
        if now != f"{mode} {owner}"
    ]
    for path, mode, owner in wrong:
        user, group = owner.split(":")
        host.run(f"install -d -m {mode} -o {user} -g {group} {path}")
    return bool(wrong)


def stop_own_services(host: Host) -> bool:
    """Keep the distribution's nginx and Redis from running beside ours."""
    is_changed = False
    for role, service in OWN_SERVICES.items():
        if role in host.roles and _is_enabled(host, service):
            host.run(f"service {service} stop || true; update-rc.d {service} disable >/dev/null")
            is_changed = True
    return is_changed


def write_settings(host: Host, inventory: Inventory, keys: Secrets) -> bool:
    """`raindrop.env`: the settings of the site, and where the other parts are."""
    settings = {
        "RAINDROP_VAR": VAR,
        "RAINDROP_LOG": LOG,
        "RAINDROP_NGINX": "system",
        "RAINDROP_BIND": "0.0.0.0",
        "RAINDROP_PORT": "80",
        "RAINDROP_TLS_PORT": "443",
        "RAINDROP_CERTIFICATES": CERTIFICATES,
        "RAINDROP_INSTANCE_KEY": keys.instance,
        **_addresses(host, inventory, keys),
        **inventory.settings,
        **({SMTP_URL: keys.smtp} if keys.smtp else {}),
    }
    text = "# Written by `fab init_env`; change etc/deploy.toml instead.\n" + "".join(
        f"{name}={value}\n" for name, value in settings.items()
    )
    return host.put_text(ENV_FILE, text, "600", f"{USER}:{USER}") | host.put_text(
        "/etc/raindrop/roles", " ".join(sorted(host.roles)) + "\n"
    )


def write_control_password(host: Host, keys: Secrets) -> bool:
    """The operators' password, and nginx's hash of it."""
    is_new = host.put_text(CONTROL_PASSWORD, keys.control + "\n", "600")
    htpasswd = "/etc/raindrop/htpasswd"
    if is_new or not host.succeeds(f"[ -s {htpasswd} ]"):
        host.run(
            f"umask 027; hash=$(openssl passwd -6 -stdin < {CONTROL_PASSWORD})\n"
            f'printf "operator:%s\\n" "$hash" > {htpasswd}; chown root:{USER} {htpasswd}'
        )
        return True
    return False


def write_sign_up_token(host: Host, keys: Secrets) -> bool:
    """What the first account on the console needs, where the programs look for it."""
    is_new = host.put_text(SIGN_UP_TOKEN, keys.sign_up + "\n", "600", f"{USER}:{USER}")
    if is_new:
        host.say(f"the first sign-up on the console needs the token in {SIGN_UP_TOKEN}")
    return is_new


def write_certificates(host: Host, inventory: Inventory) -> bool:
    """The given certificates; a self-signed one for the control port where none is given."""
    if "web" not in host.roles:
        return False
    is_changed = False
    for name in CERTIFICATE_FILES:
        if name in inventory.certificates:
            stem, _, is_key = name.partition("_")
            path = f"{CERTIFICATES}/{stem}.{'key' if is_key else 'pem'}"
            is_changed |= host.put_text(path, inventory.certificates[name].read_text(), "600")
    control = f"{CERTIFICATES}/control"
    if not host.succeeds(f"[ -s {control}.pem ] && [ -s {control}.key ]"):
        host.run(
            "umask 077; openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes"
            f" -days 825 -subj /CN={shlex.quote(host.name)} -keyout {control}.key"
            f" -out {control}.pem 2>/dev/null"
        )
        is_changed = True
    return is_changed


def write_kernel_settings(host: Host) -> bool:
    """Room for many connections, and for Redis to copy itself."""
    path = "/etc/sysctl.d/60-raindrop.conf"
    # Servers may listen on a private address before the network has brought it up.
    text = "vm.overcommit_memory = 1\nnet.core.somaxconn = 4096\nnet.ipv4.ip_nonlocal_bind = 1\n"
    if not host.put_text(path, text):
        return False
    host.run(f"sysctl -q -p {path} 2>/dev/null || true")  # a container may not
    return True


def write_log_rotation(host: Host, inventory: Inventory) -> bool:
    """nginx's log gets the name of its day; old logs go."""
    days = inventory.settings.get("RAINDROP_LOG_DAYS", "14")
    text = render("logrotate/raindrop.j2", output=OUTPUT, log=LOG, front=FRONT, days=days)
    return host.put_text("/etc/logrotate.d/raindrop", text)


def set_up_supervisor(host: Host) -> bool:
    """Who may talk to it; the programs come with a release."""
    path = "/etc/supervisor/conf.d/raindrop-server.conf"
    hard = host.run("ulimit -Hn").strip()
    possible = min(OPEN_FILES, int(hard)) if hard.isdigit() else OPEN_FILES
    open_files = _kept(host, path, r"minfds=(\d+)", str(possible))
    text = render("supervisor/server.conf.j2", user=USER, open_files=open_files)
    # Debian's unit would kill supervisord alone after 90 s, and leave its programs behind.
    host.run("mkdir -p /etc/systemd/system/supervisor.service.d")
    unit = "[Service]\nKillMode=mixed\nTimeoutStopSec=300\nRestartSec=1\n"
    if host.put_text("/etc/systemd/system/supervisor.service.d/raindrop.conf", unit):
        host.run("[ ! -d /run/systemd/system ] || systemctl daemon-reload")
    host.put_text(path, text)
    if _is_newer(host, path, "/run/supervisord.pid"):
        host.run("update-rc.d supervisor enable >/dev/null; service supervisor stop")
        # Debian's init script does not wait for the end, and its restart only stops.
        host.run(f"for _ in $(seq {STOP_S}); do pidof -x supervisord || exit 0; sleep 1; done")
        host.run("service supervisor start")
        wait = "for _ in $(seq 50); do supervisorctl pid >/dev/null && exit; sleep 0.2; done"
        host.run(f"{wait}; echo supervisor does not start >&2; exit 1")
        return True
    if host.succeeds("supervisorctl pid"):
        return False
    host.run("service supervisor start")
    return True


def set_up_database(host: Host, inventory: Inventory, keys: Secrets) -> bool:
    """MariaDB's settings, the database, and an account for each host."""
    address = "127.0.0.1" if inventory.is_single else f"127.0.0.1,{host.address}"
    memory_mb = int(host.run("awk '/MemTotal/ {print int($2 / 1024)}' /proc/meminfo"))
    path = "/etc/mysql/mariadb.conf.d/60-raindrop.cnf"
    pool = _kept(host, path, r"buffer_pool_size = (\w+)", f"{max(128, memory_mb // 8)}M")
    # Old and new programs run beside each other in a deployment.
    connections = max(500, 200 * len(inventory.hosts))
    text = render(
        "mysql/raindrop.cnf.j2", address=address, buffer_pool=pool, connections=connections
    )
    host.put_text(path, text)
    is_changed = _is_newer(host, path, "/run/mysqld/mysqld.pid")
    if is_changed or not host.succeeds("mariadb-admin ping"):
        host.run("update-rc.d mariadb enable >/dev/null; service mariadb restart >/dev/null")
    from_where = ["localhost", *(entry.address for entry in inventory.hosts if entry.address)]
    password = keys.database
    accounts = " OR ".join(f"(User='{USER}' AND Host='{where}')" for where in from_where)
    look = (
        f"SELECT COUNT(*) FROM mysql.user WHERE ({accounts})"
        f" AND authentication_string = PASSWORD('{password}');\n"
        f"SELECT COUNT(*) FROM information_schema.schemata WHERE schema_name = '{USER}';\n"
    )
    seen = host.run_with_secrets("mariadb --batch --skip-column-names", look).split()
    if seen == [str(len(from_where)), "1"]:
        return is_changed
    make = f"CREATE DATABASE IF NOT EXISTS {USER} COLLATE utf8mb4_nopad_bin;\n" + "".join(
        f"CREATE OR REPLACE USER '{USER}'@'{where}' IDENTIFIED BY '{password}';\n"
        f"GRANT ALL ON {USER}.* TO '{USER}'@'{where}';\n"
        for where in from_where
    )
    host.run_with_secrets("mariadb", make)
    return True


def set_up_redis(host: Host, inventory: Inventory, keys: Secrets) -> bool:
    """The cache and the queue, two servers that supervisor keeps alive."""
    is_changed = False
    memory_mb = int(host.run("awk '/MemTotal/ {print int($2 / 1024)}' /proc/meminfo"))
    servers = (("cache", CACHE_PORT, keys.cache), ("broker", BROKER_PORT, keys.broker))
    for name, port, password in servers:
        path = f"/etc/raindrop/{name}.conf"
        memory = _kept(host, path, r"maxmemory (\w+)", f"{max(64, memory_mb // 16)}mb")
        text = render(
            f"redis/{name}.conf.j2",
            socket=f"{RUN}/{name}.sock",
            folder=f"{VAR}/{name}",
            memory=memory,
            listen="" if inventory.is_single else f"127.0.0.1 {host.address}",
            port=0 if inventory.is_single else port,
            password=password,
        )
        host.put_text(path, text, "600", f"{USER}:{USER}")
        if _is_newer(host, path, f"{RUN}/{name}.sock"):
            host.run(f"supervisorctl stop {name} >/dev/null 2>&1 || true")
            is_changed = True
    programs = [
        {
            "name": name,
            # Two servers would write the same append-only file.
            "command": f"/usr/bin/flock -n -F {VAR}/{name}/.lock"
            f" /usr/bin/redis-server /etc/raindrop/{name}.conf",
            "user": USER, "environment": {}, "events": "",
            "stop_signal": "TERM", "stop_wait_s": 60,
        }
        for name, _, _ in servers
    ]  # fmt: skip
    text = render("supervisor/programs.conf.j2", programs=programs, directory=VAR, log=OUTPUT)
    is_changed |= host.put_text("/etc/supervisor/conf.d/raindrop-redis.conf", text)
    if is_changed:
        host.run("supervisorctl update >/dev/null; supervisorctl start cache broker || true")
        host.run("supervisorctl status cache broker")
    return is_changed


def _addresses(host: Host, inventory: Inventory, keys: Secrets) -> dict[str, str]:
    """Sockets on a single machine; private addresses with passwords between several."""
    password = quote(keys.database, safe="")
    if inventory.is_single:
        socket = "unix_socket=/run/mysqld/mysqld.sock"
        return {
            "RAINDROP_DATABASE_URL": f"mysql://{USER}:{password}@localhost/{USER}?{socket}",
            "RAINDROP_REDIS_URL": f"unix://{RUN}/cache.sock",
            "RAINDROP_BROKER_URL": f"unix://{RUN}/broker.sock",
            "RAINDROP_EDGES": f"unix:{FRONT}/edge.sock",
        }
    database, cache = (inventory.with_role(role)[0].address for role in ("db", "cache"))
    edges = [f"http://{entry.address}:{EDGE_PORT}" for entry in inventory.with_role("web")]
    listen = {"RAINDROP_EDGE_LISTEN": f"{host.address}:{EDGE_PORT}"} if "web" in host.roles else {}
    return {
        "RAINDROP_DATABASE_URL": f"mysql://{USER}:{password}@{database}/{USER}",
        "RAINDROP_REDIS_URL": f"redis://:{keys.cache}@{cache}:{CACHE_PORT}/0",
        "RAINDROP_BROKER_URL": f"redis://:{keys.broker}@{cache}:{BROKER_PORT}/0",
        "RAINDROP_EDGES": ",".join(edges),
        "RAINDROP_EDGE_SECRET": keys.edge,
        **listen,
    }


def _read_secrets(host: Host) -> dict[str, str]:
    settings = dict(re.findall(r"^(\w+)=(.*)$", host.read(ENV_FILE), re.MULTILINE))

    def password(name: str) -> str:
        return urlsplit(settings.get(name, "")).password or ""

    return {
        "database": password("RAINDROP_DATABASE_URL"),
        "cache": password("RAINDROP_REDIS_URL"),
        "broker": password("RAINDROP_BROKER_URL"),
        "edge": settings.get("RAINDROP_EDGE_SECRET", ""),
        "control": host.read(CONTROL_PASSWORD).strip(),
        "instance": settings.get("RAINDROP_INSTANCE_KEY", ""),
        "sign_up": host.read(SIGN_UP_TOKEN).strip(),
        "smtp": settings.get(SMTP_URL, ""),
    }


def _mail_server(known: list[dict[str, str]]) -> str:
    """What the operator gives now, else what a host keeps; given as empty, it is taken away.

    Raises:
        DeployError: it is no address of a mail server.
    """
    given = os.environ.get(SMTP_URL)
    if given is None:
        return next((keys["smtp"] for keys in known if keys["smtp"]), "")
    try:
        load_settings({SMTP_URL: given, "RAINDROP_ENV_FILE": os.devnull})
    except ConfigError as error:
        raise DeployError(str(error)) from None
    return given


def _kept(host: Host, path: str, pattern: str, default: str) -> str:
    """A size that was chosen by the machine when the file was written first.

    It stays: a few megabytes more or less must not restart a server.
    """
    found = re.search(pattern, host.read(path))
    return found[1] if found else default


def _is_newer(host: Host, config: str, started: str) -> bool:
    """Whether a file was written after a server started (made its pid file or socket).

    Asked in place of "was it just written", or a run that broke off in between would leave a
    server with its old settings for ever.
    """
    return host.succeeds(f"[ ! -e {started} ] || [ {config} -nt {started} ]")


def _is_enabled(host: Host, service: str) -> bool:
    return host.succeeds(
        "if [ -d /run/systemd/system ]; then systemctl is-enabled --quiet "
        f"{service} || systemctl is-active --quiet {service}; "
        f"else ls /etc/rc2.d/S*{service} >/dev/null 2>&1; fi"
    )
