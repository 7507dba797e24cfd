"""The sandboxes that are kept warm: one action's, one activation at a time, within a budget.

A sandbox belongs to one version of one project's action from its ``/init`` to its end. Until then
it may wait for any action of its runtime. Those that wait for work are paused; the one that was
used least recently goes when the budget is met. Times go into each ``Lease``, with why it was not
warm.
"""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from raindrop.functions.channel import Log
from raindrop.functions.confinement import Confinement
from raindrop.functions.leases import Action, Lease, Start
from raindrop.functions.limits import Limits, PoolFull, SandboxBroken, SandboxGone
from raindrop.functions.runtimes import Runtime
from raindrop.functions.sandbox import Outcome, Sandbox

_REMEMBERED = 10_000
_MEASURE_EACH_S = 10


@dataclass
class _Entry:
    """A sandbox and how it is used; ``sandbox`` is None while it starts."""

    runtime: str
    key: tuple[str, str, str] | None
    keep_warm: bool
    bytes: int
    sandbox: Sandbox | None = None
    leases: int = 0
    is_retired: bool = False
    used_at: float = field(default_factory=time.monotonic)
    measured_at: float = 0


class Pool:
    """All sandboxes of one invoker. Safe for greenlets and threads; has none of its own, so that
    its owner calls ``tend`` now and then (twice a second is plenty).
    """

    def __init__(
        self,
        confinement: Confinement,
        runtimes: Mapping[str, Runtime],
        *,
        budget_bytes: int,
        max_running: int = 64,
        prewarmed: Mapping[str, int] | None = None,
        prewarmed_limits: Limits | None = None,
        idle_s: float = 600,
        pause_after_s: float = 0.1,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """
        Args:
            budget_bytes: proportional set size of all sandboxes together. Each is weighed when it
                was used, before that it counts as one of its runtime did last.
            max_running: activations at once; times their memory limit, it is the most that they
                can take for a while.
            prewarmed: how many of each runtime wait for any action.
            prewarmed_limits: what those have; an action with another disk, number of processes or
                files is started cold, and with more memory where no control groups are.
            idle_s: after which an unused one ends.
            pause_after_s: after which an unused one is paused.
        """
        self._confinement = confinement
        self._runtimes = runtimes
        self._budget = budget_bytes
        self._max_running = max_running
        self._prewarmed = dict(prewarmed or {})
        self._prewarmed_limits = prewarmed_limits or Limits()
        self._idle_s = idle_s
        self._pause_after_s = pause_after_s
        self._clock = clock
        self._entries: list[_Entry] = []
        self._running = 0
        self._changed = threading.Condition()
        self._gone: OrderedDict[tuple[str, str, str], str] = OrderedDict()
        self._versions: OrderedDict[tuple[str, str], str] = OrderedDict()
        self._weights: dict[str, int] = {}
        self._doomed: list[Sandbox] = []
        self._is_closed = False

    # Leases

    @contextmanager
    def lease(self, action: Action, *, wait_s: float = 30) -> Iterator[Lease]:
        """Hold a sandbox of this action for one activation.

        Raises:
            PoolFull: there was no room within ``wait_s`` seconds.
            KeyError: there is no such runtime here.
        """
        runtime = self._runtimes[action.runtime]
        asked = time.perf_counter()
        try:
            entry, why = self._take(action, runtime, wait_s)
        finally:
            self._bury()
        waited = time.perf_counter()
        lease: Lease | None = None
        try:
            lease = self._equip(entry, action, runtime, why, (waited - asked) * 1000)
            yield lease
        finally:
            self._give_back(entry, is_good=bool(lease and not lease.failed))

    def invoke(
        self, action: Action, value: Any, context: Mapping[str, Any], *, wait_s: float = 30
    ) -> tuple[Outcome, Lease]:
        """Lease and run. One that died while it waited is replaced, for it began nothing."""
        while True:
            try:
                with self.lease(action, wait_s=wait_s) as lease:
                    return lease.run(value, context), lease
            except SandboxGone:
                continue

    def _take(self, action: Action, runtime: Runtime, wait_s: float) -> tuple[_Entry, str]:
        """A warm one, or one that waits for any action, or room for a new one."""
        deadline = self._clock() + wait_s
        with self._changed:
            while True:
                if self._is_closed:
                    raise PoolFull("This invoker is stopping.")
                if self._running < self._max_running:
                    entry, why = self._find_warm(action, runtime), ""
                    if not entry:
                        why = self._explain(action)
                        entry = self._find_prewarmed(action) or self._make_room(action, runtime)
                    if entry:
                        self._claim(entry, action)
                        return entry, why
                left = deadline - self._clock()
                if left <= 0:
                    raise PoolFull
                self._changed.wait(left)

    def _claim(self, entry: _Entry, action: Action) -> None:
        entry.key, entry.keep_warm = action.key, action.keep_warm
        entry.leases += 1
        entry.used_at = self._clock()
        self._running += 1
        self._versions[action.key[:2]] = action.version
        self._trim(self._versions)

    def _explain(self, action: Action) -> str:
        """Why there may be no warm one; only told when there is none."""
        if any(entry.key == action.key for entry in self._entries):
            return "busy"
        if action.key in self._gone:
            return self._gone[action.key]
        known = self._versions.get(action.key[:2])
        return "first" if known in (None, action.version) else "new version"

    def _find_warm(self, action: Action, runtime: Runtime) -> _Entry | None:
        most = max(min(action.concurrency, runtime.concurrency), 1)
        free = [
            entry
            for entry in self._entries
            if entry.key == action.key
            and entry.leases < most
            and not entry.is_retired
            and entry.sandbox
            and entry.sandbox.is_initialised
        ]
        for entry in sorted(free, key=lambda one: -one.used_at):
            if entry.sandbox and entry.sandbox.is_usable:
                return entry
            if not entry.leases:
                self._drop(entry, "crashed")
        return None

    def _find_prewarmed(self, action: Action) -> _Entry | None:
        if action.proxy or not self._fits_prewarmed(action.limits):
            return None
        for entry in self._entries:
            if entry.key is None and entry.runtime == action.runtime and entry.sandbox:
                if entry.sandbox.is_usable:
                    return entry
                self._drop(entry, "crashed")
                return self._find_prewarmed(action)
        return None

    def _fits_prewarmed(self, limits: Limits) -> bool:
        have = self._prewarmed_limits
        same = ("disk_bytes", "processes", "open_files")
        is_same = all(getattr(limits, name) == getattr(have, name) for name in same)
        return is_same and (
            self._confinement.limits_memory or limits.memory_bytes == have.memory_bytes
        )

    # Room

    @property
    def used_bytes(self) -> int:
        """What all sandboxes weigh together, as far as is known."""
        return sum(entry.bytes for entry in self._entries)

    def _make_room(self, action: Action, runtime: Runtime) -> _Entry | None:
        expected = self._weights.get(runtime.name, 12 << 20)
        while self.used_bytes + expected > self._budget:
            victim = self._least_recent()
            if victim is None:
                break
            self._drop(victim, "budget")
        # One alone may be over the budget: else nothing would run at all.
        if self._entries and self.used_bytes + expected > self._budget:
            return None
        entry = _Entry(runtime.name, action.key, action.keep_warm, expected)
        self._entries.append(entry)
        return entry

    def _least_recent(self) -> _Entry | None:
        idle = [entry for entry in self._entries if not entry.leases and entry.sandbox]
        return min(idle, key=lambda one: (one.keep_warm, one.used_at), default=None)

    def _drop(self, entry: _Entry, reason: str) -> None:
        """Take one out that nobody holds. It is killed by ``_bury``, without the lock, for that
        takes milliseconds."""
        if entry not in self._entries:
            return
        self._entries.remove(entry)
        if entry.key and not any(other.key == entry.key for other in self._entries):
            self._gone[entry.key] = reason
            self._trim(self._gone)
        if entry.sandbox:
            self._doomed.append(entry.sandbox)
        self._changed.notify_all()

    def _bury(self) -> None:
        while self._doomed:
            self._doomed.pop().kill()

    @staticmethod
    def _trim(table: "OrderedDict[Any, str]") -> None:
        while len(table) > _REMEMBERED:
            table.popitem(last=False)

    # What a lease needs before it can run

    def _equip(
        self, entry: _Entry, action: Action, runtime: Runtime, why: str, wait_ms: float
    ) -> Lease:
        sandbox = entry.sandbox
        if sandbox and sandbox.is_initialised:
            if sandbox.is_paused:
                sandbox.resume()
            return Lease(action, "warm", "", wait_ms, 0, None, sandbox, None)
        began = time.perf_counter()
        start: Start = "cold"
        if sandbox:
            sandbox.resume()
            if sandbox.place(action.code):
                start = "prewarmed"
            else:
                sandbox.kill()
                sandbox, why = None, "too large"
        log, failed = Log(action.limits.log_bytes), None
        try:
            if not sandbox:
                sandbox = self._start(action, runtime)
            entry.sandbox = sandbox
            reply, log = sandbox.init(action.code, action.environ, action.limits)
            if reply.status != 200:
                error = reply.body.get("error") if isinstance(reply.body, dict) else None
                failed = _failure("developer_error", error or "It could not be loaded.")
                failed = replace(failed, at=reply.at)
        except TimeoutError:
            text = f"Loading the action exceeded its time limit of {action.limits.init_s:g} s."
            failed = _failure("timeout", text)
        except (SandboxBroken, OSError) as error:
            failed = _failure("crashed", str(error))
        if failed:
            failed = replace(failed, logs=log.close(), is_log_truncated=log.is_truncated)
        init_ms = (time.perf_counter() - began) * 1000
        return Lease(action, start, why, wait_ms, init_ms, failed, sandbox, log)

    def _start(self, action: Action, runtime: Runtime) -> Sandbox:
        return Sandbox(
            self._confinement, runtime, action.limits, code=action.code, proxy=action.proxy
        )

    def _give_back(self, entry: _Entry, *, is_good: bool) -> None:
        with self._changed:
            self._running -= 1
            entry.leases -= 1
            entry.used_at = self._clock()
            sandbox = entry.sandbox
            if not entry.leases:
                if not is_good:
                    self._drop(entry, "not loaded")
                elif not (sandbox and sandbox.is_usable):
                    self._drop(entry, "crashed")
                elif entry.is_retired:
                    self._drop(entry, "new version")
            self._changed.notify_all()
        self._bury()

    # Care

    def tend(self) -> None:
        """Weigh and pause the idle, end the long idle and the dead, keep the budget, start what
        should wait for any action. Call it from the thread that lives as long as the pool."""
        now = self._clock()
        with self._changed:
            for entry in [one for one in self._entries if not one.leases and one.sandbox]:
                self._tend_idle(entry, now)
            while self.used_bytes > self._budget and (victim := self._least_recent()):
                self._drop(victim, "budget")
        self._bury()
        for name, count in self._prewarmed.items():
            self._fill(name, count)

    def _tend_idle(self, entry: _Entry, now: float) -> None:
        sandbox = entry.sandbox
        assert sandbox
        if not sandbox.is_usable:
            self._drop(entry, "crashed")
            return
        idle_s = now - entry.used_at
        if idle_s > self._idle_s and entry.key and not entry.keep_warm:
            self._drop(entry, "idle")
            return
        was_used = entry.measured_at <= entry.used_at
        if was_used and now - entry.measured_at >= _MEASURE_EACH_S:
            entry.bytes = sandbox.measure_bytes()
            entry.measured_at = now
            self._weights[entry.runtime] = entry.bytes
        if idle_s >= self._pause_after_s and not sandbox.is_paused:
            sandbox.pause()

    def _fill(self, name: str, count: int) -> None:
        runtime = self._runtimes.get(name)
        if not runtime or not runtime.is_shared:
            return
        with self._changed:
            waiting = sum(entry.key is None and entry.runtime == name for entry in self._entries)
            weight = self._weights.get(name, 12 << 20)
            if self._is_closed or waiting >= count or self.used_bytes + weight > self._budget:
                return
            entry = _Entry(name, None, keep_warm=False, bytes=weight)
            self._entries.append(entry)
        try:
            entry.sandbox = Sandbox(self._confinement, runtime, self._prewarmed_limits)
        except (SandboxBroken, OSError):
            with self._changed:
                self._drop(entry, "crashed")
            return
        with self._changed:
            if self._is_closed:
                self._drop(entry, "idle")
            self._changed.notify_all()
        self._bury()
        self._fill(name, count)

    def retire(self, project: str, action: str | None = None) -> None:
        """End the idle sandboxes of a project or of one of its actions, whose code, variables or
        permission to run has changed; those at work end when they are given back."""
        with self._changed:
            for entry in list(self._entries):
                if entry.key and entry.key[0] == project and action in (None, entry.key[1]):
                    entry.is_retired = True
                    if not entry.leases:
                        self._drop(entry, "new version")
        self._bury()

    def figures(self) -> dict[str, int]:
        """For metrics: how many are warm, waiting for any action, at work, and what they weigh."""
        with self._changed:
            return {
                "warm": sum(1 for one in self._entries if one.key and not one.leases),
                "prewarmed": sum(1 for one in self._entries if one.key is None),
                "busy": sum(1 for one in self._entries if one.leases),
                "running": self._running,
                "bytes": self.used_bytes,
            }

    def close(self) -> None:
        """End all of them, also those at work."""
        with self._changed:
            self._is_closed = True
            self._doomed += [entry.sandbox for entry in self._entries if entry.sandbox]
            self._entries.clear()
            self._changed.notify_all()
        self._bury()


def _failure(status: Literal["developer_error", "timeout", "crashed"], text: str) -> Outcome:
    return Outcome(status, {"error": text})
