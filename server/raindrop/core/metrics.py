"""``/metrics`` in Prometheus' text format; nginx serves it on the control port only."""

import os
from collections.abc import Callable, Iterable

from flask import Flask, Response
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest, multiprocess
from prometheus_client.core import Metric
from prometheus_client.registry import Collector

MULTIPROCESS_FOLDER = "PROMETHEUS_MULTIPROC_DIR"
"""The environment name by which prometheus-client learns that several processes share it."""

_sources: list[Callable[[], Iterable[Metric]]] = []


class _Sources(Collector):
    """What is asked for when somebody looks: queue depths, jobs, nginx's own counters."""

    def collect(self) -> Iterable[Metric]:
        for source in _sources:
            yield from source()


def add_source(source: Callable[[], Iterable[Metric]]) -> None:
    """Register figures that are read at each look; rooms do so when the app is made."""
    if source not in _sources:
        _sources.append(source)


def forget_process(pid: int) -> None:
    """Drop the live gauges of a worker that ended."""
    multiprocess.mark_process_dead(pid)


def init_metrics(app: Flask) -> None:
    """Serve ``/metrics``, summed over the processes that serve requests."""

    @app.route("/metrics")
    def metrics() -> Response:
        registry = CollectorRegistry()
        if os.environ.get(MULTIPROCESS_FOLDER):
            multiprocess.MultiProcessCollector(registry)
        registry.register(_Sources())
        return Response(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)
