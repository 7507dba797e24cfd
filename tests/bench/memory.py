"""How much memory the whole stack takes when nobody uses it."""

import re
import time
from pathlib import Path

import psutil

from raindrop.stack import find_nginx, programs_of
from tests.support.site import Site

QUIET_S = 10


def idle_memory(folder: Path, nginx: str) -> dict[str, float]:
    """MB of each program on SQLite after some quiet seconds, with ``total``.

    Counted is the proportional set size: a page that processes share counts once.
    """
    site = Site(folder, NGINX=nginx)
    site.start()
    try:
        time.sleep(QUIET_S)
        return _programs(site)
    finally:
        site.stop()


def _programs(site: Site) -> dict[str, float]:
    assert site.process
    programs = programs_of(site.settings, find_nginx(site.settings))
    used = {program.name: used_mb(site.pids(program.name)) for program in programs}
    supervisor = psutil.Process(site.process.pid)
    family = [supervisor.pid, *(child.pid for child in supervisor.children(recursive=True))]
    return {"supervisor": used_mb([supervisor.pid]), **used, "total": used_mb(family)}


def used_mb(pids: list[int]) -> float:
    """MB of some processes; a page that they share counts once."""
    return round(sum(_proportional_kb(pid) for pid in pids) / 1024, 1)


def _proportional_kb(pid: int) -> int:
    try:
        text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return 0  # it ended meanwhile, as a database's unused connections do
    found = re.search(r"^Pss:\s+(\d+) kB", text, re.MULTILINE)
    assert found
    return int(found[1])
