"""Two web hosts that also work, and one with database, cache and queue."""

import re
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from deploy.environment import SIGN_UP_TOKEN
from tests.deploy.hosted import (
    assert_one_activation,
    load,
    programs,
    release_of,
    wait_for_job,
)
from tests.deploy.machines import Machine, Machines
from tests.deploy.operator import Operator
from tests.load.clients import BOARD, Visitor, poll

pytestmark = [pytest.mark.deploy, pytest.mark.xdist_group("three-hosts")]

NAMES = ("web1", "web2", "data")
SETTINGS = {"TODO_RATE_LIMIT": "1000000/second", "TODO_JOB_RATE_LIMIT": "1000000/second"}


class Cluster:
    """The three machines, by name."""

    def __init__(self, machines: Machines) -> None:
        with ThreadPoolExecutor() as pool:
            self.web1, self.web2, self.data = pool.map(machines.new_machine, NAMES)
        self.all = (self.web1, self.web2, self.data)

    @property
    def web(self) -> tuple[Machine, Machine]:
        """Those that visitors reach."""
        return self.web1, self.web2

    def inventory(self) -> dict[str, tuple[Machine, list[str]]]:
        """Machines and roles for `etc/deploy.toml`."""
        return {
            "web1": (self.web1, ["web", "worker"]),
            "web2": (self.web2, ["web", "worker"]),
            "data": (self.data, ["db", "cache"]),
        }


@pytest.fixture(scope="module")
def cluster(machines: Machines) -> Iterator[Cluster]:
    """Three bare machines."""
    cluster = Cluster(machines)
    yield cluster
    for machine in cluster.all:
        machine.remove()


@pytest.fixture(scope="module")
def operator(
    machines: Machines, cluster: Cluster, tmp_path_factory: pytest.TempPathFactory
) -> Operator:
    """An operator who has put a first release on the three."""
    operator = Operator(tmp_path_factory.mktemp("operator"), machines)
    operator.write_inventory(cluster.inventory(), settings=SETTINGS)
    operator.fab("init_env")
    operator.fab("build")
    operator.fab("deploy")
    return operator


def visit(machine: Machine) -> httpx.Client:
    """A visitor of one web host."""
    return httpx.Client(base_url=f"http://{machine.address}", timeout=30, trust_env=False)


def held_releases(cluster: Cluster) -> list[str]:
    """What each web host serves."""
    found = []
    for machine in cluster.web:
        with visit(machine) as client:
            found.append(release_of(client))
    return found


def test_each_host_has_its_roles(operator: Operator, cluster: Cluster) -> None:
    for machine in cluster.web:
        assert_one_activation(machine, "web", "worker")
    assert_one_activation(cluster.data, "db", "cache")
    assert len(set(held_releases(cluster))) == 1
    poll(lambda: operator.try_fab("status").code == 0, wait_s=30, step_s=2)
    assert "nothing to change" in operator.fab("init_env").text
    doctor = operator.fab("doctor").text
    assert "✗" not in doctor


def test_write_on_one_is_read_on_the_other_at_once(operator: Operator, cluster: Cluster) -> None:
    """Through nginx's own memory on both; each write is told to both before its answer."""
    visitors = [Visitor(80, host=machine.address) for machine in cluster.web]
    for turn in range(200):
        writer, reader = visitors[turn % 2], visitors[(turn + 1) % 2]
        reader.board()
        todo_id = writer.add(f"turn {turn}").json()["id"]
        assert reader.board(BOARD)["data"][0]["id"] == todo_id


def test_private_ports_want_their_passwords(operator: Operator, cluster: Cluster) -> None:
    drop = {
        "X-Tag": "todos",
        "X-Generation": "99999999999999",
        "X-Paths": "/api/todo",
        "X-Ttl": "1",
    }
    for machine in cluster.web:
        answer = httpx.post(
            f"http://{machine.address}:8082/drop", headers=drop, content=b"lies", trust_env=False
        )
        assert answer.status_code == 403
    for port in (6379, 6380):
        with socket.create_connection((cluster.data.address, port), timeout=5) as connection:
            connection.sendall(b"PING\r\n")
            assert connection.recv(100).startswith(b"-NOAUTH")
    with pytest.raises(OSError):
        socket.create_connection((cluster.web1.address, 3306), timeout=2)


def test_one_scheduler_sends(operator: Operator, cluster: Cluster) -> None:
    """Two run; the other takes over within seconds when the sender dies."""
    lines = "cat /var/log/raindrop/app/scheduler-*.jsonl | grep -c 'Sending due task' || true"

    def sent() -> list[int]:
        return [int(machine.run(lines).stdout) for machine in cluster.web]

    before = sent()
    time.sleep(6)
    grown = [now - then for then, now in zip(before, sent(), strict=True)]
    assert sorted(count > 0 for count in grown) == [False, True]
    sender = grown.index(max(grown))
    machine, other = cluster.web[sender], cluster.web[1 - sender]
    name = next(name for name in programs(machine) if name.startswith("scheduler-"))
    machine.run(f"supervisorctl stop {name}")
    before = sent()
    poll(lambda: sent()[1 - sender] > before[1 - sender], wait_s=15, step_s=0.5)
    assert sent()[sender] == before[sender]
    machine.run(f"supervisorctl start {name}")
    assert other.run("supervisorctl status | grep -c RUNNING").stdout


def test_job_runs_wherever_a_worker_is(operator: Operator, cluster: Cluster) -> None:
    for machine in cluster.web:
        with visit(machine) as client:
            job = client.post("/api/todo/export", json={"format": "csv"}).json()
            assert wait_for_job(client, job["id"])["status"] == "finished"


def test_deploy_under_load_over_both(operator: Operator, cluster: Cluster) -> None:
    before = held_releases(cluster)
    with load(cluster.data, *cluster.web):
        operator.fab("deploy")
    after = held_releases(cluster)
    assert len(set(after)) == 1
    assert after[0] > before[0]
    for machine in cluster.web:
        assert_one_activation(machine, "web", "worker")


def test_workers_that_do_not_start_take_all_hosts_back(
    operator: Operator, cluster: Cluster
) -> None:
    """Also the host that has no program of a release: all agree on what is in force."""
    before = held_releases(cluster)
    operator.change(
        "server/raindrop/worker.py", "settings = load_settings()", "raise OSError('no')"
    )
    operator.fab("build")
    try:
        failed = operator.fab("deploy", code=1)
    finally:
        operator.undo_changes()
        operator.fab("build")
    assert "could not go back" not in failed.text
    assert held_releases(cluster) == before
    links = {machine.run("readlink /opt/raindrop/www").stdout for machine in cluster.all}
    assert links == {f"/opt/raindrop/releases/{before[0]}\n"}
    operator.fab("restart")


def test_hosts_share_the_instance_key(cluster: Cluster) -> None:
    """What one host encrypts, another reads."""
    line = "grep RAINDROP_INSTANCE_KEY= /etc/raindrop/raindrop.env"
    assert len({machine.run(line).stdout for machine in cluster.all}) == 1


def test_passwords_are_nowhere_else(operator: Operator, cluster: Cluster) -> None:
    """Those between the hosts: not in logs, not in what `fab` prints, not in process lists."""
    settings = cluster.web1.run("cat /etc/raindrop/raindrop.env").stdout
    keys = re.findall(r"://[a-z]*:([^@]+)@|(?:SECRET|INSTANCE_KEY)=(.+)", settings)
    secrets = {key for pair in keys for key in pair if key}
    assert len(secrets) == 5
    tokens = {machine.run(f"cat {SIGN_UP_TOKEN}").stdout.strip() for machine in cluster.all}
    assert len(tokens) == 1
    secrets |= tokens
    assert all(len(secret) >= 20 for secret in secrets)
    shown = operator.fab("status").text + operator.fab("doctor").text + operator.fab("logs").text
    for machine in cluster.all:
        shown += machine.run("cat /proc/[0-9]*/cmdline | tr '\\0' ' '", check=False).stdout
        logs = "cat /var/log/raindrop/* /var/log/raindrop/app/* /var/log/supervisor/*"
        shown += machine.run(f"{logs} 2>/dev/null", check=False).stdout
    assert not any(secret in shown for secret in secrets)


def test_web_host_stops_during_a_deploy(operator: Operator, cluster: Cluster) -> None:
    """The second web host goes away when the first one has switched: that one goes back."""
    before = held_releases(cluster)
    assert len(set(before)) == 1
    process = operator.begin_fab("deploy")
    assert process.stdout
    text = ""
    with load(cluster.data, cluster.web1):
        for line in process.stdout:
            text += line
            if "[web1] serves" in line:
                cluster.web2.stop()
        process.wait()
    print(text)
    assert process.returncode == 1
    assert "web2: " in text
    assert re.search(r"web2.*(lost|cannot be reached)", text)
    assert "could not go back" in text
    with visit(cluster.web1) as client:
        assert release_of(client) == before[0]
        assert client.post("/api/todo", json={"content": "goes on"}).status_code == 201
    assert_one_activation(cluster.web1, "web", "worker")
    assert "web2" in operator.fab("status", code=1).text
    cluster.web2.start()
    poll(lambda: is_there(cluster.web2), wait_s=60, step_s=0.5)
    assert held_releases(cluster) == before
    operator.fab("deploy")
    assert len(set(held_releases(cluster))) == 1
    for machine in cluster.web:
        assert_one_activation(machine, "web", "worker")


def test_host_that_is_away_stops_a_deploy_before_it_begins(
    operator: Operator, cluster: Cluster
) -> None:
    before = held_releases(cluster)
    cluster.web2.cut_link()
    try:
        failed = operator.fab("deploy", code=1)
    finally:
        cluster.web2.mend_link()
    assert "web2: cannot be reached" in failed.text
    poll(lambda: is_there(cluster.web2), wait_s=60, step_s=0.5)
    assert held_releases(cluster) == before


def is_there(machine: Machine) -> bool:
    """Whether its site answers."""
    try:
        with visit(machine) as client:
            return client.get("/api/health").status_code == 200
    except httpx.HTTPError:
        return False
