"""Starting and ending the whole stack: what a person sees, and what is left behind."""

import contextlib
import os
import pty
import socket
import stat
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import httpx
import psutil
import pytest

from tests.support.mariadb import MariaDb
from tests.support.redis import RedisServer
from tests.support.site import RAINDROP, Site, clean_environment, free_port


@pytest.fixture
def folder(short_folder: Path) -> Path:
    """A new folder for a stack."""
    return short_folder / f"f{time.monotonic_ns() % 10**9}"


def run(**settings: object) -> subprocess.CompletedProcess[str]:
    """``raindrop run`` with settings that should stop it."""
    environment = clean_environment() | {
        f"RAINDROP_{name}": str(value) for name, value in settings.items()
    }
    return subprocess.run(
        [str(RAINDROP), "run"],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def assert_refused(outcome: subprocess.CompletedProcess[str], *words: str) -> None:
    assert outcome.returncode != 0
    assert outcome.stderr.count("\n") == 1, outcome.stderr
    assert all(word in outcome.stderr for word in words), outcome.stderr


def test_second_start_is_quick_and_keeps_the_data(
    folder: Path, new_site: Callable[..., Site]
) -> None:
    site = new_site(folder, NGINX="packaged")
    site.start()
    with site.client() as client:
        kept = client.post("/api/todo", json={"content": "kept"}).json()
    password = (folder / "secrets" / "control-password").read_text()
    assert site.stop() < 20
    again = new_site(folder, NGINX="packaged")
    assert again.start() < 10
    with again.client() as client:
        assert client.get("/api/todo").json()["data"] == [kept]
    assert (folder / "secrets" / "control-password").read_text() == password
    again.stop()


def test_greeting_hides_the_password_from_a_pipe(
    folder: Path, new_site: Callable[..., Site]
) -> None:
    site = new_site(folder, NGINX="packaged")
    site.start()
    path = folder / "secrets" / "control-password"
    assert f"http://localhost:{site.port}" in site.output
    assert f"http://localhost:{site.control_port}" in site.output
    assert "packaged nginx" in site.output
    assert str(path) in site.output
    assert path.read_text().strip() not in site.output
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    everything = "".join(
        file.read_text(errors="replace") for file in folder.rglob("*") if file.is_file()
        and file != path
    )  # fmt: skip
    assert path.read_text().strip() not in everything
    site.stop()


def test_greeting_shows_the_password_to_a_terminal(
    folder: Path, new_site: Callable[..., Site]
) -> None:
    site = new_site(folder, NGINX="packaged")
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [str(RAINDROP), "run"], env=site.environment, stdout=theirs, stderr=theirs,
        start_new_session=True,
    )  # fmt: skip
    os.close(theirs)
    shown = b""
    with contextlib.suppress(OSError):
        while b"Ctrl-C" not in shown:
            shown += os.read(ours, 1000)
    assert (folder / "secrets" / "control-password").read_text().strip() in shown.decode()
    os.killpg(process.pid, 2)
    process.wait(20)
    os.close(ours)


def test_servers_from_outside_are_used(
    folder: Path,
    short_folder: Path,
    mariadb: MariaDb,
    new_site: Callable[..., Site],
    request: pytest.FixtureRequest,
) -> None:
    """MariaDB, and one plain Redis over TCP with a password as cache and queue."""
    redis = RedisServer(short_folder / "outside")
    redis.start()
    request.addfinalizer(redis.stop)
    site = new_site(
        folder,
        DATABASE_URL=mariadb.create_database("outside"),
        REDIS_URL=redis.url,
        BROKER_URL=redis.url.replace("/0", "/1"),
    )
    site.start()
    names = (folder / "run" / "supervisord.conf").read_text()
    assert "[program:cache]" not in names
    assert "[program:broker]" not in names
    with site.client() as client:
        client.post("/api/todo", json={"content": "x"})
        assert client.get("/api/todo").json()["total"] == 1
        job = client.post("/api/todo/export", json={"format": "csv"}).json()
        assert site.wait_for_job(job["id"])["status"] == "finished"
    lines = [
        " ".join(process.info["cmdline"] or []) for process in psutil.process_iter(["cmdline"])
    ]
    assert not any("a-password-of-this-test" in line and "celery" in line for line in lines)
    site.stop()


@pytest.mark.parametrize("name", ["PORT", "CONTROL_PORT"])
def test_busy_port(folder: Path, name: str) -> None:
    ports = {"PORT": free_port(), "CONTROL_PORT": free_port()}
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", ports[name]))
        holder.listen()
        assert_refused(run(VAR=folder, **ports), f"RAINDROP_{name}", str(ports[name]))


def test_same_port_twice(folder: Path) -> None:
    port = free_port()
    assert_refused(run(VAR=folder, PORT=port, CONTROL_PORT=port), "RAINDROP_CONTROL_PORT")


def test_folder_that_cannot_be_written(folder: Path) -> None:
    folder.parent.mkdir(exist_ok=True)
    folder.write_text("a file is in the way")
    assert_refused(run(VAR=folder), "RAINDROP_VAR", str(folder))
    assert_refused(run(VAR="/proc/nothing"), "RAINDROP_VAR", "/proc/nothing")


def test_path_too_long_for_sockets(folder: Path) -> None:
    assert_refused(run(VAR=folder / ("x" * 90)), "RAINDROP_VAR", "too long")


@pytest.mark.parametrize("name", ["with space", "100%", "a;b", "a'b", "{x}"])
def test_path_that_configurations_cannot_say(folder: Path, name: str) -> None:
    assert_refused(run(VAR=folder / name), "RAINDROP_VAR", name)


def test_every_address_of_the_machine(new_site: Callable[..., Site]) -> None:
    """Also IPv6; the greeting asks the right address, past any proxy of the environment."""
    for bind in ("0.0.0.0", "::1", "::"):
        site = new_site(NGINX="packaged", BIND=bind)
        site.environment |= {"http_proxy": "http://127.0.0.1:9", "HTTP_PROXY": "http://127.0.0.1:9"}
        site.start()
        host = "127.0.0.1" if bind == "0.0.0.0" else "[::1]"
        answer = httpx.get(f"http://{host}:{site.port}/api/health", trust_env=False)
        assert answer.json()["status"] in ("ok", "degraded")  # the guard may still start
        site.stop()


def test_slow_download_does_not_keep_it_from_ending(new_site: Callable[..., Site]) -> None:
    site = new_site(NGINX="packaged")
    site.start()
    with site.client() as client:
        data = b"".join(b"x" * 900 + b"\n" for _ in range(4000))
        upload = client.post("/api/todo/import", files={"file": ("x.csv", data)}).json()
        site.wait_for_job(upload["id"])
        export = client.post("/api/todo/export", json={}).json()
        site.wait_for_job(export["id"])
        with client.stream("GET", f"/api/jobs/{export['id']}/file") as download:
            next(download.iter_raw(1000))
            assert site.stop() < 20


def test_database_that_does_not_answer(folder: Path) -> None:
    url = f"mysql://u:hidden@127.0.0.1:{free_port()}/x"
    outcome = run(VAR=folder, PORT=free_port(), CONTROL_PORT=free_port(), DATABASE_URL=url)
    assert_refused(outcome, "RAINDROP_DATABASE_URL")
    assert "hidden" not in outcome.stderr


def test_bad_setting(folder: Path) -> None:
    assert_refused(run(VAR=folder, PORT="many"), "RAINDROP_PORT")


def test_one_folder_runs_once(site: Site) -> None:
    outcome = run(VAR=site.var, PORT=free_port(), CONTROL_PORT=free_port())
    assert_refused(outcome, "another Raindrop", str(site.var))
