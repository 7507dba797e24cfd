"""`fab deploy`, `rollback`, `restart`: a release is installed beside the others, then activated.

What happens on a host is in the release itself (`raindrop host …`); here is the order of things
over all hosts, and the way back.
"""

import datetime
import hashlib
import json
import re
from contextlib import suppress
from pathlib import Path
from typing import Any

from deploy.environment import ENV_FILE, USER, VAR
from deploy.errors import DeployError
from deploy.hosts import Host, on_each, show_progress
from deploy.lock import locked

OPT = "/opt/raindrop"
RELEASES = f"{OPT}/releases"
WWW = f"{OPT}/www"
ROOM_MB = 1024
SNAPSHOTS_KEPT = 5
OUR_PROGRAMS = (
    "{ supervisorctl status || true; } | awk '$1 ~ /^(web|worker|scheduler)-/ {print $1}'"
)


def now_name() -> str:
    """The time by which releases and activations are named."""
    return datetime.datetime.now(datetime.UTC).strftime("%Y%m%dT%H%M%SZ")


def deploy_archive(hosts: list[Host], archive: Path) -> None:
    """Install an archive on every host, migrate once, put it in force host by host.

    Raises:
        DeployError: what was in force is in force.
    """
    activation = now_name()
    release = f"raindrop-{activation}"
    on_each(hosts, check_ready)
    try:
        on_each(hosts, lambda host: upload(host, archive, release))
        on_each(hosts, lambda host: install(host, release))
        with locked(hosts):
            before = statuses(hosts)
            snapshot(_with_role(hosts, "db"), activation)
            migrate(_with_role(hosts, "web"), release)
            bring_up(hosts, release, activation, before)
            settle(hosts, release, activation)
    except BaseException:
        for host in hosts:
            forget(host, release)
        raise
    print(f"{release} is in force on {len(hosts)} host{'s' * (len(hosts) > 1)}")


def roll_back(hosts: list[Host], to: str) -> None:
    """Put an earlier release in force again. The database stays as it is: revisions only add.

    Args:
        to: a release; empty: the newest that served before the one in force and was not itself
            rolled back.

    Raises:
        DeployError: there is none, or it does not become healthy; what was in force is in force.
    """
    with locked(hosts):
        before = statuses(hosts)
        current = _one_release(before)
        target = to or _release_before(hosts, current)
        if target == current:
            raise DeployError(f"{target} is in force already")
        for host, status in before.items():
            if target not in status["releases"]:
                raise DeployError(f"{host.name} has no {target}; see `fab status`")
        activation = now_name()
        bring_up(hosts, target, activation, before)
        marks = f"touch {RELEASES}/{current}/.withdrawn; rm -f {RELEASES}/{target}/.withdrawn"
        on_each(hosts, lambda host: host.run(marks))
        settle(hosts, target, activation)
    print(f"{target} is in force again on {len(hosts)} host{'s' * (len(hosts) > 1)}")


def restart_all(hosts: list[Host]) -> None:
    """Start every program of the release in force anew, without a pause in service."""
    with locked(hosts):
        before = statuses(hosts)
        release, activation = _one_release(before), now_name()
        bring_up(hosts, release, activation, before)
        settle(hosts, release, activation)


def check_ready(host: Host) -> None:
    """Refuse a host that `init_env` has not made ready, or that has no room."""
    if not host.succeeds(f"[ -s {ENV_FILE} ] && [ -d {RELEASES} ]"):
        raise DeployError(f"{host.name}: run `fab init_env` first")
    free_mb = int(host.run(f"df -Pm {OPT} | awk 'NR == 2 {{print $4}}'"))
    if free_mb < ROOM_MB:
        raise DeployError(f"{host.name}: {free_mb} MB are free; a release needs {ROOM_MB}")


def upload(host: Host, archive: Path, release: str) -> None:
    """Bring the archive to the host; it gets its place only when its checksum is right."""
    folder = host.private_folder()
    try:
        host.upload(archive, f"{folder}/archive", show_progress(f"{host.name}: upload"))
        digest = hashlib.sha256(archive.read_bytes()).hexdigest()
        host.run(f"echo '{digest}  {folder}/archive' | sha256sum --check --quiet")
        host.run(f"install -m 600 {folder}/archive {OPT}/{release}.tar.gz")
    finally:
        with suppress(DeployError):
            host.run(f"rm -rf {folder}", 30)
    host.say(f"has the archive, {archive.stat().st_size // 1024:,} kB, checksum right")


def install(host: Host, release: str) -> None:
    """Unpack it into a folder of its own, with its own virtual environment."""
    home = f"{RELEASES}/{release}"
    wheels = f"{OPT}/wheels"
    pip = f"{home}/.venv/bin/python -m pip --quiet --disable-pip-version-check"
    requirements = f"-r {home}/requirements/production.txt"
    offline = f"--no-index --find-links {wheels}"
    host.run(
        f"umask 022; export PIP_ROOT_USER_ACTION=ignore\n"
        f"mkdir {home}\n"
        f"tar -xzf {OPT}/{release}.tar.gz -C {home} --strip-components=1 --no-same-owner\n"
        f"ln -s {ENV_FILE} {home}/raindrop.env\n"
        f"python3 -m venv {home}/.venv\n"
        # Everything that a release before had too is in the folder of wheels.
        f"{pip} install {offline} {requirements} 2>/dev/null || {{\n"
        f"  {pip} wheel --wheel-dir {wheels} --find-links {wheels} {requirements}\n"
        f"  {pip} install {offline} {requirements}\n"
        "}\n"
        f"{pip} install {offline} --no-deps --no-build-isolation -e {home}\n"
        f"{home}/.venv/bin/python -m compileall -q {home}/server\n"
        f"if grep -q '^RAINDROP_WORKER_CLASS=meinheld' {ENV_FILE}; then\n"
        f"  {pip} install --no-deps -r {home}/requirements/meinheld.txt\n"
        "fi\n"
        f"runuser -u {USER} -- {home}/.venv/bin/raindrop config >/dev/null\n"
        f"touch {home}/.installed; rm {OPT}/{release}.tar.gz"
    )
    host.say(f"{release} is installed")


def forget(host: Host, release: str) -> None:
    """Remove a release that did not come into force, so that it is no way back either."""
    home = f"{RELEASES}/{release}"
    with suppress(DeployError):  # a host that is away is cleared by its next deployment
        # A lost connection may have left a migration at work in it; the brackets keep pgrep from
        # finding this very command.
        in_use = f'[ "$(readlink {WWW})" = {home} ] || pgrep -f "{RELEASES}/[r]{release[1:]}/"'
        host.run(f"{in_use} >/dev/null || rm -rf {home} {OPT}/{release}.tar.gz", 60)


def snapshot(host: Host, activation: str) -> None:
    """Copy the database aside. It is put back only by `fab restore_snapshot`.

    Raises:
        DeployError: there is no room, or the copy failed; nothing of it stays.
    """
    folder = f"{VAR}/snapshots"
    size = (
        "SELECT CEIL(COALESCE(SUM(data_length + index_length), 0) / 1048576)"
        f" FROM information_schema.tables WHERE table_schema = '{USER}'"
    )
    # The database and the queue have the same disk: a full one ends all writes.
    host.run(
        f"find {folder} -name '*.sql.gz' | sort | head -n -{SNAPSHOTS_KEPT - 1} | xargs -r rm; "
        f"rm -f {folder}/*.part\n"
        f'need=$(mariadb -BN -e "{size}"); '
        f"free=$(df -Pm {folder} | awk 'NR == 2 {{print $4}}')\n"
        f'[ $((need + {ROOM_MB})) -le "$free" ] || '
        '{ echo "$free MB are free; a snapshot may need $need and some room" >&2; exit 1; }'
    )
    path = f"{folder}/{activation}.sql.gz"
    host.run(
        f"umask 077; {{ mariadb-dump --single-transaction --quick --routines --triggers {USER}"
        f" | gzip -1 > {path}.part && mv {path}.part {path}; }} "
        f" || {{ rm -f {path}.part; exit 1; }}",
        timeout_s=None,
    )
    size_kb = host.run(f"du -k {path} | cut -f1").strip()
    host.say(f"snapshot {activation}, {int(size_kb):,} kB")


def migrate(host: Host, release: str, options: str = "") -> None:
    """Bring the database to the release's revision; on one host, under a lock."""
    command = f"{RELEASES}/{release}/.venv/bin/raindrop migrate {options}"
    done = host.run(f"runuser -u {USER} -- {command}", timeout_s=None).strip()
    host.say(f"database: {done}")


def bring_up(
    hosts: list[Host], release: str, activation: str, before: dict[Host, dict[str, Any]]
) -> None:
    """Put a release in force: web hosts one after the other, then the workers.

    Raises:
        DeployError: a host did not become healthy; every host that can be reached is back at
            what it had before.
    """
    begun: list[Host] = []
    try:
        on_each(
            _all_with_role(hosts, "web"),
            lambda host: step(host, release, "keep-assets", activation),
        )
        for host in hosts:
            begun.append(host)
            if "web" in host.roles:
                step(host, release, "start-web", activation)
                host.say("healthy beside the old one")
            step(host, release, "switch", activation)
            host.say(f"serves {release}" if "web" in host.roles else f"has {release}")
        for host in _all_with_role(hosts, "worker"):
            step(host, release, "start-workers", activation)
            host.say("workers run")
    except BaseException as error:
        go_back(begun, release, activation, before)
        if isinstance(error, DeployError):
            raise DeployError(f"{error}\nNothing changed: {_in_force(before)}") from None
        raise


def settle(hosts: list[Host], release: str, activation: str) -> None:
    """End what was in force before, on every host.

    Raises:
        DeployError: it did not end everywhere; the new release is in force all the same.
    """
    problems = []
    for host in hosts:
        try:
            step(host, release, "settle", activation)
            host.say("the activation before has ended")
        except DeployError as error:
            problems.append(str(error))
    if problems:
        reasons = "\n".join(problems)
        raise DeployError(f"{reasons}\n{release} is in force, but not all of the old has ended")


def go_back(
    hosts: list[Host], release: str, activation: str, before: dict[Host, dict[str, Any]]
) -> None:
    """Undo an activation on the hosts where it began; unreachable ones are named."""
    for host in reversed(hosts):
        old = before[host]
        problems = []
        back = (old["release"], "switch", old["activation"] or activation)
        for owner, name, which in (back, (release, "abandon", activation)):
            try:
                if owner:
                    step(host, owner, name, which)
                else:
                    host.run(f"rm -f {WWW}")
            except DeployError as error:
                problems.append(str(error))
        if problems:
            host.say("could not go back; run `fab status` when it is there")
            print("\n".join(problems))
        else:
            host.say(f"is back at {old['release'] or 'nothing'}")


def step(host: Host, release: str, name: str, activation: str) -> None:
    """Take one step of an activation on a host, with that release's own code."""
    host.run(f"{RELEASES}/{release}/.venv/bin/raindrop host {name} {activation}")


def status_of(host: Host) -> dict[str, Any]:
    """What runs on a host; a host without a release has empty answers."""
    command = f"{WWW}/.venv/bin/raindrop host status"
    text = host.run(f"[ ! -L {WWW} ] || {command}").strip()
    if not text:
        return {"release": "", "activation": "", "releases": [], "programs": []}
    found: dict[str, Any] = json.loads(text)
    return found


def statuses(hosts: list[Host]) -> dict[Host, dict[str, Any]]:
    """What runs on every host."""
    return dict(zip(hosts, on_each(hosts, status_of), strict=True))


def list_snapshots(host: Host) -> list[str]:
    """The snapshots that there are, oldest first."""
    return re.findall(r"(\d{8}T\d{6}Z)\.sql\.gz", host.run(f"ls {VAR}/snapshots"))


def restore(hosts: list[Host], name: str) -> None:
    """Put a snapshot back: what was written since is lost, so the site is closed meanwhile.

    The present state is copied aside first, and put back if the snapshot cannot be read.

    Raises:
        DeployError: there is no such snapshot, or it is damaged; the database is as it was.
    """
    database = _with_role(hosts, "db")
    known = list_snapshots(database)
    if name not in known:
        raise DeployError(f"no snapshot {name}; there are: {', '.join(known) or 'none'}")
    database.run(f"zcat {VAR}/snapshots/{name}.sql.gz | tail -n 1 | grep -q '^-- Dump completed'")
    with locked(hosts):
        release = _one_release(statuses(hosts))
        on_each(hosts, lambda host: host.run(f"{OUR_PROGRAMS} | xargs -r supervisorctl stop"))
        try:
            present = now_name()
            # Before the copy, which drops the oldest snapshot: that may be the one to put back.
            database.run(f"cp {VAR}/snapshots/{name}.sql.gz {VAR}/snapshots/.chosen.gz")
            snapshot(database, present)
            try:
                _load_snapshot(database, ".chosen.gz")
            except DeployError:
                _load_snapshot(database, f"{present}.sql.gz")
                raise
            migrate(_with_role(hosts, "web"), release, "--leave-newer")
            forget_cache = f"{RELEASES}/{release}/.venv/bin/raindrop host forget-cache"
            _with_role(hosts, "web").run(forget_cache)
        finally:
            on_each(hosts, lambda host: host.run(f"{OUR_PROGRAMS} | xargs -r supervisorctl start"))
            database.run(f"rm -f {VAR}/snapshots/.chosen.gz")
    print(f"the database is as it was at {name}; what it was just now is snapshot {present}")


def _load_snapshot(host: Host, file: str) -> None:
    host.run(
        f"mariadb -e 'DROP DATABASE {USER}; CREATE DATABASE {USER}"
        f" COLLATE utf8mb4_nopad_bin'; zcat {VAR}/snapshots/{file} | mariadb {USER}",
        timeout_s=None,
    )


def _release_before(hosts: list[Host], current: str) -> str:
    served = f"cd {RELEASES}; ls -d raindrop-*/ | tr -d / | while read r; do"
    test = "[ -e $r/.activated ] && [ ! -e $r/.withdrawn ] && echo $r || true; done"
    lists = on_each(hosts, lambda host: host.run(f"{served} {test}").split())
    everywhere = set(lists[0]).intersection(*lists[1:])
    earlier = sorted(release for release in everywhere if release < current)
    if not earlier:
        raise DeployError("there is no earlier release that served; name one with --to")
    return earlier[-1]


def _one_release(before: dict[Host, dict[str, Any]]) -> str:
    releases = {status["release"] for status in before.values()}
    if releases == {""}:
        raise DeployError("nothing is deployed yet: run `fab deploy`")
    if len(releases) > 1:
        where = ", ".join(f"{host.name} {s['release'] or 'none'}" for host, s in before.items())
        raise DeployError(f"the hosts have different releases ({where}): run `fab deploy`")
    return str(releases.pop())


def _in_force(before: dict[Host, dict[str, Any]]) -> str:
    releases = sorted({status["release"] for status in before.values()} - {""})
    return f"{', '.join(releases)} is in force" if releases else "nothing was deployed before"


def _all_with_role(hosts: list[Host], role: str) -> list[Host]:
    return [host for host in hosts if role in host.roles]


def _with_role(hosts: list[Host], role: str) -> Host:
    return _all_with_role(hosts, role)[0]
