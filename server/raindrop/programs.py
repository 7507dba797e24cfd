"""The programs that supervisor keeps alive: the same in a checkout and on a server."""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from raindrop.config import HOME, Settings
from raindrop.core.broker import POOLS
from raindrop.core.metrics import MULTIPROCESS_FOLDER

REQUEST_S = 65
"""The longest a request may take: nginx gives up on gunicorn then."""


class Program(NamedTuple):
    """One process that supervisor keeps alive.

    Attributes:
        events: of a listener, what supervisor tells it on its standard input.
        user: the account that it runs as; empty: supervisor's own.
    """

    name: str
    command: str
    stop_signal: str = "TERM"
    stop_wait_s: int = 4
    environment: Mapping[str, str] = {}
    events: str = ""
    user: str = ""


def web_program(socket: Path, metrics: Path) -> Program:
    """gunicorn on a unix socket."""
    config = f"{HOME}/etc/gunicorn/gunicorn.conf.py"
    return Program(
        "web",
        f"{sys.executable} -m gunicorn --config {config} --bind unix:{socket}",
        environment={MULTIPROCESS_FOLDER: str(metrics)},
    )


def worker_programs(settings: Settings) -> list[Program]:
    """The pools of Celery workers and the scheduler."""
    celery = f"{sys.executable} -m celery"
    sizes = {"short": settings.short_workers, "long": settings.long_workers}
    programs = []
    for pool, queues in POOLS.items():
        command = (
            f"{celery} -A raindrop.worker --quiet worker --hostname {pool}@%%h "
            f"--queues {','.join(queues)} --concurrency {sizes[pool]} "
            "--loglevel WARNING --without-gossip --without-mingle"
        )
        programs.append(Program(f"worker-{pool}", command))
    # However many hosts run it, RedBeat's lock lets one of them send.
    beat = (
        f"{celery} -A raindrop.scheduler --quiet beat --scheduler redbeat.RedBeatScheduler "
        "--max-interval 1 --loglevel WARNING --pidfile="
    )
    return [*programs, Program("scheduler", beat)]


def nginx_program(python: str, binary: str, config: Path) -> Program:
    """nginx, started by the door that clears what a killed one left."""
    return Program("nginx", f"{python} -m raindrop.door {binary} -e stderr -c {config}", "QUIT")


def guard_program(python: str) -> Program:
    """The listener that watches the others."""
    return Program("guard", f"{python} -m raindrop.guard", events="TICK_5,PROCESS_STATE")
