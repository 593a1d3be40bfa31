"""All figures in Prometheus's text format.

    figures    what the database, Valkey and this machine's disk say at the moment
    telemetry  what all processes counted (digest.core.telemetry)

Each figure is of the whole installation, so one web process is scraped, not every process. One that
cannot be had is left out, and `digest_up` says which service is away.
"""

from collections.abc import Iterable, Iterator
from itertools import accumulate

import redis
import structlog
from django.db import DatabaseError
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    InfoMetricFamily,
)
from prometheus_client.metrics_core import Metric

from digest import __version__
from digest.core import clock
from digest.core.telemetry import metrics, processes
from digest.core.telemetry.buffer import SUM, Key
from digest.monitoring import figures

log = structlog.get_logger(__name__)

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


def expose() -> bytes:
    """Return all figures."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Collector())
    return generate_latest(registry)


class _Collector:
    """What prometheus_client asks for metrics."""

    def collect(self) -> Iterator[Metric]:
        """Yield the metrics of both sources, and which of these answered."""
        yield InfoMetricFamily("digest", "This installation.", {"version": __version__})
        up = GaugeMetricFamily("digest_up", "Whether a service answers.", labels=["service"])
        for service, collect in (("database", _of_database), ("valkey", _of_valkey)):
            try:
                families = list(collect())
            except (DatabaseError, redis.RedisError, OSError) as problem:
                log.warning("no figures", service=service, problem=str(problem).strip())
                families = []
            up.add_metric([service], 1 if families else 0)
            yield from families
        yield up


def _of_database() -> Iterator[Metric]:
    now = clock.now()
    for figure in figures.FIGURES:
        yield _gauge(figure, figure.measure(now))


def _of_valkey() -> Iterator[Metric]:
    yield _gauge(figures.NUDGES, figures.NUDGES.measure(clock.now()))
    counted = processes.figures()
    for counter in metrics.COUNTERS:
        yield _counter(counter, counted)
    for histogram in metrics.HISTOGRAMS:
        yield _histogram(histogram, counted)
    yield from _of_processes()


def _of_processes() -> Iterator[Metric]:
    labels = ["process", "host", "version"]
    number = GaugeMetricFamily("digest_processes", "Processes that run.", labels=labels)
    memory = GaugeMetricFamily(
        "digest_process_memory_bytes", "Memory of a process.", labels=["process", "host", "pid"]
    )
    running = processes.running_processes(clock.now())
    groups = [(row.process, row.host, row.version) for row in running]
    for group in sorted(set(groups)):
        number.add_metric(list(group), groups.count(group))
    for row in running:
        memory.add_metric([row.process, row.host, str(row.pid)], row.memory)
    yield number
    yield memory


def _gauge(figure: figures.Figure, values: Iterable[figures.Value]) -> Metric:
    family = GaugeMetricFamily(figure.name, figure.help, labels=figure.labels)
    for labels, number in values:
        family.add_metric(labels, number)
    return family


def _counter(counter: metrics.Counter, counted: dict[Key, float]) -> Metric:
    family = CounterMetricFamily(counter.name, counter.help, labels=counter.labels)
    for (name, *labels), number in counted.items():
        if name == counter.name:
            family.add_metric(labels, number)
    return family


def _histogram(histogram: metrics.Histogram, counted: dict[Key, float]) -> Metric:
    """Return a histogram as Prometheus wants it: each bucket includes those before it."""
    family = HistogramMetricFamily(histogram.name, histogram.help, labels=histogram.labels)
    ends = [*map(str, histogram.buckets), "+Inf"]
    for labels in sorted({key[1:-1] for key in counted if key[0] == histogram.name}):
        key = (histogram.name, *labels)
        numbers = [counted.get((*key, str(place)), 0.0) for place in range(len(ends))]
        buckets = list(zip(ends, accumulate(numbers), strict=True))
        family.add_metric(labels, buckets, counted.get((*key, SUM), 0.0))
    return family
