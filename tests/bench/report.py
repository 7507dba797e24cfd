"""What was measured, as JSON, as tables, and beside what was asked for."""

import dataclasses
import datetime
import json
import os
import platform
import re
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import psutil

from raindrop.config import load_settings
from raindrop.stack import find_nginx
from tests.bench import chart, databases, report_databases, rungs, wrk
from tests.bench.board import ROWS
from tests.bench.databases import Documents
from tests.bench.loads import Mix
from tests.bench.people import People, quantile
from tests.bench.rungs import CONNECTIONS, Result

RESULTS = Path(__file__).with_name("results")


class Target(NamedTuple):
    """What was asked for and what came out."""

    what: str
    asked: str
    measured: str
    is_met: bool


@dataclass
class Report:
    """Every section that was run; the others stay empty."""

    at: str
    machine: dict[str, Any]
    ladder: list[Result] = field(default_factory=list)
    mixes: dict[int, Mix] = field(default_factory=dict)
    uncached: wrk.Run | None = None
    adding: wrk.Run | None = None
    importing: dict[str, float] = field(default_factory=dict)
    people: People | None = None
    memory: dict[str, dict[str, float]] = field(default_factory=dict)
    documents: Documents | None = None


def new_report() -> Report:
    """An empty report of this machine, now."""
    now = datetime.datetime.now(datetime.UTC)
    nginx = find_nginx(load_settings({}))
    machine = {
        "cores": os.cpu_count(),
        "memory_gb": round(psutil.virtual_memory().total / 2**30),
        "load_before": round(os.getloadavg()[0], 2),
        "system": platform.freedesktop_os_release().get("PRETTY_NAME", platform.system()),
        "python": platform.python_version(),
        "nginx": _version([nginx.binary, "-v"]) + (" with Lua" if nginx.has_lua else ""),
        "mariadb": _version(["/usr/sbin/mariadbd", "--version"]),
    }
    return Report(now.isoformat(timespec="seconds"), machine)


def targets_of(report: Report) -> list[Target]:
    """The targets of the sections that were run."""
    return [
        *_ladder_targets({result.name: result for result in report.ladder}),
        *_mix_targets(report.mixes),
        *_uncached_targets(report.uncached),
        *_people_targets(report.people),
        *_memory_targets(report.memory),
        *(Target(*each) for each in report_databases.targets(report.documents)),
    ]


def write_files(report: Report) -> None:
    """Write the figures, the tables and the picture."""
    RESULTS.mkdir(exist_ok=True)
    plain = dataclasses.asdict(report)
    plain["targets"] = [target._asdict() for target in targets_of(report)]
    (RESULTS / "latest.json").write_text(json.dumps(plain, indent=2) + "\n")
    (RESULTS / "ladder.svg").write_text(chart.draw(report.ladder))
    text = "# The last run of `make bench`\n\n![The ladder](ladder.svg)\n\n" + as_text(report)
    (RESULTS / "README.md").write_text(text)


def as_text(report: Report) -> str:
    """The tables, in Markdown."""
    sections = [
        _machine_line(report),
        *_targets_section(targets_of(report)),
        *_ladder_section(report.ladder),
        *_mix_section(report.mixes),
        *_throughput_section(report),
        *_people_section(report.people),
        *_memory_section(report.memory),
        *_documents_section(report.documents),
    ]
    return "\n\n".join(sections) + "\n"


def _version(command: list[str]) -> str:
    result = subprocess.run(command, check=True, capture_output=True, text=True)
    found = re.search(r"\d+\.\d+\.\d+", result.stdout + result.stderr)
    return found[0] if found else "unknown"


def _ladder_targets(ladder: dict[str, Result]) -> Iterator[Target]:
    if not ladder:
        return
    memory, limit = ladder[rungs.MEMORY], ladder[rungs.LIMIT]
    for connections in CONNECTIONS:
        run = memory.runs[connections]
        share = run.per_second / limit.runs[connections].per_second
        what = f"page one from nginx's memory, beside the limit, c={connections:,}"
        yield Target(what, "≥ 65%", f"{share:.0%}", share >= 0.65)
        yield _none_failed(f"the same, c={connections:,}", run.failed)
    few = CONNECTIONS[0]
    times = memory.runs[few].per_second / ladder[rungs.REDIS].runs[few].per_second
    what = f"nginx's memory beside Flask reading Redis, c={few:,}"
    yield Target(what, "≥ 10 ×", f"{times:.1f} ×", times >= 10)


def _mix_targets(mixes: dict[int, Mix]) -> Iterator[Target]:
    for connections, mix in mixes.items():
        what = f"1% writes, beside the same client on a file, c={connections:,}"
        yield Target(what, "≥ 50%", f"{mix.ratio:.0%}", mix.ratio >= 0.5)
        what = f"reads out of date during it, c={connections:,}"
        stale, known = mix.checks["stale"], mix.known_checks
        yield Target(what, "0", f"{stale:,} of {known:,}", known > 0 and not stale)
        failed = mix.mixed.failed + mix.checks["failed"]
        yield _none_failed(f"1% writes, c={connections:,}", failed)


def _uncached_targets(run: wrk.Run | None) -> Iterator[Target]:
    if run is None:
        return
    what = f"uncached list behind gevent, c={CONNECTIONS[-1]:,}"
    yield _none_failed(what, run.failed)
    times = run.p99_ms / run.p50_ms
    yield Target(f"{what}: p99", "≤ 5 × p50", f"{times:.1f} ×", times <= 5)


def _people_targets(people: People | None) -> Iterator[Target]:
    if people is None:
        return
    what = "GET /v1/account with a session, beside a bare route that reads one row"
    yield Target(what, "≥ 60%", f"{people.share:.0%}", people.share >= 0.6)
    yield _none_failed(what, people.account.failed)
    what = "p99 of GET /v1/account with 50 sign-ins in flight, in idle p50s"
    yield Target(what, "< 5 ×", f"{people.slowdown:.1f} ×", people.slowdown < 5)
    rate = people.events_per_second
    yield Target("events dispatched and audited a second", "≥ 2,000", f"{rate:,.0f}", rate >= 2000)


def _memory_targets(memory: dict[str, dict[str, float]]) -> Iterator[Target]:
    for stack, programs in memory.items():
        total = programs["total"]
        yield Target(f"idle memory, {stack}", "< 400 MB", f"{total:,.0f} MB", total < 400)


def _none_failed(what: str, failed: int) -> Target:
    return Target(f"{what}: failed requests", "0", f"{failed:,}", not failed)


def _machine_line(report: Report) -> str:
    machine = report.machine
    return (
        f"{report.at} · {machine['cores']} cores, {machine['memory_gb']} GB, {machine['system']} · "
        f"nginx {machine['nginx']}, Python {machine['python']}, MariaDB {machine['mariadb']} · "
        f"load average before: {machine['load_before']}. The client (wrk) shares the cores, so "
        "only ratios within one run mean something."
    )


def _targets_section(targets: Sequence[Target]) -> Iterator[str]:
    rows = [
        (target.what, target.asked, target.measured, "met" if target.is_met else "**falls short**")
        for target in targets
    ]
    yield "## Targets"
    yield _table(("", "asked", "measured", ""), rows)


def _ladder_section(ladder: Sequence[Result]) -> Iterator[str]:
    if not ladder:
        return
    limit = next(result for result in ladder if result.name == rungs.LIMIT)
    yield "## The ladder"
    yield (
        f"The newest ten of {ROWS:,} to-dos in a durable MariaDB; two worker processes each. "
        "Failures are socket errors, answers after 10 s and statuses from 400 on. wrk does not "
        "count a connection that waits in vain until the end: where requests/s × p50 is far below "
        "the number of connections, a few were served and the others starved."
    )
    rows = []
    for result in ladder:
        if result.unavailable:
            rows.append((result.label, f"not available: {result.unavailable}"))
        for connections, run in result.runs.items():
            share = run.per_second / limit.runs[connections].per_second
            rows.append((result.label, f"{connections:,}", *_figures(run), f"{share:.1%}"))
    yield _table((*RUN_COLUMNS, "of the limit"), rows)


def _mix_section(mixes: dict[int, Mix]) -> Iterator[str]:
    if not mixes:
        return
    yield "## One write among a hundred requests"
    rows = []
    for connections, mix in mixes.items():
        rows.append(("1% writes", f"{connections:,}", *_figures(mix.mixed)))
        rows.append(("a file, the same client", f"{connections:,}", *_figures(mix.static)))
    yield _table(RUN_COLUMNS, rows)
    pairs = [
        (f"{connections:,}", *(f"{mix.checks[name]:,}" for name in CHECKS))
        for connections, mix in mixes.items()
    ]
    yield (
        "A process of its own wrote through all of it and read the board back at once. Overtaken: "
        "so many others were added meanwhile that no kept page can show whether it was out of date."
    )
    yield _table(("connections", *CHECKS), pairs)


def _throughput_section(report: Report) -> Iterator[str]:
    rows = []
    if report.uncached:
        rows.append(("uncached list", f"{CONNECTIONS[-1]:,}", *_figures(report.uncached)))
    if report.adding:
        rows.append(("adding to-dos", f"{CONNECTIONS[0]:,}", *_figures(report.adding)))
    if rows:
        yield "## Through gunicorn and the database"
        yield _table(RUN_COLUMNS, rows)
    if report.importing:
        figures = report.importing
        yield (
            f"Importing a CSV file of 4 MB ({figures['lines']:,} lines), upload to end: "
            f"{figures['seconds']:.1f} s, {figures['per_second']:,.0f} lines a second."
        )


def _people_section(people: People | None) -> Iterator[str]:
    if people is None:
        return
    yield "## Signed-in people"
    rows = [
        ("GET /v1/account", "100", *_figures(people.account)),
        ("a bare Flask route, one row by key", "100", *_figures(people.bare)),
    ]
    yield _table(RUN_COLUMNS, rows)
    quiet, busy = (
        f"p50 {quantile(values, 0.5):.1f} ms, p99 {quantile(values, 0.99):.1f} ms"
        for values in (people.idle_ms, people.busy_ms)
    )
    yield (
        f"One request after the other: {quiet}; with 50 sign-ins in flight "
        f"({people.sign_ins_per_second:.0f} a second): {busy}."
    )


def _memory_section(memory: dict[str, dict[str, float]]) -> Iterator[str]:
    if not memory:
        return
    yield "## Idle memory"
    yield "Proportional set size after ten quiet seconds, on SQLite, in MB."
    programs = next(iter(memory.values()))
    rows = [(name, *(f"{used[name]:.1f}" for used in memory.values())) for name in programs]
    yield _table(("program", *memory), rows)


def _documents_section(found: Documents | None) -> Iterator[str]:
    if found is None:
        return
    yield "## Documents"
    rows = [
        (name, f"{connections:,}", *_figures(run))
        for name, connections, run in databases.rows_of(found)
    ]
    yield _table(RUN_COLUMNS, rows)
    yield from report_databases.remarks(found)


RUN_COLUMNS = ("", "connections", "requests/s", "p50 ms", "p99 ms", "failed")
CHECKS = ("pairs", "stale", "overtaken", "failed")


def _figures(run: wrk.Run) -> tuple[str, ...]:
    return (f"{run.per_second:,.0f}", f"{run.p50_ms:.1f}", f"{run.p99_ms:.1f}", f"{run.failed:,}")


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)
