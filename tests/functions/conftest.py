"""Real sandboxes, under each means of limiting them that this machine has."""

import itertools
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from raindrop.functions.confinement import Confinement, find_confinement
from raindrop.functions.leases import Action, Lease
from raindrop.functions.limits import Limits, SandboxUnavailable
from raindrop.functions.pool import Pool
from raindrop.functions.runtimes import find_runtimes
from raindrop.functions.sandbox import Code, Outcome

MIB = 1 << 20
_numbers = itertools.count()


@pytest.fixture(scope="module", params=["cgroups", "rlimits"])
def confinement(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Confinement]:
    """As this user can have it; as root also without control groups."""
    work = tmp_path_factory.mktemp("work")
    try:
        made = find_confinement(work, has_cgroups=request.param == "cgroups")
    except SandboxUnavailable as error:
        pytest.skip(f"this kernel or container forbids sandboxes: {error}")
    if request.param == "cgroups" and not made.cgroups.controllers:
        pytest.skip("this user may make no control groups here")
    yield made
    made.close()


@pytest.fixture
def make_pool(confinement: Confinement) -> Iterator[Callable[..., Pool]]:
    """Make pools of the test's own; they end with it."""
    pools: list[Pool] = []

    def make(**options: Any) -> Pool:
        given = {"budget_bytes": 1 << 30, **options}
        pools.append(Pool(confinement, find_runtimes(), **given))
        return pools[-1]

    yield make
    for pool in pools:
        pool.close()


def python(text: str, **more: Any) -> Action:
    """An action of one Python file, in a project of its own."""
    return action("python", Code("main.py", text=text), **more)


def node(text: str, entry: str = "index.js", **more: Any) -> Action:
    """An action of one JavaScript file."""
    return action("nodejs", Code(entry, text=text), **more)


def action(runtime: str, code: Code, **more: Any) -> Action:
    """An action, by default the first version of the only one of a new project."""
    given = {"project": f"p{next(_numbers)}", "action": "a", "version": "1", **more}
    return Action(runtime=runtime, code=code, **given)


def run(pool: Pool, made: Action, value: Any = None, **context: Any) -> Outcome:
    """Only the outcome of an activation."""
    return pool.invoke(made, value or {}, context)[0]


def texts(outcome: Outcome, stream: str | None = None) -> list[str]:
    """The log without its times."""
    return [line.text for line in outcome.logs if stream in (None, line.stream)]


class Attack:
    """Runs hostile code beside a neighbour that must not notice."""

    def __init__(self, pool: Pool) -> None:
        self.pool = pool
        self.neighbour = python("count = 0\ndef main(args):\n    global count\n    count += 1\n"
                                "    return {'count': count}\n")  # fmt: skip
        self.count = 0
        self.check()

    def check(self) -> Lease:
        """The neighbour answers, from the same sandbox as ever."""
        outcome, lease = self.pool.invoke(self.neighbour, {}, {})
        self.count += 1
        assert outcome.result == {"count": self.count}
        return lease

    def run(self, text: str, value: Mapping[str, Any] | None = None, **limits: Any) -> Outcome:
        made = python(text, limits=Limits(**{"run_s": 10, **limits}))
        outcome = run(self.pool, made, value)
        assert self.check().start == "warm"
        return outcome


@pytest.fixture
def attack(make_pool: Callable[..., Pool]) -> Attack:
    return Attack(make_pool())


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """For code that is a folder."""
    made = tmp_path / "code"
    made.mkdir()
    return made
