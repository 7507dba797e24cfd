"""One bare host with all roles, driven over SSH from the first command to the last.

The tests build on one another, in this order; each leaves a host that serves.
"""

import os
import re
import ssl
import subprocess
import threading
import time
from collections.abc import Iterator

import httpx
import pytest
from playwright.sync_api import expect, sync_playwright

from deploy.environment import SIGN_UP_TOKEN
from raindrop.config import HOME
from tests.browser.conftest import CHROMIUM, OPTIONS
from tests.deploy.hosted import (
    answers,
    assert_one_activation,
    load,
    programs,
    release_of,
    releases,
    schema,
    wait_for_job,
)
from tests.deploy.machines import Machine, Machines
from tests.deploy.operator import Operator, Output
from tests.deploy.oss import FakeOss
from tests.load.clients import poll

pytestmark = [pytest.mark.deploy, pytest.mark.xdist_group("one-host")]

ROLES = ["web", "worker", "db", "cache"]
SETTINGS = {
    "TODO_RATE_LIMIT": "1000000/second",
    "TODO_JOB_RATE_LIMIT": "1000000/second",
    "PORT": 80,
    "CONTROL_PORT": 8081,
}
ROLLBACK_WITHIN_S = 60


@pytest.fixture(scope="module")
def machine(machines: Machines) -> Iterator[Machine]:
    """A bare machine."""
    machine = machines.new_machine("one")
    yield machine
    machine.remove()


@pytest.fixture(scope="module")
def operator(
    machines: Machines, machine: Machine, tmp_path_factory: pytest.TempPathFactory
) -> Operator:
    """An operator for whom that machine is everything; the SSH user is no root."""
    operator = Operator(tmp_path_factory.mktemp("operator"), machines)
    operator.write_inventory({"one": (machine, ROLES)}, user="admin", settings=SETTINGS)
    return operator


@pytest.fixture
def client(machine: Machine) -> Iterator[httpx.Client]:
    """A visitor of the site."""
    with httpx.Client(base_url=f"http://{machine.address}", timeout=30, trust_env=False) as client:
        yield client


@pytest.fixture(autouse=True)
def changed_source(operator: Operator) -> Iterator[None]:
    """A test may change the source of the next release; afterwards it is as it was."""
    yield
    operator.undo_changes()


def test_deploy_before_init_env_says_so(operator: Operator) -> None:
    operator.fab("build")
    assert "run `fab init_env` first" in operator.fab("deploy", code=1).text


def test_unknown_host_key_and_unknown_system_are_refused(
    operator: Operator, machine: Machine
) -> None:
    known = operator.home / ".ssh" / "known_hosts"
    keys = known.read_text()
    known.write_text("")
    assert "not found in known_hosts" in operator.fab("init_env", code=1).text
    known.write_text(keys)
    machine.run("sed -i 's/VERSION_ID=.*/VERSION_ID=\"11\"/' /usr/lib/os-release")
    assert "needs Debian 12 or Ubuntu 24.04" in operator.fab("init_env", code=1).text
    machine.run("sed -i 's/VERSION_ID=.*/VERSION_ID=\"12\"/' /usr/lib/os-release")
    assert machine.run("ls /etc/raindrop", check=False).returncode != 0


def test_from_bare_to_answering(operator: Operator, machine: Machine, client: httpx.Client) -> None:
    first = operator.fab("init_env")
    assert "packages: set up" in first.text
    operator.fab("deploy")
    health = client.get("/api/health").json()
    assert health["status"] in ("ok", "degraded")
    assert health["release"].startswith("raindrop-")
    page = client.get("/")
    assert page.status_code == 200
    asset = re.search(r'src="(/assets/[^"]+)"', page.text)[1]
    assert "immutable" in client.get(asset).headers["Cache-Control"]
    todo = client.post("/api/todo", json={"content": "first"}).json()
    assert client.get("/api/todo?start=0").json()["data"][0] == todo
    poll(lambda: client.get("/api/health").json()["status"] == "ok", wait_s=20)
    assert_one_activation(machine)


def test_second_init_env_changes_nothing(operator: Operator, machine: Machine) -> None:
    before = machine.run("find /etc /opt/raindrop -type f -newermt '-1 minute' | sort").stdout
    pids = machine.run("supervisorctl pid all").stdout
    again = operator.fab("init_env")
    assert "[one] nothing to change" in again.text
    assert "set up" not in again.text
    assert machine.run("supervisorctl pid all").stdout == pids
    after = machine.run("find /etc /opt/raindrop -type f -newermt '-1 minute' | sort").stdout
    assert set(after.split()) <= set(before.split())


def test_status_doctor_and_logs(operator: Operator, machine: Machine) -> None:
    status = operator.fab("status").text
    for word in ("raindrop-2", "web-", "worker-long-", "scheduler-", "health ok", "database at"):
        assert word in status
    doctor = operator.fab("doctor").text
    for check in ("disk", "memory", "ports", "certificates", "clock", "database", "queue"):
        assert f" {check} " in doctor
    assert "every commit reaches the disk: yes" in doctor
    assert "✗" not in doctor
    assert "GET" in operator.fab("logs", "--program=access", "--lines=5").text


def test_doctor_finds_what_is_wrong(operator: Operator, machine: Machine) -> None:
    name = next(name for name in programs(machine) if name.startswith("worker-long-"))
    machine.run("mariadb -e 'SET GLOBAL innodb_flush_log_at_trx_commit = 2'")
    machine.run("chmod 644 /etc/raindrop/raindrop.env")
    machine.run(f"supervisorctl stop {name}")
    ill = operator.fab("doctor", code=1).text
    assert re.search(r"✗ database .*reaches the disk: no  -> innodb_flush", ill)
    assert re.search(r"✗ secrets .*raindrop.env", ill)
    assert re.search(rf"✗ programs .*{name} STOPPED", ill)
    assert name in operator.fab("status", code=1).text
    machine.run("mariadb -e 'SET GLOBAL innodb_flush_log_at_trx_commit = 1'")
    machine.run("chmod 600 /etc/raindrop/raindrop.env")
    machine.run(f"supervisorctl start {name}")
    assert "✗" not in operator.fab("doctor").text


def test_logs_rotate(machine: Machine, client: httpx.Client) -> None:
    """nginx goes on in a new file; nothing of the old one is lost."""
    client.get("/api/health")
    time.sleep(1.5)  # nginx writes its buffer each second
    before = machine.run("cat /var/log/raindrop/access.jsonl").stdout
    machine.run("touch -d '-20 days' /var/log/raindrop/app/web-2020-01-01.jsonl")
    machine.run("logrotate --force /etc/logrotate.d/raindrop")
    assert client.get("/api/health", headers={"X-Request-Id": "x"}).status_code == 200
    rotated = machine.run("cat /var/log/raindrop/access-????-??-??.jsonl").stdout
    assert rotated.startswith(before)
    poll(lambda: "/api/health" in machine.run("cat /var/log/raindrop/access.jsonl").stdout)
    assert "2020" not in machine.run("ls -R /var/log/raindrop").stdout


def test_control_port(machine: Machine) -> None:
    password = machine.run("cat /etc/raindrop/control-password").stdout.strip()
    address = f"https://{machine.address}:8081"
    with httpx.Client(base_url=address, verify=False, trust_env=False, timeout=30) as operator:
        assert operator.get("/").status_code == 401
        operator.auth = ("operator", password)
        page = operator.get("/")
        assert page.status_code == 200
        web = re.search(r"web-\d{8}T\d{6}Z", page.text)[0]
        assert "raindrop_requests" in operator.get("/metrics").text.replace("_http", "")
        action = f"/index.html?processname={web}&action=restart"
        assert operator.get(action).status_code == 403
        assert operator.get(action, headers={"Sec-Fetch-Site": "cross-site"}).status_code == 403
        tail = operator.get("/tail.html", params={"processname": "nginx"},
                            headers={"Sec-Fetch-Site": "same-origin"})  # fmt: skip
        assert tail.status_code == 200
        with operator.stream("GET", "/logtail/nginx") as stream:
            assert stream.status_code == 200
    with pytest.raises(httpx.HTTPError):
        httpx.get(f"http://{machine.address}:9001", trust_env=False, timeout=3)


def test_deploy_under_load(operator: Operator, machine: Machine, client: httpx.Client) -> None:
    """Also what was made before is there after: an imported file, its job and its lines."""
    lines = "\n".join(f"line {number}" for number in range(500))
    file = {"file": ("import.csv", "content\n" + lines, "text/csv")}
    job = wait_for_job(client, client.post("/api/todo/import", files=file).json()["id"])
    assert job["status"] == "finished"
    export = client.post("/api/todo/export", json={"format": "csv"}).json()
    assert wait_for_job(client, export["id"])["status"] == "finished"
    many = "\n".join(f"carried over {number}" for number in range(60_000))
    file = {"file": ("many.csv", "content\n" + many, "text/csv")}
    before = release_of(client)
    with load(machine):
        running = client.post("/api/todo/import", files=file).json()
        operator.fab("deploy")
    assert release_of(client) != before
    assert_one_activation(machine)
    assert wait_for_job(client, running["id"])["status"] == "finished"
    count = "SELECT COUNT(*), COUNT(DISTINCT content) FROM todos WHERE content LIKE 'carried%'"
    assert machine.run(f'mariadb -BN raindrop -e "{count}"').stdout.split() == ["60000", "60000"]
    assert client.get(f"/api/jobs/{job['id']}").json() == job
    result = client.get(f"/api/jobs/{export['id']}/file")
    assert result.text.count("line ") == 500


def test_rollback_under_load(operator: Operator, machine: Machine, client: httpx.Client) -> None:
    """To the release that served before; and not back to the withdrawn one afterwards."""
    bad = release_of(client)
    with load(machine):
        done = operator.fab("rollback")
    assert done.seconds < ROLLBACK_WITHIN_S
    good = release_of(client)
    assert good < bad
    assert_one_activation(machine)
    operator.fab("deploy")
    newest = release_of(client)
    assert newest > bad
    operator.fab("rollback")
    assert release_of(client) == good
    refused = operator.fab("rollback", code=1)
    assert "no earlier release" in refused.text
    operator.fab("rollback", f"--to={newest}")
    assert release_of(client) == newest


def test_restart_under_load(operator: Operator, machine: Machine, client: httpx.Client) -> None:
    before = release_of(client)
    old = set(programs(machine))
    with load(machine):
        operator.fab("restart")
    assert release_of(client) == before
    assert_one_activation(machine)
    assert {name for name in old if name.startswith("web-")}.isdisjoint(programs(machine))


def test_setting_of_a_later_release_stops_nothing(
    operator: Operator, machine: Machine, client: httpx.Client
) -> None:
    """All releases share the file of settings; an older one leaves alone what it does not know."""
    before = release_of(client)
    machine.run("echo RAINDROP_FROM_THE_FUTURE=1 >> /etc/raindrop/raindrop.env")
    operator.fab("restart")
    operator.fab("status")
    assert release_of(client) == before
    operator.fab("init_env")
    assert "FUTURE" not in machine.run("cat /etc/raindrop/raindrop.env").stdout


def test_renewed_certificate_is_served(operator: Operator, machine: Machine) -> None:
    def served() -> str:
        return ssl.get_server_certificate((machine.address, 8081))

    before = served()
    command = [
        "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
        "-nodes", "-days", "30", "-subj", "/CN=renewed", "-keyout", "control.key",
        "-out", "control.pem",
    ]  # fmt: skip
    subprocess.run(command, cwd=operator.checkout, check=True, capture_output=True)
    operator.write_inventory(
        {"one": (machine, ROLES)},
        user="admin",
        settings=SETTINGS,
        more='[certificates]\ncontrol = "control.pem"\ncontrol_key = "control.key"\n',
    )
    operator.fab("init_env")
    assert served() == before
    operator.fab("restart")
    assert served().strip() == (operator.checkout / "control.pem").read_text().strip()
    operator.write_inventory({"one": (machine, ROLES)}, user="admin", settings=SETTINGS)


def test_service_account_owns_nothing_that_root_writes(machine: Machine) -> None:
    """Nor a folder above it: a link laid there would make root write elsewhere."""
    opened = machine.run(
        "for pid in $(pgrep -u root -f 'supervisord|nginx: master'); do"
        " find /proc/$pid/fd -lname '/*' -printf '%l\\n'; done | grep -v '^/dev\\|^/proc' | sort -u"
    ).stdout.split()
    assert any("access.jsonl" in path for path in opened)
    for path in [*opened, "/opt/raindrop/www", "/var/lib/raindrop/snapshots/x",
                 "/var/lib/raindrop/assets/x", "/var/lib/raindrop/front/nginx.pid",
                 "/etc/raindrop/nginx.conf"]:  # fmt: skip
        folder = path.rpartition("/")[0]
        while folder:
            owner = machine.run(f"stat -c %U {folder}").stdout.strip()
            assert owner == "root", (path, folder, owner)
            folder = folder.rpartition("/")[0]


def test_unhealthy_release_goes_back(
    operator: Operator, machine: Machine, client: httpx.Client
) -> None:
    before, old, installed = release_of(client), programs(machine), releases(machine)
    operator.change(
        "server/raindrop/health/service.py", '"database": is_reachable(),', '"database": False,'
    )
    operator.fab("build")
    with load(machine):
        failed = operator.fab("deploy", code=1)
    assert "is not healthy" in failed.text
    assert '"database": false' in failed.text
    assert release_of(client) == before
    assert programs(machine) == old
    assert len(releases(machine)) == len(installed)  # the failed one is no way back


def test_release_that_does_not_start_goes_back(
    operator: Operator, machine: Machine, client: httpx.Client
) -> None:
    before, old = release_of(client), programs(machine)
    operator.change("server/wsgi.py", "settings = load_settings()", "raise OSError('no luck')")
    operator.fab("build")
    with load(machine):
        failed = operator.fab("deploy", code=1)
    assert "no luck" in failed.text
    assert release_of(client) == before
    assert programs(machine) == old


def test_workers_that_do_not_start_take_all_back(
    operator: Operator, machine: Machine, client: httpx.Client
) -> None:
    """nginx leads to the new release by then, and back to the old one."""
    before, old = release_of(client), programs(machine)
    operator.change(
        "server/raindrop/worker.py", "settings = load_settings()", "raise OSError('no')"
    )
    operator.fab("build")
    with load(machine):
        failed = operator.fab("deploy", code=1)
    assert "does not stay alive" in failed.text
    assert release_of(client) == before
    assert programs(machine) == old


def test_failing_migration_leaves_the_database(
    operator: Operator, machine: Machine, client: httpx.Client
) -> None:
    """The second of two new revisions fails: the first is taken back too."""
    before, tables = release_of(client), schema(machine)
    add_table(operator)
    add_revision(operator, "9002", "9001", 'op.execute("ALTER TABLE nowhere ADD x INT")', "pass")
    operator.fab("build")
    with load(machine):
        failed = operator.fab("deploy", code=1)
    assert "nowhere" in failed.text
    assert "the database is as it was" in failed.text
    assert release_of(client) == before
    assert schema(machine) == tables
    assert_one_activation(machine)


def test_migration_and_rollback_over_it(
    operator: Operator, machine: Machine, client: httpx.Client
) -> None:
    """The rollback leaves the table; the old release serves over it."""
    add_table(operator)
    operator.fab("build")
    before = release_of(client)
    operator.fab("deploy")
    assert "brand_new" in schema(machine)
    with load(machine):
        operator.fab("rollback")
    assert release_of(client) == before
    assert "brand_new" in schema(machine)
    assert "newer than this release" in operator.fab("status").text
    operator.undo_changes()
    operator.fab("build")
    assert "does not know" in operator.fab("deploy", code=1).text
    assert release_of(client) == before


def test_snapshot_is_restored_by_command_only(
    operator: Operator, machine: Machine, client: httpx.Client
) -> None:
    late = client.post("/api/todo", json={"content": "written too late"}).json()
    unknown = operator.fab("restore_snapshot", "--name=20200101T000000Z", code=1).text
    assert "no snapshot" in unknown
    assert client.get(f"/api/todo/{late['id']}").status_code == 200
    # The last one is of the deployment that was refused after the migration.
    *_, before, _ = re.findall(r"\d{8}T\d{6}Z", unknown.partition("there are")[2])
    operator.fab("restore_snapshot", f"--name={before}")
    poll(lambda: client.get("/api/health").status_code == 200, wait_s=30)
    assert client.get(f"/api/todo/{late['id']}").status_code == 404
    assert "brand_new" not in schema(machine)
    assert_one_activation(machine)
    # What was there just before was copied aside, and can be had again: its schema is newer.
    copies = operator.fab("restore_snapshot", "--name=x", code=1).text
    present = re.findall(r"\d{8}T\d{6}Z", copies.partition("there are")[2])[-1]
    operator.fab("restore_snapshot", f"--name={present}")
    poll(lambda: client.get("/api/health").status_code == 200, wait_s=30)
    assert client.get(f"/api/todo/{late['id']}").json() == late
    assert "brand_new" in schema(machine)
    operator.fab("restore_snapshot", f"--name={before}")
    poll(lambda: client.get("/api/health").status_code == 200, wait_s=30)


def test_damaged_snapshot_changes_nothing(
    operator: Operator, machine: Machine, client: httpx.Client
) -> None:
    todo = client.post("/api/todo", json={"content": "kept"}).json()
    folder = "/var/lib/raindrop/snapshots"
    damaged = f"{folder}/20300101T000000Z.sql.gz"
    machine.run(f"ls {folder}/*.gz | tail -1 | xargs head -c 2000 > {damaged}")
    operator.fab("restore_snapshot", "--name=20300101T000000Z", code=1)
    machine.run(f"rm {damaged}")
    assert client.get(f"/api/todo/{todo['id']}").json() == todo


def test_link_cut_in_mid_upload(operator: Operator, machine: Machine, client: httpx.Client) -> None:
    operator.fab("build")
    installed = machine.run("ls -A /opt/raindrop /opt/raindrop/releases").stdout
    before = release_of(client)
    # Slow, so that there is a middle.
    slow = operator.checkout / "server" / "raindrop" / "ballast.bin"
    slow.write_bytes(os.urandom(60_000_000))
    operator.fab("build")
    process = operator.begin_fab("deploy")
    poll(lambda: "archive" in machine.run("ls /tmp/raindrop.* 2>/dev/null", check=False).stdout,
         wait_s=60)  # fmt: skip
    machine.cut_link()
    try:
        text, _ = process.communicate(timeout=120)
    finally:
        machine.mend_link()
    assert process.returncode == 1
    assert "one: " in text
    assert "lost" in text
    poll(lambda: machine.is_reachable, wait_s=30)
    assert machine.run("ls -A /opt/raindrop /opt/raindrop/releases").stdout == installed
    assert release_of(client) == before
    slow.unlink()
    operator.fab("build")
    operator.fab("deploy")
    assert release_of(client) > before


def test_broken_archive_leaves_nothing(
    operator: Operator, machine: Machine, client: httpx.Client
) -> None:
    installed = machine.run("ls -A /opt/raindrop /opt/raindrop/releases").stdout
    before = release_of(client)
    (archive,) = (operator.checkout / "dist").glob("*.tar.gz")
    broken = operator.checkout / "broken.tar.gz"
    broken.write_bytes(archive.read_bytes()[:-5000])
    failed = operator.fab("deploy", f"--archive={broken}", code=1)
    assert "one: " in failed.text
    assert machine.run("ls -A /opt/raindrop /opt/raindrop/releases").stdout == installed
    assert release_of(client) == before
    assert "no file" in operator.fab("deploy", "--archive=/nowhere.tar.gz", code=1).text


def test_two_operators_at_once(operator: Operator, machine: Machine, client: httpx.Client) -> None:
    before = release_of(client)
    machine.run("echo somebody 1 yesterday > /run/raindrop-deploy.lock")
    refused = operator.fab("restart", code=1)
    assert "somebody changes this host since yesterday" in refused.text
    assert release_of(client) == before
    machine.run("touch -d '-7 hours' /run/raindrop-deploy.lock")
    operator.fab("restart")
    machine.run("[ ! -e /run/raindrop-deploy.lock ]")


def test_crash_loop_shows(operator: Operator, machine: Machine, client: httpx.Client) -> None:
    name = next(name for name in programs(machine) if name.startswith("scheduler-"))
    for _ in range(3):
        pid = poll(lambda: machine.run(f"supervisorctl pid {name}").stdout.strip() not in ("", "0")
                   and machine.run(f"supervisorctl pid {name}").stdout.strip())  # fmt: skip
        machine.run(f"kill -9 {pid}")
        poll(lambda pid=pid: machine.run(f"supervisorctl pid {name}").stdout.strip() != pid)
        time.sleep(1.5)
    poll(lambda: client.get("/api/health").json()["status"] == "degraded", wait_s=15)
    assert client.get("/api/health").status_code == 200
    status = operator.fab("status", code=1).text
    assert "ended 3 times by itself" in status
    assert re.search(rf"✗ {name}", status)
    operator.fab("restart")
    poll(lambda: client.get("/api/health").json()["status"] == "ok", wait_s=20)


def test_host_restarts(operator: Operator, machine: Machine, client: httpx.Client) -> None:
    before = release_of(client)
    todo = client.post("/api/todo", json={"content": "survives"}).json()
    machine.restart()
    client.close()
    with httpx.Client(base_url=f"http://{machine.address}", trust_env=False) as client:
        poll(lambda: answers(client), wait_s=60, step_s=0.2)
        assert release_of(client) == before
        assert client.get(f"/api/todo/{todo['id']}").json() == todo
        job = client.post("/api/todo/export", json={"format": "csv"}).json()
        assert wait_for_job(client, job["id"])["status"] == "finished"
        poll(lambda: client.get("/api/health").json()["status"] == "ok", wait_s=30)
    assert_one_activation(machine)


def test_five_releases_are_kept(operator: Operator, machine: Machine, client: httpx.Client) -> None:
    for _ in range(6 - len(releases(machine))):
        operator.fab("deploy")
    operator.fab("deploy")
    assert len(releases(machine)) == 5
    assert release_of(client) == releases(machine)[-1]
    snapshots = machine.run("ls /var/lib/raindrop/snapshots").stdout.split()
    assert len(snapshots) == 5


def test_assets_from_object_storage(
    operator: Operator, machine: Machine, client: httpx.Client
) -> None:
    """Chromium loads the page's scripts and styles from there, under the site's own policy."""
    with FakeOss() as oss:
        lines = "\n".join(f'{name} = "{value}"' for name, value in oss.table.items())
        hosts = {"one": (machine, ROLES)}
        operator.write_inventory(
            hosts, user="admin", settings=SETTINGS, more=f"[assets]\n{lines}\n"
        )
        operator.fab("build", **oss.environ)
        operator.fab("deploy")
        loaded, problems = look_at(f"http://{machine.address}/")
        assert problems == []
        assets = [url for url in loaded if "/assets/" in url]
        assert assets
        assert all(url.startswith(oss.table["url"]) for url in assets), assets
        assert any(url.endswith(".js") for url in assets)
        assert any(url.endswith(".css") for url in assets)
    operator.write_inventory({"one": (machine, ROLES)}, user="admin", settings=SETTINGS)
    operator.fab("build")
    operator.fab("rollback")
    loaded, problems = look_at(f"http://{machine.address}/")
    assert problems == []
    assert all(url.startswith(f"http://{machine.address}/") for url in loaded)


def look_at(url: str) -> tuple[list[str], list[str]]:
    """Open a page in Chromium: what it loaded, and what went wrong."""
    loaded: list[str] = []
    problems: list[str] = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=OPTIONS)
        page = browser.new_page()
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.on("requestfailed", lambda request: problems.append(request.url))
        page.on("response", lambda response: loaded.append(response.url))
        page.on(
            "console",
            lambda message: problems.append(message.text) if message.type == "error" else None,
        )
        page.goto(url)
        expect(page.get_by_test_id("todo").first).to_be_visible()
        browser.close()
    return loaded, problems


def test_secrets_are_nowhere_else(operator: Operator, machine: Machine) -> None:
    """Not in logs, not in the archive, not in a process's arguments during any command."""
    settings = machine.run("cat /etc/raindrop/raindrop.env").stdout
    database = re.search(r"://raindrop:([^@]+)@", settings)[1]
    control = machine.run("cat /etc/raindrop/control-password").stdout.strip()
    instance = re.search(r"INSTANCE_KEY=(.+)", settings)[1]
    token = machine.run(f"cat {SIGN_UP_TOKEN}").stdout.strip()
    mail = "the-password-of-the-mail-server"
    keys = [database, control, instance, token, mail]
    seen: list[str] = []
    over = threading.Event()

    def watch() -> None:
        while not over.wait(0.02):
            seen.append(machine.run("cat /proc/[0-9]*/cmdline 2>/dev/null | tr '\\0' ' '",
                                    check=False).stdout)  # fmt: skip

    watcher = threading.Thread(target=watch)
    watcher.start()
    outputs: list[Output] = []
    try:
        mail_server = f"smtp://mailer:{mail}@mail.example.com:587"
        outputs.append(operator.fab("init_env", RAINDROP_SMTP_URL=mail_server))
        outputs += [operator.fab("init_env"), operator.fab("build"), operator.fab("deploy")]
        outputs += [operator.fab("status"), operator.fab("doctor"), operator.fab("logs")]
    finally:
        over.set()
        watcher.join()
    assert len(seen) > 20
    assert "nothing to change" in outputs[1].text
    assert mail_server in machine.run("cat /etc/raindrop/raindrop.env").stdout
    folders = ("raindrop", "raindrop/app", "supervisor", "mysql", "nginx")
    files = " ".join(f"/var/log/{folder}/*" for folder in folders)
    logs = machine.run(f"cat {files} /var/log/*.log 2>/dev/null", check=False).stdout
    archive = next((operator.checkout / "dist").glob("*.tar.gz")).read_bytes()
    unpacked = machine.run(
        # Texts only: pictures and fonts among them are no text.
        "cd /opt/raindrop/www && grep -rIlZ --exclude='*.pyc' . etc server | xargs -0 cat"
    ).stdout
    for key in keys:
        assert len(key) >= 20
        assert not any(key in text for text in seen)
        assert not any(key in output.text for output in outputs)
        assert key not in logs
        assert key.encode() not in archive
        assert key not in unpacked
    for path in ("/etc/raindrop/raindrop.env", SIGN_UP_TOKEN):
        assert machine.run(f"stat -c '%a %U' {path}").stdout == "600 raindrop\n"


def add_table(operator: Operator) -> None:
    """Add a revision with a new table to the next release."""
    make = 'op.execute("CREATE TABLE brand_new (id INT)")'
    add_revision(operator, "9001", newest_revision(), make, 'op.execute("DROP TABLE brand_new")')


def newest_revision() -> str:
    """The last revision of this checkout."""
    folder = HOME / "server" / "raindrop" / "migrations" / "versions"
    return max(path.name.partition("_")[0] for path in folder.glob("[0-9]*.py"))


def add_revision(operator: Operator, name: str, after: str, up: str, down: str) -> None:
    """Add a revision to the next release."""
    folder = operator.checkout / "server" / "raindrop" / "migrations" / "versions"
    (folder / f"{name}_test.py").write_text(
        f'from alembic import op\n\nrevision = "{name}"\ndown_revision = "{after}"\n\n\n'
        f"def upgrade() -> None:\n    {up}\n\n\ndef downgrade() -> None:\n    {down}\n"
    )
