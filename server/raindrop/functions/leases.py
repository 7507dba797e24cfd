"""What is asked of the pool, and what it gives: an action, and a hold on a sandbox of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from raindrop.functions.channel import Log
from raindrop.functions.limits import Limits
from raindrop.functions.sandbox import Code, Outcome, Sandbox

Start = Literal["warm", "prewarmed", "cold"]


@dataclass(frozen=True)
class Action:
    """What the pool has to know of an action.

    Attributes:
        project, action, version: whose it is; a sandbox serves exactly these three.
        environ: of the action, its variables among it; needs a new ``version`` to change.
        concurrency: activations at once in one sandbox; above 1 where the runtime can.
        keep_warm: not ended for being idle, and the last to go for the budget.
        proxy: the unix socket of a proxy that serves this project; ``None``: no way out.
    """

    project: str
    action: str
    version: str
    runtime: str
    code: Code
    environ: Mapping[str, str] = field(default_factory=dict)
    limits: Limits = Limits()
    concurrency: int = 1
    keep_warm: bool = False
    proxy: Path | None = None

    @property
    def key(self) -> tuple[str, str, str]:
        return (self.project, self.action, self.version)


@dataclass
class Lease:
    """One activation's hold on a sandbox.

    Attributes:
        start: ``warm``: the action was in it; ``prewarmed``: only its runtime; ``cold``: it was
            started for this.
        why: the reason when it is not warm: ``first``, ``busy``, ``new version``, ``budget``,
            ``idle``, ``crashed`` (killed at a limit, too), ``not loaded``, ``too large``.
        wait_ms: until there was room; init_ms: start and load, 0 when warm.
        failed: the outcome, when the action could not even be loaded.
    """

    action: Action
    start: Start
    why: str
    wait_ms: float
    init_ms: float
    failed: Outcome | None
    sandbox: Sandbox | None
    log: Log | None

    def run(self, value: Any, context: Mapping[str, Any]) -> Outcome:
        """The activation (see ``Sandbox.run``).

        Raises:
            SandboxGone: the sandbox had ended while it waited; nothing began, so lease again.
        """
        if self.failed or not self.sandbox:
            assert self.failed
            return self.failed
        log, self.log = self.log, None
        return self.sandbox.run(value, context, log=log)
