"""What a deployed host serves and runs, seen from outside and from its root shell."""

import re
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import httpx

from tests.deploy.machines import Machine
from tests.load.clients import Crowd, poll


@contextmanager
def load(database: Machine, *web: Machine) -> Iterator[list[Crowd]]:
    """Readers and writers with and without keep-alive; nothing of theirs may fail or be lost.

    Args:
        database: the machine with the database.
        web: the machines that they visit; none: that one.
    """
    crowds = [
        Crowd(80, readers=2, host=machine.address, keeps_alive=keeps_alive, pause_s=0.02)
        for machine in web or (database,)
        for keeps_alive in (True, False)
    ]
    with ExitStack() as running:
        for crowd in crowds:
            running.enter_context(crowd.running())
        poll(lambda: all(len(crowd.accepted) > 5 for crowd in crowds))
        yield crowds
        time.sleep(1)
    for crowd in crowds:
        print(f"{len(crowd.seconds)} turns, slowest {max(crowd.seconds):.2f} s")
        assert crowd.failures == []
        assert crowd.stale == []
        assert len(crowd.seconds) > 100
    ids = {todo_id for crowd in crowds for todo_id, _ in crowd.accepted}
    kept = database.run("mariadb -BN raindrop -e 'SELECT id FROM todos'").stdout.split()
    assert ids <= set(map(int, kept))


def release_of(client: httpx.Client) -> str:
    """What nginx leads to."""
    return client.get("/api/health").json()["release"]


def programs(machine: Machine) -> dict[str, str]:
    """What supervisor says: name to state."""
    lines = machine.run("supervisorctl status", check=False).stdout.splitlines()
    return {line.split()[0]: line.split()[1] for line in lines}


KINDS = {
    "web": ["nginx", "web"],
    "worker": ["scheduler", "worker-long", "worker-short"],
    "cache": ["broker", "cache"],
    "db": [],
}


def assert_one_activation(machine: Machine, *roles: str) -> None:
    """Exactly the programs of one activation run, and all of them; no roles: every role."""
    names = programs(machine)
    assert set(names.values()) == {"RUNNING"}, names
    kinds = sorted(re.sub(r"-\d{8}T\d{6}Z$", "", name) for name in names)
    assert kinds == sorted(["guard", *(kind for role in roles or KINDS for kind in KINDS[role])])
    assert len({name[-16:] for name in names if name.endswith("Z")}) <= 1


def schema(machine: Machine) -> str:
    """The tables of the database and their columns."""
    dump = machine.run("mariadb-dump --no-data --skip-dump-date --compact raindrop").stdout
    return re.sub(r" AUTO_INCREMENT=\d+", "", dump)


def wait_for_job(client: httpx.Client, job_id: str) -> dict[str, Any]:
    """The job once it has ended."""
    return poll(
        lambda: (
            (job := client.get(f"/api/jobs/{job_id}").json())["status"]
            in ("finished", "failed", "canceled")
            and job
        ),
        wait_s=60,
        step_s=0.1,
    )


def releases(machine: Machine) -> list[str]:
    """The installed releases, oldest first."""
    return machine.run("ls /opt/raindrop/releases").stdout.split()


def answers(client: httpx.Client) -> bool:
    """Whether the site is there."""
    try:
        return client.get("/api/health").status_code == 200
    except httpx.HTTPError:
        return False
