"""`fab status`, `doctor` and `logs`: what the hosts say, for a person to look at."""

import json
import shlex
import time
from typing import Any

from deploy.environment import OUTPUT
from deploy.errors import DeployError
from deploy.hosts import Host
from deploy.release import WWW, status_of

SYMBOLS = {"ok": "✓", "warning": "!", "problem": "✗"}
CLOCK_S = 2


def show_status(hosts: list[Host]) -> bool:
    """Print what runs on each host; whether all is well."""
    seen: list[dict[str, Any]] = []
    is_well = True
    for host in hosts:
        try:
            status = status_of(host)
        except DeployError as error:
            print(f"✗ {error}\n")
            is_well = False
            continue
        is_well &= _show_host(host, status)
        seen.append(status)
    releases = {status["release"] for status in seen}
    if len(releases) > 1:
        print(f"✗ the hosts have different releases: {', '.join(sorted(releases))}")
    return is_well and len(releases) == 1 and releases != {""}


def show_doctor(hosts: list[Host]) -> bool:
    """Print what each host finds wrong with itself; whether nothing is."""
    is_well = True
    for host in hosts:
        print(f"{host.name} ({', '.join(sorted(host.roles))})")
        try:
            findings = _findings(host)
        except DeployError as error:
            findings = [{"check": "host", "level": "problem", "message": str(error), "advice": ""}]
        for finding in findings:
            advice = f"  -> {finding['advice']}" if finding["advice"] else ""
            symbol = SYMBOLS[finding["level"]]
            print(f"  {symbol} {finding['check']:12} {finding['message']}{advice}")
            is_well &= finding["level"] != "problem"
        print()
    return is_well


def show_logs(hosts: list[Host], program: str, lines: int) -> None:
    """Print the last lines of the newest log files, of one program or of all."""
    name = shlex.quote(f"{program}*")
    newest = f"sort -rn | head -n {2 if program else 8} | cut -d' ' -f2-"
    files = (
        f"find {OUTPUT} -maxdepth 2 -type f -size +0 -name {name} -printf '%T@ %p\\n' | {newest}"
    )
    for host in hosts:
        text = host.run(f"{files} | xargs -r tail -n {int(lines)}")
        print(f"== {host.name}\n{text}")


def _show_host(host: Host, status: dict[str, Any]) -> bool:
    if not status["release"]:
        print(f"{host.name}: nothing is deployed\n")
        return True
    print(f"{host.name} ({', '.join(status['roles'])})  {status['release']}")
    is_well = True
    for program in status["programs"]:
        is_well &= program["is_well"]
        notes = [f"{program['memory_mb']} MB"] if program["memory_mb"] else []
        if program["exits"]:
            notes.append(f"ended {program['exits']} times by itself in ten minutes")
        if program["memory_kills"]:
            notes.append(f"over its memory limit {program['memory_kills']} times")
        symbol = SYMBOLS["ok" if program["is_well"] else "problem"]
        line = f"  {symbol} {program['name']:32} {program['state']:9} {program['description']}"
        print(f"{line}  {', '.join(notes)}".rstrip())
    is_well &= _show_database(status["database"])
    health = status["health"]
    if health:
        is_ok = health["status"] == "ok"
        is_well &= is_ok
        ill = [part for part, is_up in health.get("parts", {}).items() if not is_up]
        why = f": {', '.join(ill)}" if ill else health.get("problem", "")
        print(f"  {SYMBOLS['ok' if is_ok else 'problem']} health {health['status']}{why}")
    print()
    return is_well


def _show_database(database: dict[str, Any]) -> bool:
    if "problem" in database:
        print(f"  ✗ database {database['problem']}")
        return False
    note = ""
    if not database["is_known"]:
        note = " (newer than this release, as after a rollback)"
    elif database["revision"] != database["release"]:
        note = f" (this release has {database['release']}: deploy again)"
    is_well = not database["is_known"] or database["revision"] == database["release"]
    print(f"  {SYMBOLS['ok' if is_well else 'problem']} database at {database['revision']}{note}")
    return is_well


def _findings(host: Host) -> list[dict[str, str]]:
    asked_at = time.time()
    host_at = float(host.run("date +%s.%N"))
    took_s = time.time() - asked_at
    off_s = max(0.0, abs(host_at - asked_at - took_s / 2) - took_s / 2)
    level = "ok" if off_s < CLOCK_S else "problem"
    message = f"{off_s:.1f} s from this machine's clock"
    clock = {"check": "clock", "level": level, "message": message, "advice": ""}
    # 1 is its word that there are problems; anything else is a problem of its own.
    command = f"{WWW}/.venv/bin/raindrop doctor --json || [ $? = 1 ]"
    text = host.run(f"[ ! -L {WWW} ] || {{ {command}; }}").strip()
    if not text:
        raise DeployError(f"{host.name}: nothing is deployed")
    findings: list[dict[str, str]] = json.loads(text)
    return [clock, *findings]
