"""What runs on this host."""

import http.client
from typing import Any

from raindrop.config import Settings
from raindrop.core.supervision import read_report
from raindrop.host import layout
from raindrop.host.activation import activation_in_force, ask_health, front_address
from raindrop.host.supervisor import Supervisor
from raindrop.migrations import revisions
from raindrop.templates import StackError


def host_status(settings: Settings) -> dict[str, Any]:
    """The release, the programs, the database's revision and the health of this host.

    Returns:
        ``roles``, ``release``, ``activation``, ``releases`` (installed, oldest first),
        ``programs`` (each ``name, state, description, exits, memory_mb, memory_kills, is_well``),
        ``database`` (``revision, release, is_known`` or ``problem``), ``health``.
    """
    return {
        "roles": sorted(layout.roles()),
        "release": layout.release_in_force(),
        "activation": activation_in_force(settings),
        "releases": [path.name for path in layout.installed_releases()],
        "programs": _programs(settings),
        "database": _database(settings),
        "health": _health(settings),
    }


def _programs(settings: Settings) -> list[dict[str, Any]]:
    reports = {report.name: report for report in read_report(settings) or []}
    try:
        programs = Supervisor().programs()
    except StackError as error:
        return [{"name": "supervisor", "state": "GONE", "description": str(error), "exits": 0,
                 "memory_mb": 0, "memory_kills": 0, "is_well": False}]  # fmt: skip
    rows = []
    for program in programs:
        report = reports.get(program.name)
        rows.append(
            {
                **program._asdict(),
                "exits": len(report.exits) if report else 0,
                "memory_mb": report.memory_mb if report else 0,
                "memory_kills": len(report.memory_kills) if report else 0,
                "is_well": program.state == "RUNNING" and (report is None or report.is_well),
            }
        )
    return rows


def _database(settings: Settings) -> dict[str, Any]:
    try:
        found = revisions(settings)
    except Exception as error:  # whatever a driver raises is the answer
        return {"problem": next(iter(str(error).splitlines()), type(error).__name__)}
    return {
        "revision": found.database,
        "release": found.release,
        "is_known": found.is_known,
    }


def _health(settings: Settings) -> dict[str, Any]:
    if "web" not in layout.roles():
        return {}
    try:
        return ask_health(front_address(settings))
    except (OSError, http.client.HTTPException, ValueError) as error:
        return {"status": "gone", "problem": str(error)}
