"""The guard: crash loops and hunger show in health and metrics, and are acted on."""

import json
import os
import re
import signal
import time
from collections.abc import Callable
from typing import Any

import psutil
import pytest

from tests.load.clients import poll
from tests.support.site import Site

pytestmark = pytest.mark.xdist_group("sqlite")


def report(site: Site) -> dict[str, dict[str, Any]]:
    """What the guard last wrote, by program."""
    text = (site.var / "run" / "guard.json").read_text()
    return {program["name"]: program for program in json.loads(text)["programs"]}


def health(site: Site) -> dict[str, Any]:
    with site.client() as client:
        return client.get("/api/health").json()


def is_well(site: Site) -> bool:
    return health(site)["status"] == "ok"


def test_crash_loop_degrades_health_and_survives_the_guard(new_site: Callable[..., Site]) -> None:
    site = new_site(NGINX="packaged")
    site.start()
    poll(lambda: is_well(site), wait_s=20)
    for turn in range(3):
        assert turn == 0 or len(report(site)["scheduler"]["exits"]) <= turn
        pid = site.pids("scheduler")[0]
        os.kill(pid, signal.SIGKILL)
        poll(lambda pid=pid: site.supervisor().getProcessInfo("scheduler")["pid"] not in (0, pid))
        time.sleep(1.2)  # longer than supervisor's startsecs: it never says FATAL
    poll(lambda: len(report(site)["scheduler"]["exits"]) == 3, wait_s=15)
    found = health(site)
    assert found["status"] == "degraded"
    assert found["parts"] == {"database": True, "cache": True, "queue": True, "programs": False}
    with site.operator() as operator:
        assert 'raindrop_program_exits{program="scheduler"} 3.0' in operator.get("/metrics").text
    os.kill(site.pids("guard")[0], signal.SIGKILL)
    poll(lambda: len(report(site)["guard"]["exits"]) == 1, wait_s=20)
    assert len(report(site)["scheduler"]["exits"]) == 3


def test_program_that_does_not_start_is_fatal(new_site: Callable[..., Site]) -> None:
    site = new_site(NGINX="packaged")
    site.start()
    poll(lambda: is_well(site), wait_s=20)
    broken = site.var / "run" / "supervisord.conf"
    text = broken.read_text()
    begin = text.index("[program:scheduler]")
    changed = text[begin:].replace("startretries=10", "startretries=1", 1)
    command = changed.split("\n")[1]
    broken.write_text(text[:begin] + changed.replace(command, "command=/bin/false", 1))
    supervisor = site.supervisor()
    supervisor.reloadConfig()
    supervisor.stopProcessGroup("scheduler")
    supervisor.removeProcessGroup("scheduler")
    supervisor.addProcessGroup("scheduler")
    poll(lambda: report(site)["scheduler"]["state"] == "FATAL", wait_s=30)
    poll(lambda: not is_well(site), wait_s=10)


def test_hungry_process_is_ended(new_site: Callable[..., Site]) -> None:
    """The process over the limit, and no other; its program goes on with a new one."""
    site = new_site(NGINX="packaged", MEMORY_LIMIT=64, WEB_WORKERS=1)
    site.start()
    with site.client() as client:
        assert client.get("/api/openapi.json").status_code == 200  # a worker grows by this
    ended = poll(lambda: hungry(site), wait_s=30)
    name, pid, size_mb = ended[0]
    assert int(size_mb) > 64
    poll(lambda: not psutil.pid_exists(int(pid)), wait_s=10)
    poll(lambda: report(site)[name]["memory_kills"], wait_s=10)
    poll(lambda: site.supervisor().getProcessInfo(name)["statename"] == "RUNNING", wait_s=10)
    assert name.startswith(("web", "worker", "scheduler"))
    assert site.supervisor().getProcessInfo("nginx")["statename"] == "RUNNING"


def hungry(site: Site) -> list[tuple[str, str, str]]:
    """Program, process and megabytes of each that was ended."""
    lines = "".join(path.read_text() for path in site.settings.log.glob("guard-*.jsonl"))
    return re.findall(r"([a-z-]+): process (\d+) holds (\d+) MB", lines)
