"""What is written for version 2, where this machine has version 1."""

from pathlib import Path

from raindrop.functions.cgroups import Cgroup
from raindrop.functions.limits import Limits


def test_limits_of_version_2(tmp_path: Path) -> None:
    group = Cgroup(dict.fromkeys(("memory", "pids", "cpu"), tmp_path), 2)
    group.limit(Limits(memory_bytes=1 << 20, processes=10, cpus=0.5))
    written = {path.name: path.read_text() for path in tmp_path.iterdir()}
    assert written == {
        "memory.max": "1048576", "memory.swap.max": "0", "memory.oom.group": "1",
        "pids.max": "14", "cpu.max": "50000 100000",
    }  # fmt: skip
    assert group.places == [tmp_path]
    (tmp_path / "memory.events").write_text("low 0\nmax 3\noom 1\noom_kill 0\n")
    assert not group.has_run_out_of_memory()
    (tmp_path / "memory.events").write_text("oom 1\noom_kill 2\noom_group_kill 1\n")
    assert group.has_run_out_of_memory()
