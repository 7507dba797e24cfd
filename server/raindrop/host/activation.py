"""Putting this release in force on this host, in steps that `fab deploy` takes host by host.

``start_web`` beside what serves, ``switch`` nginx and the ``www`` link, ``start_workers``, then
``settle``: what served before is drained and stopped. Before ``settle`` the way back is to
``switch`` to the activation before, and to ``abandon`` this one.
"""

import hashlib
import http.client
import json
import os
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path
from typing import Any

from raindrop.config import HOME, RELEASE, Settings
from raindrop.host import layout
from raindrop.host.supervisor import Supervisor, Watch, program_file, write_programs
from raindrop.loaded import forget_loaded, loaded_processes
from raindrop.nginx import check_nginx, find_nginx, render_nginx
from raindrop.programs import (
    REQUEST_S,
    Program,
    guard_program,
    nginx_program,
    web_program,
    worker_programs,
)
from raindrop.templates import StackError, write_private

HEALTHY_WITHIN_S = 60
FAILING_S = 10
"""A release that answers for so long that it is failing will not get well."""
WORKER_STOP_S = 120
"""Longer than any step of a job: a worker ends after the step it is in."""
DRAIN_WITHIN_S = 30
CALM_S = 1.0
RELEASES_KEPT = 5
ABANDONED_AFTER_S = 3600
"""An installation that is not complete after this time was given up."""
FORGET_OUTPUT_AFTER_S = 14 * 24 * 3600


def web_socket(settings: Settings, activation: str) -> Path:
    """gunicorn's socket of one activation."""
    return settings.run / f"web-{activation}.sock"


def web_link(settings: Settings) -> Path:
    """The link by which nginx finds the gunicorn of the activation in force."""
    return settings.front / "web.sock"


def start_web(settings: Settings, activation: str) -> None:
    """Start gunicorn beside the one that serves, and wait until it is healthy.

    Raises:
        StackError: it is not; it is gone again.
    """
    layout.check_settings(settings)
    metrics = settings.run / f"metrics-{activation}"
    program = _as_service(
        web_program(web_socket(settings, activation), metrics),
        f"web-{activation}",
        stop_wait_s=REQUEST_S + 10,
    )
    write_programs(f"web-{activation}", [program], HOME)
    supervisor = Supervisor()
    try:
        supervisor.start([program.name])
        _wait_until_healthy(supervisor, program.name, web_socket(settings, activation))
    except StackError as error:
        last = _last_lines(layout.OUTPUT / f"{program.name}.out")
        abandon(settings, activation)
        raise StackError(f"{error}{last}") from None


def switch(settings: Settings, activation: str) -> None:
    """Let nginx and ``www`` use this release; its web program must run.

    Each link changes in one step, and gunicorn's socket is looked up for each request, so no
    connection is closed; nginx is reloaded only when its configuration changed.
    """
    layout.check_settings(settings)
    is_web = "web" in layout.roles()
    if is_web:
        _check_web(settings, activation)
        is_changed = _write_nginx(settings)
        layout.link_atomically(web_link(settings), str(web_socket(settings, activation)))
    layout.link_atomically(layout.WWW, str(HOME))
    if is_web and is_changed:
        _reload_nginx(settings)
    _start_front(settings, is_web)
    (HOME / layout.ACTIVATED_MARK).touch()
    if is_web:
        _check_front(settings)


def keep_assets(settings: Settings, _activation: str) -> None:
    """Add this release's assets to the folder from which pages of other releases are served.

    On every web host before the first one switches: its pages ask any of them.
    """
    kept = settings.var / "assets" / "assets"
    kept.mkdir(parents=True, exist_ok=True)
    for asset in (HOME / "client" / "dist" / "assets").iterdir():
        target = kept / asset.name
        if not target.exists():
            part = kept / f".{asset.name}.part"
            shutil.copyfile(asset, part)
            part.chmod(0o644)
            part.replace(target)


def start_workers(settings: Settings, activation: str) -> None:
    """Start the Celery workers and the scheduler beside those that work.

    Raises:
        StackError: one does not stay alive.
    """
    programs = [
        _as_service(program, f"{program.name}-{activation}", stop_wait_s=WORKER_STOP_S)
        for program in worker_programs(settings)
    ]
    write_programs(f"worker-{activation}", programs, HOME)
    supervisor = Supervisor()
    names = [program.name for program in programs]
    forget_loaded(settings)
    supervisor.start(names)
    supervisor.wait_until_steady(names, lambda: loaded_processes(settings))


def settle(settings: Settings, activation: str) -> None:
    """Drain and stop every other activation."""
    supervisor = Supervisor()
    others = [
        program.name
        for program in supervisor.programs()
        if is_of_an_activation(program.name) and not program.name.endswith(activation)
    ]
    for name in others:
        if name.startswith("web-"):
            _wait_until_drained(settings, name.removeprefix("web-"))
    _remove(settings, supervisor, others)
    supervisor.restart("guard")
    prune(settings)


def abandon(settings: Settings, activation: str) -> None:
    """Stop and forget an activation that is not in force."""
    supervisor = Supervisor()
    names = [
        program.name
        for program in supervisor.programs()
        if is_of_an_activation(program.name) and program.name.endswith(activation)
    ]
    _remove(settings, supervisor, names)
    for kind in ("web", "worker"):
        program_file(f"{kind}-{activation}").unlink(missing_ok=True)


def prune(settings: Settings) -> None:
    """Keep the newest releases and snapshots, and the assets of the releases that are left."""
    snapshots = settings.var / "snapshots"
    for path in [*snapshots.glob("*.part"), *sorted(snapshots.glob("*.sql.gz"))[:-RELEASES_KEPT]]:
        path.unlink()
    for path in layout.RELEASES.glob("raindrop-*"):
        if not (path / layout.INSTALLED_MARK).exists() and _age_s(path) > ABANDONED_AFTER_S:
            shutil.rmtree(path)
    old = [path for path in layout.installed_releases() if path.name != layout.release_in_force()]
    # Those that were rolled back go first: they are no way back.
    old.sort(key=lambda path: (not (path / layout.WITHDRAWN_MARK).exists(), path.name))
    for path in old[: max(0, len(old) - RELEASES_KEPT + 1)]:
        shutil.rmtree(path)
    wanted = {
        asset.name
        for release in layout.installed_releases()
        for asset in (release / "client" / "dist" / "assets").glob("*")
    }
    for asset in settings.var.glob("assets/assets/*"):
        if asset.name not in wanted and _age_s(asset) > ABANDONED_AFTER_S:
            asset.unlink()


def _age_s(path: Path) -> float:
    return time.time() - path.stat().st_mtime


def activation_in_force(settings: Settings) -> str:
    """The activation that serves or works here; empty before the first."""
    link = web_link(settings)
    if link.is_symlink():
        return link.readlink().name.removeprefix("web-").removesuffix(".sock")
    workers = sorted(layout.SUPERVISOR_CONF.glob("raindrop-worker-*.conf"))
    return workers[-1].stem.removeprefix("raindrop-worker-") if workers else ""


def is_of_an_activation(program: str) -> bool:
    """Whether a program comes and goes with releases."""
    name, _, time_text = program.rpartition("-")
    return bool(name and layout.ACTIVATION_PATTERN.fullmatch(time_text))


def ask_health(address: tuple[str, int] | Path, timeout_s: float = 5) -> dict[str, Any]:
    """The answer of ``/api/health`` at a TCP address or on a unix socket.

    Raises:
        OSError, http.client.HTTPException, ValueError: there is none.
    """
    connection = http.client.HTTPConnection("localhost", timeout=timeout_s)
    if isinstance(address, Path):
        connection.sock = socket.socket(socket.AF_UNIX)
        connection.sock.settimeout(timeout_s)
        connection.sock.connect(str(address))
    else:
        connection.sock = socket.create_connection(address, timeout_s)
    try:
        connection.request("GET", "/api/health")
        health: dict[str, Any] = json.loads(connection.getresponse().read())
        return health
    finally:
        connection.close()


def front_address(settings: Settings) -> tuple[str, int]:
    """Where nginx answers on this host."""
    everywhere = {"0.0.0.0": "127.0.0.1", "::": "::1"}
    return everywhere.get(settings.bind, settings.bind), settings.port


def _as_service(program: Program, name: str, stop_wait_s: int) -> Program:
    # supervisor changes the account, not the home folder.
    environment = {"HOME": f"/var/lib/{layout.USER}", **program.environment}
    return program._replace(
        name=name, user=layout.USER, stop_wait_s=stop_wait_s, environment=environment
    )


def _wait_until_healthy(supervisor: Supervisor, name: str, path: Path) -> None:
    watch, began, failing_since = Watch(name), time.monotonic(), 0.0
    while True:
        watch.is_running(supervisor.programs())
        now = time.monotonic()
        try:
            health = ask_health(path)
            if health["status"] != "failing" and health["release"] == RELEASE:
                return
            failing_since, seen = failing_since or now, json.dumps(health)
        except (OSError, http.client.HTTPException, ValueError, KeyError) as error:
            failing_since, seen = 0.0, f"no answer ({error})"
        if (failing_since and now > failing_since + FAILING_S) or now > began + HEALTHY_WITHIN_S:
            raise StackError(f"{name} is not healthy after {now - began:.0f} s: {seen}")
        time.sleep(0.2)


def _last_lines(path: Path, count: int = 5) -> str:
    try:
        lines = path.read_text(errors="replace").splitlines()[-count:]
    except OSError:
        return ""
    return "".join(f"\n  {line}" for line in lines)


def _write_nginx(settings: Settings) -> bool:
    """Write nginx's configuration where it changed; whether it did."""
    nginx = find_nginx(settings)
    text = render_nginx(
        settings,
        nginx,
        home=layout.WWW,
        root=layout.WWW / "client" / "dist",
        log=layout.OUTPUT,
        web_socket=web_link(settings),
        supervisor_socket=layout.SUPERVISOR_SOCKET,
        older_assets=settings.var / "assets",
        htpasswd=layout.HTPASSWD,
        user=layout.USER,
        shutdown_s=REQUEST_S,
        edition=_digest_of(HOME / "etc" / "nginx", layout.CERTIFICATES),
    )
    if layout.NGINX_CONF.exists() and layout.NGINX_CONF.read_text() == text:
        return False
    part = layout.NGINX_CONF.with_suffix(".part")
    # Read with this release's own files: www may still be the one before, or nothing.
    write_private(part, text.replace(f"{layout.WWW}/etc/", f"{HOME}/etc/"))
    check_nginx(nginx, part)
    write_private(part, text)
    part.replace(layout.NGINX_CONF)
    return True


def _digest_of(*folders: Path) -> str:
    """A name for the contents of folders, so that a changed file is a changed configuration."""
    digest = hashlib.sha256()
    for folder in folders:
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def _reload_nginx(settings: Settings) -> None:
    try:
        os.kill(int((settings.front / "nginx.pid").read_text()), signal.SIGHUP)
    except (OSError, ValueError):
        return  # it is starting, and reads the new file


def _start_front(settings: Settings, is_web: bool) -> None:
    """nginx and the guard. They run from ``www``, so a release does not change their file."""
    python = f"{layout.WWW}/.venv/bin/python"
    programs = [_as_service(guard_program(python), "guard", stop_wait_s=10)]
    if is_web:
        nginx = nginx_program(python, find_nginx(settings).binary, layout.NGINX_CONF)
        # As root, for its ports; its workers are the service's account.
        door = _as_service(nginx, "nginx", stop_wait_s=REQUEST_S + 10)._replace(user="root")
        programs.append(door)
    write_programs("front", programs, layout.WWW)
    Supervisor().start([program.name for program in programs])


def _check_web(settings: Settings, activation: str) -> None:
    """Refuse to lead visitors to a gunicorn that does not answer."""
    try:
        ask_health(web_socket(settings, activation))
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise StackError(f"web-{activation} does not answer: {error}") from None


def _check_front(settings: Settings) -> None:
    deadline, seen = time.monotonic() + 10, "no answer"
    while time.monotonic() < deadline:
        try:
            health = ask_health(front_address(settings))
            if health["release"] == RELEASE:
                return
            seen = f"it answers as {health['release']}"
        except (OSError, http.client.HTTPException, ValueError, KeyError) as error:
            seen = str(error)
        time.sleep(0.2)
    raise StackError(f"nginx does not lead to the new release: {seen}")


def _wait_until_drained(settings: Settings, activation: str) -> None:
    """Wait until nobody waits to be accepted: gunicorn closes the line when it is told to end."""
    deadline = time.monotonic() + DRAIN_WITHIN_S
    calm_since = time.monotonic()
    while time.monotonic() < min(deadline, calm_since + CALM_S):
        if _waiting(web_socket(settings, activation)):
            calm_since = time.monotonic()
        time.sleep(0.05)


def _waiting(path: Path) -> int:
    """How many connections wait in a unix socket's line (``ss``'s Recv-Q of a listener)."""
    command = ["ss", "-xlH", "src", str(path)]
    lines = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    return sum(int(line.split()[2]) for line in lines)


def _remove(settings: Settings, supervisor: Supervisor, names: list[str]) -> None:
    # Their files first: should the host restart now, they must not come back.
    for activation in {name.rpartition("-")[2] for name in names}:
        for kind in ("web", "worker"):
            if any(name.startswith(kind) and name.endswith(activation) for name in names):
                program_file(f"{kind}-{activation}").unlink(missing_ok=True)
    supervisor.stop(names)
    for name in names:
        if name.startswith("web-"):
            activation = name.removeprefix("web-")
            web_socket(settings, activation).unlink(missing_ok=True)
            shutil.rmtree(settings.run / f"metrics-{activation}", ignore_errors=True)
    for output in layout.OUTPUT.glob("*-*Z.out*"):
        if _age_s(output) > FORGET_OUTPUT_AFTER_S:
            output.unlink(missing_ok=True)
