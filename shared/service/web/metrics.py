"""Counts and durations of requests for Prometheus, right across the processes of one gunicorn.

With PROMETHEUS_MULTIPROC_DIR set (before the first import) every process writes to files there and a scrape sums
them; else a scrape shows this process. Labels are service, operation and status: never ids or values.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping

from prometheus_client import REGISTRY, CollectorRegistry, Histogram, Metric, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from shared.bus.overview import Overview

BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
REQUESTS = Histogram(
    "crm_request_seconds", "Requests by operation and status", ("service", "operation", "status"), buckets=BUCKETS
)


class RequestTimer:
    """Observes one service's requests; looks each label set up once."""

    def __init__(self, service: str) -> None:
        self.service = service
        self._known: dict[tuple[str, int], Histogram] = {}

    def observe(self, operation: str, status: int, seconds: float) -> None:
        """Count one request."""
        key = (operation, status)
        found = self._known.get(key)
        if found is None:
            found = self._known[key] = REQUESTS.labels(self.service, operation, str(status))
        found.observe(seconds)


class _OneService(Collector):
    """What `source` collects, without the samples of other services in the same processes."""

    def __init__(self, source: CollectorRegistry, service: str) -> None:
        self.source = source
        self.service = service

    def collect(self) -> Iterable[Metric]:
        """Metrics with this service's samples and those that belong to no service."""
        for metric in self.source.collect():
            kept = [one for one in metric.samples if one.labels.get("service", self.service) == self.service]
            if kept:
                found = Metric(metric.name, metric.documentation, metric.type)
                found.samples = kept
                yield found


class _Bus(Collector):
    """The state of a service's bus as gauges."""

    def __init__(self, service: str, found: Overview) -> None:
        self.service = service
        self.found = found

    def collect(self) -> Iterable[Metric]:
        """Of the log, of its readers, of what the service follows."""
        yield self._gauge("crm_log_events", "Events ever appended to the log", {"": self.found.events})
        behind = {one.name: one.behind for one in self.found.readers}
        yield self._gauge("crm_reader_behind_events", "Events a reader of the log has not fetched", behind, "reader")
        states = [(one.state.subscription, one) for one in self.found.follows]
        followed = (
            ("crm_consumer_behind_events", "Events not yet applied", {n: one.state.behind for n, one in states}),
            ("crm_consumer_lag_seconds", "Age of the newest complete state", {n: one.lag_seconds for n, one in states}),
            ("crm_consumer_failures", "Failures in a row", {n: one.state.failures for n, one in states}),
            ("crm_dead_letters", "Events put aside", {n: one.state.dead_letters for n, one in states}),
        )
        for name, text, values in followed:
            yield self._gauge(name, text, values, "subscription")

    def _gauge(self, name: str, text: str, values: Mapping[str, float | None], label: str = "") -> Metric:
        labels = ("service", label) if label else ("service",)
        metric = GaugeMetricFamily(name, text, labels=labels)
        for key, value in values.items():
            if value is not None:
                metric.add_metric([self.service, key] if label else [self.service], value)
        return metric


def scrape(service: str, bus: Overview | None = None) -> bytes:
    """The exposition text of one service."""
    source: CollectorRegistry = REGISTRY
    if os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
        source = CollectorRegistry()
        MultiProcessCollector(source)
    shown = CollectorRegistry()
    shown.register(_OneService(source, service))
    if bus is not None:
        shown.register(_Bus(service, bus))
    return generate_latest(shown)
