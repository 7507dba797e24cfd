"""Warm, prewarmed, cold and why; one lease at a time; budget, projects, deaths; under gevent."""

import json
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from raindrop.functions.confinement import Confinement
from raindrop.functions.limits import Limits, PoolFull
from raindrop.functions.pool import Pool
from raindrop.functions.sandbox import Code
from tests.functions.conftest import MIB, action, node, python, run

COUNTER = "n = 0\ndef main(args):\n    global n\n    n += 1\n    return {'n': n}\n"
SLEEPER = "import time\ndef main(args):\n    time.sleep(args['s'])\n    return {}\n"


def test_cold_then_warm_and_the_times(make_pool: Callable[..., Pool]) -> None:
    pool, made = make_pool(), python(COUNTER)
    first, cold = pool.invoke(made, {}, {})
    assert (cold.start, cold.why, first.result) == ("cold", "first", {"n": 1})
    assert 1 < cold.init_ms < 5000
    second, warm = pool.invoke(made, {}, {})
    assert (warm.start, warm.why, second.result) == ("warm", "", {"n": 2})
    assert warm.init_ms == 0
    assert 0 < second.run_ms < 1000
    assert warm.wait_ms < 1000


@pytest.mark.parametrize("make", [python, node])
def test_prewarmed_serves_any_action_once(make_pool: Callable[..., Pool], make: Callable) -> None:
    text = COUNTER if make is python else "let n = 0; function main() { n++; return { n } }"
    made = make(text)
    pool = make_pool(prewarmed={made.runtime: 1}, pause_after_s=0)
    pool.tend()
    assert pool.figures()["prewarmed"] == 1
    pool.tend()  # it is paused now
    outcome, lease = pool.invoke(made, {}, {})
    assert (lease.start, outcome.result) == ("prewarmed", {"n": 1})
    assert pool.invoke(make(text), {}, {})[1].start == "cold"
    pool.tend()
    assert pool.invoke(make(text), {}, {})[1].start == "prewarmed"


def test_a_folder_is_put_into_a_prewarmed_one(make_pool: Callable[..., Pool], folder: Path) -> None:
    (folder / "lib").mkdir()
    (folder / "lib" / "other.py").write_text("VALUE = 5\n")
    (folder / "main.py").write_text(
        "from lib.other import VALUE\ndef main(args):\n    return {'v': VALUE}\n"
    )
    pool = make_pool(prewarmed={"python": 1})
    pool.tend()
    outcome, lease = pool.invoke(action("python", Code("main.py", folder=folder)), {}, {})
    assert (lease.start, outcome.result) == ("prewarmed", {"v": 5})
    # Larger ones are bound into one of their own.
    for n in range(2001):
        (folder / f"{n}.txt").touch()
    pool.tend()
    outcome, lease = pool.invoke(action("python", Code("main.py", folder=folder)), {}, {})
    assert (lease.start, lease.why, outcome.result) == ("cold", "too large", {"v": 5})


def test_other_limits_than_the_prewarmed_ones(make_pool: Callable[..., Pool]) -> None:
    pool = make_pool(prewarmed={"python": 1})
    pool.tend()
    made = python(COUNTER, limits=Limits(disk_bytes=MIB))
    assert pool.invoke(made, {}, {})[1].start == "cold"


def test_memory_limit_of_a_prewarmed_one_is_the_actions(
    make_pool: Callable[..., Pool], confinement: Confinement
) -> None:
    pool = make_pool(prewarmed={"python": 1})
    pool.tend()
    made = python(
        "def main(args):\n    return {'n': len(bytearray(100 << 20))}\n",
        limits=Limits(memory_bytes=64 * MIB),
    )
    outcome, lease = pool.invoke(made, {}, {})
    assert lease.start == ("prewarmed" if confinement.limits_memory else "cold")
    assert outcome.status == "out_of_memory"


def test_never_two_projects_nor_two_versions_in_one(make_pool: Callable[..., Pool]) -> None:
    pool, made = make_pool(), python(COUNTER)
    run(pool, made)
    outcome, lease = pool.invoke(replace(made, project="other"), {}, {})
    assert (lease.start, outcome.result) == ("cold", {"n": 1})
    outcome, lease = pool.invoke(replace(made, version="2"), {}, {})
    assert (lease.start, lease.why, outcome.result) == ("cold", "new version", {"n": 1})


def test_one_activation_at_a_time(make_pool: Callable[..., Pool]) -> None:
    pool, made = make_pool(), python(SLEEPER)
    run(pool, made, {"s": 0})
    with pool.lease(made) as held:
        outcome, lease = pool.invoke(made, {"s": 0}, {})
        assert (held.start, lease.start, lease.why) == ("warm", "cold", "busy")
        assert outcome.status == "success"
    assert pool.figures()["warm"] == 2


def test_several_at_once_where_the_runtime_can(make_pool: Callable[..., Pool]) -> None:
    pool = make_pool()
    made = node(
        "let most = 0, now = 0;\n"
        "async function main(args) { most = Math.max(most, ++now);\n"
        "  await new Promise((done) => setTimeout(done, 300)); now--; return { most, n: args.n } }",
        concurrency=3,
    )
    run(pool, made, {"n": 0})
    found: dict[int, tuple] = {}

    def call(n: int) -> None:
        outcome, lease = pool.invoke(made, {"n": n}, {})
        found[n] = (outcome.result["n"], lease.start, outcome.result["most"])

    threads = [threading.Thread(target=call, args=(n,)) for n in range(3)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    assert {n: value[:2] for n, value in found.items()} == {n: (n, "warm") for n in range(3)}
    assert max(value[2] for value in found.values()) == 3


def test_more_than_may_run_wait_and_then_give_up(make_pool: Callable[..., Pool]) -> None:
    pool, made = make_pool(max_running=1), python(COUNTER)
    with pool.lease(made):
        with pytest.raises(PoolFull), pool.lease(python(COUNTER), wait_s=0.1):
            pass
        timer = threading.Timer(0, lambda: None)
        timer.start()
    assert run(pool, made).status == "success"


def test_a_waiting_one_goes_on_when_there_is_room(make_pool: Callable[..., Pool]) -> None:
    pool, made = make_pool(max_running=1), python(SLEEPER)
    run(pool, made, {"s": 0})
    first = threading.Thread(target=lambda: run(pool, made, {"s": 0.4}))
    first.start()
    time.sleep(0.1)
    _, lease = pool.invoke(made, {"s": 0}, {}, wait_s=5)
    first.join()
    assert lease.start == "warm"
    assert 200 < lease.wait_ms < 2000


def test_budget_ends_the_least_recently_used(make_pool: Callable[..., Pool]) -> None:
    pool = make_pool(budget_bytes=40 * MIB)  # three that were not weighed yet
    kept = python(COUNTER, keep_warm=True)
    old, new, third = python(COUNTER), python(COUNTER), python(COUNTER)
    for made in (kept, old, new, third):
        assert pool.invoke(made, {}, {})[1].start == "cold"
    assert pool.used_bytes <= 40 * MIB
    assert pool.invoke(kept, {}, {})[1].start == "warm"
    assert pool.invoke(new, {}, {})[1].start == "warm"
    lease = pool.invoke(old, {}, {})[1]
    assert (lease.start, lease.why) == ("cold", "budget")


def test_budget_is_what_sandboxes_weigh(make_pool: Callable[..., Pool]) -> None:
    pool = make_pool(budget_bytes=100 * MIB)
    heavy = python(
        "held = bytearray(b'x') * (60 << 20)\ndef main(args):\n    return {}\n",
    )
    run(pool, python(COUNTER))
    run(pool, heavy)
    pool.tend()
    assert 60 * MIB < pool.used_bytes < 100 * MIB
    run(pool, replace(heavy, project="other"))
    pool.tend()
    assert pool.used_bytes < 100 * MIB
    assert pool.invoke(heavy, {}, {})[1].why == "budget"


def test_over_budget_one_alone_still_runs(make_pool: Callable[..., Pool]) -> None:
    pool = make_pool(budget_bytes=1)
    assert run(pool, python(COUNTER)).status == "success"
    with pool.lease(python(COUNTER)), pytest.raises(PoolFull):
        pool.invoke(python(COUNTER), {}, {}, wait_s=0.1)


def test_idle_ones_are_paused_and_ended(make_pool: Callable[..., Pool]) -> None:
    now = [1000.0]
    pool = make_pool(clock=lambda: now[0], idle_s=60)
    made, kept = python(COUNTER), python(COUNTER, keep_warm=True)
    ticking = python(
        "import threading, time\nticks = 0\n"
        "def tick():\n    global ticks\n    while True:\n        ticks += 1; time.sleep(0.01)\n"
        "threading.Thread(target=tick, daemon=True).start()\n"
        "def main(args):\n    return {'ticks': ticks}\n"
    )
    for one in (made, kept, ticking):
        run(pool, one)
    now[0] += 1
    pool.tend()
    before = time.monotonic()
    time.sleep(0.5)
    assert run(pool, ticking).result["ticks"] < (time.monotonic() - before) * 100 / 2
    now[0] += 61
    pool.tend()
    assert pool.figures()["warm"] == 1
    lease = pool.invoke(made, {}, {})[1]
    assert (lease.start, lease.why) == ("cold", "idle")
    assert pool.invoke(kept, {}, {})[1].start == "warm"


def test_a_dead_one_is_replaced(make_pool: Callable[..., Pool]) -> None:
    pool = make_pool()
    made = python(
        "import os, signal, threading, time\n"
        "def die():\n    time.sleep(0.1); os._exit(1)\n"
        "def main(args):\n    threading.Thread(target=die).start()\n    return {}\n"
    )
    run(pool, made)
    time.sleep(0.4)
    outcome, lease = pool.invoke(made, {}, {})
    assert (outcome.status, lease.start, lease.why) == ("success", "cold", "crashed")
    crashing = python("import os\ndef main(args):\n    os._exit(1)\n")
    assert run(pool, crashing).status == "crashed"
    assert pool.invoke(crashing, {}, {})[1].why == "crashed"
    assert pool.figures()["running"] == 0


def test_code_that_does_not_load_leaves_nothing(make_pool: Callable[..., Pool]) -> None:
    pool, made = make_pool(), python("raise ValueError('no')\n")
    outcome, lease = pool.invoke(made, {}, {})
    assert (outcome.status, outcome.at) == ("developer_error", ("main.py", 1))
    assert "ValueError: no" in outcome.result["error"]
    assert lease.start == "cold"
    assert pool.figures() == {"warm": 0, "prewarmed": 0, "busy": 0, "running": 0, "bytes": 0}
    assert pool.invoke(made, {}, {})[1].why == "not loaded"


def test_retire_ends_a_projects_sandboxes(make_pool: Callable[..., Pool]) -> None:
    pool, made, other = make_pool(), python(COUNTER), python(COUNTER)
    run(pool, made)
    run(pool, other)
    pool.retire(made.project)
    assert pool.figures()["warm"] == 1
    with pool.lease(other) as lease:
        pool.retire(other.project, "a")
        assert lease.run({}, {}).result == {"n": 2}
    assert pool.figures()["warm"] == 0


def test_nothing_stays_behind(make_pool: Callable[..., Pool], confinement: Confinement) -> None:
    pool = make_pool(prewarmed={"python": 1})
    pool.tend()
    for _ in range(3):
        run(pool, python(COUNTER))
    pool.close()
    assert list((confinement.work / "slots").iterdir()) == []
    for parent in set(confinement.cgroups.parents.values()):
        assert list(parent.glob("*/")) == []


def test_under_gevent(tmp_path: Path, confinement: Confinement) -> None:
    """Fifty greenlets at once, in the way that the invoker runs, and others are not held up."""
    script = textwrap.dedent(
        """
        from gevent import monkey
        monkey.patch_all()
        import json, sys, time
        from pathlib import Path
        import gevent
        from raindrop.functions.confinement import find_confinement
        from raindrop.functions.runtimes import find_runtimes
        from raindrop.functions.leases import Action
        from raindrop.functions.pool import Pool
        from raindrop.functions.sandbox import Code
        confinement = find_confinement(Path(sys.argv[1]), has_cgroups=sys.argv[2] == "yes")
        pool = Pool(confinement, find_runtimes(), budget_bytes=1 << 30, prewarmed={"python": 2})
        pool.tend()
        late = 0
        def beat():
            global late
            while True:
                began = time.monotonic()
                gevent.sleep(0.02)
                late = max(late, time.monotonic() - began - 0.02)
        beating = gevent.spawn(beat)
        text = "import time\\ndef main(args):\\n    time.sleep(0.3); return {'n': args['n']}\\n"
        def call(n):
            action = Action("p", f"a{n % 5}", "1", "python", Code("main.py", text=text))
            return pool.invoke(action, {"n": n}, {})[0].result == {"n": n}
        jobs = [gevent.spawn(call, n) for n in range(20)]
        gevent.joinall(jobs)
        print(json.dumps({"good": sum(job.value for job in jobs), "late": late}))
        pool.close()
        confinement.close()
        """
    )
    has_cgroups = "yes" if confinement.cgroups.controllers else "no"
    done = subprocess.run(
        [sys.executable, "-c", script, tmp_path / "work", has_cgroups],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert result["good"] == 20
    assert result["late"] < 2  # beside twenty starting interpreters
