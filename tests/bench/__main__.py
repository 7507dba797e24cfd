"""``make bench``: every figure of the README, measured side by side on this machine.

``python -m tests.bench --only writes,uncached`` runs some sections and prints their tables; only
a full run replaces the files in ``results/``.
"""

import argparse
import resource
import shutil
import sys
import tempfile
import time
from pathlib import Path

from tests.bench import databases, loads, people, rungs
from tests.bench.board import fill_site, make_naive
from tests.bench.memory import idle_memory
from tests.bench.report import RESULTS, Report, as_text, new_report, write_files
from tests.bench.servers import BareNginx, Naive
from tests.support.mariadb import MariaDb
from tests.support.site import Site

SECTIONS = ("memory", "ladder", "uncached", "writes", "adding", "importing", "people", "databases")
STACKS = {"packaged nginx": "packaged", "system's nginx": "system"}

began = time.monotonic()


def tell(text: str) -> None:
    """A line of progress."""
    print(f"{time.monotonic() - began:5.0f} s  {text}", file=sys.stderr, flush=True)


def main() -> None:
    """Run the sections asked for."""
    only = _parse_arguments()
    if not shutil.which("wrk"):
        sys.exit("make bench needs wrk (on Debian: apt-get install wrk)")
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    report = new_report()
    folder = Path(tempfile.mkdtemp(prefix="rb", dir="/tmp"))
    try:
        if "memory" in only:
            _measure_memory(report, folder)
        if set(only) - {"memory"}:
            _measure_site(report, folder, only)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    print(as_text(report))
    if only == list(SECTIONS):
        write_files(report)
        tell(f"written to {RESULTS}")


def _parse_arguments() -> list[str]:
    parser = argparse.ArgumentParser(prog="python -m tests.bench")
    parser.add_argument("--only", default=",".join(SECTIONS), help=f"some of: {SECTIONS}")
    only = parser.parse_args().only.split(",")
    if unknown := set(only) - set(SECTIONS):
        parser.error(f"no such section: {', '.join(unknown)}")
    return only


def _measure_memory(report: Report, folder: Path) -> None:
    for label, nginx in STACKS.items():
        tell(f"idle memory with the {label}")
        report.memory[label] = idle_memory(folder / nginx, nginx)


def _measure_site(report: Report, folder: Path, only: list[str]) -> None:
    tell("starting MariaDB and the site")
    server = MariaDb(folder / "mariadb")
    server.start()
    site = Site(folder / "site", DATABASE_URL=server.create_database("raindrop"))
    try:
        site.start()
        fill_site(site)
        with site.client() as client:
            nginx = BareNginx(folder / "bare", client.get(rungs.PAGE).content)
        nginx.start()
        try:
            _measure_sections(report, site, nginx, Naive(folder, make_naive(server)), only)
            if "databases" in only:
                report.documents = databases.measure(site, folder, tell)
        finally:
            nginx.stop()
    finally:
        site.stop()
        server.stop()


def _measure_sections(
    report: Report, site: Site, nginx: BareNginx, naive: Naive, only: list[str]
) -> None:
    if "ladder" in only:
        report.ladder = rungs.climb(site, naive, nginx, tell)
    if "uncached" in only:
        tell("an uncached page")
        report.uncached = loads.uncached(site)
    if "writes" in only:
        for connections in rungs.CONNECTIONS:
            tell(f"1% writes, {connections:,} connections")
            report.mixes[connections] = loads.mix(site, nginx, connections)
    if "adding" in only:
        tell("adding to-dos")
        report.adding = loads.adding(site)
    if "importing" in only:
        tell("importing a file of 4 MB")
        report.importing = loads.importing(site)
    if "people" in only:
        tell("signed-in people, sign-ins and events")
        report.people = people.measure(site, naive, nginx)


if __name__ == "__main__":
    main()
