"""Running wrk and reading its figures."""

import json
import statistics
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

SCRIPT = Path(__file__).with_name("bench.lua")
FAILURES = ("connect", "read", "write", "timeout", "status")
"""What wrk counts as failed: socket errors, answers after the time limit, statuses from 400 on."""


@dataclass(frozen=True)
class Run:
    """One measurement, or several of the same thing taken together."""

    requests: int
    seconds: float
    per_second: float
    p50_ms: float
    p95_ms: float
    p99_ms: float
    failures: dict[str, int]

    @property
    def failed(self) -> int:
        """Failed requests of every kind."""
        return sum(self.failures.values())


def measure(
    url: str,
    connections: int,
    seconds: int,
    *,
    headers: Mapping[str, str] | None = None,
    writes: int | None = None,
    body: str | None = None,
    is_unique: bool = False,
) -> Run:
    """Ask for ``url`` as fast as it answers.

    Args:
        writes: so many of 100 requests add a to-do; ``None``: without the script that mixes,
            which costs wrk time.
        body: JSON that each request posts; ``None``: requests get.
        is_unique: ``NUMBER`` in the address is another number each time.
    """
    command = ["wrk", "-t2", f"-c{connections}", f"-d{seconds}s", "--timeout", "10s"]
    for name, value in (headers or {}).items():
        command += ["-H", f"{name}: {value}"]
    command += ["-s", str(SCRIPT), url]
    if writes is not None:
        command += ["--", str(writes)]
    if body is not None:
        command += ["--", "post", body]
    if is_unique:
        command += ["--", "unique"]
    output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return _parse(output)


def together(runs: Sequence[Run]) -> Run:
    """Several runs of the same thing: counts added up, the median of the latencies."""
    requests, seconds = sum(run.requests for run in runs), sum(run.seconds for run in runs)
    return Run(
        requests,
        seconds,
        requests / seconds,
        statistics.median(run.p50_ms for run in runs),
        statistics.median(run.p95_ms for run in runs),
        statistics.median(run.p99_ms for run in runs),
        {kind: sum(run.failures[kind] for run in runs) for kind in FAILURES},
    )


def _parse(output: str) -> Run:
    figures = json.loads(output[output.rindex("\n{") :])
    failures = {kind: figures.pop(kind) for kind in FAILURES}
    return Run(**figures, per_second=figures["requests"] / figures["seconds"], failures=failures)
