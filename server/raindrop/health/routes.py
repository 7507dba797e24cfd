"""``/api/health``, and the depths of the queues for ``/metrics``."""

from collections.abc import Iterable
from typing import Any

import redis
from flask import Flask, current_app
from flask_openapi3 import APIBlueprint, OpenAPI, Tag
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from raindrop import __version__
from raindrop.config import RELEASE
from raindrop.core import metrics
from raindrop.core.broker import POOLS
from raindrop.core.cache import get_cache
from raindrop.core.queues import queue_depth
from raindrop.core.supervision import are_programs_well, read_report
from raindrop.health.schemas import HealthAnswer
from raindrop.health.service import check_parts

tag = Tag(name="health", description="Whether the server works")
blueprint = APIBlueprint("health", __name__, url_prefix="/api/health", abp_tags=[tag])


def init_room(app: OpenAPI) -> None:
    """Register the room's route and figures."""
    app.register_api(blueprint)
    metrics.add_source(lambda: _figures(app))


@blueprint.get("", responses={"200": HealthAnswer, "503": HealthAnswer})
def get_health() -> tuple[dict[str, Any], int]:
    """Whether the server works. 503 when the database, the cache or the queue does not answer;
    degraded when a program of this host has failed or restarts in a loop."""
    parts = check_parts()
    programs = are_programs_well(current_app.config["RAINDROP"])
    is_ok = all(parts.values())
    answer = {
        "status": ("ok" if programs else "degraded") if is_ok else "failing",
        "version": __version__,
        "release": RELEASE,
        "parts": {**parts, "programs": programs},
    }
    return answer, 200 if is_ok else 503


def _figures(app: Flask) -> Iterable[Metric]:
    up = GaugeMetricFamily("raindrop_part_up", "Whether a part answers", labels=["part"])
    depths = GaugeMetricFamily(
        "raindrop_queue_messages", "Messages that wait in a queue", labels=["queue"]
    )
    reads = CounterMetricFamily(
        "raindrop_edge_reads", "Reads of hot pages by what nginx did", labels=["outcome"]
    )
    with app.app_context():
        for outcome, count in get_cache().edges.count_outcomes().items():
            reads.add_metric([outcome], count)
        for part, is_up in check_parts().items():
            up.add_metric([part], is_up)
        for queue in (queue for queues in POOLS.values() for queue in queues):
            try:
                depths.add_metric([queue], queue_depth(queue))
            except redis.RedisError:
                break
    exits = GaugeMetricFamily(
        "raindrop_program_exits", "Ends by itself within ten minutes", labels=["program"]
    )
    memory = GaugeMetricFamily("raindrop_program_memory_mb", "What it holds", labels=["program"])
    for program in read_report(app.config["RAINDROP"]) or []:
        exits.add_metric([program.name], len(program.exits))
        memory.add_metric([program.name], program.memory_mb)
    return up, depths, reads, exits, memory
