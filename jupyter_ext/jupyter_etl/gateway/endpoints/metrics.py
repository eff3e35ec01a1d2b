"""Metrics of the endpoints in the text format of Prometheus."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING

from prometheus_client.core import (
    CollectorRegistry,
    CounterMetricFamily,
    GaugeMetricFamily,
    Metric,
    SummaryMetricFamily,
)
from prometheus_client.exposition import generate_latest
from prometheus_client.registry import Collector

if TYPE_CHECKING:
    from jupyter_etl.gateway.endpoints.endpoints import Endpoints


def metrics_text(endpoints: Endpoints) -> bytes:
    """Return the counts since the start of this gateway, and the present state of its workers."""
    registry = CollectorRegistry()
    registry.register(_Collector(endpoints))
    return generate_latest(registry)


class _Collector(Collector):
    def __init__(self, endpoints: Endpoints) -> None:
        self._endpoints = endpoints

    def collect(self) -> Iterator[Metric]:
        labels = ["endpoint", "version", "role"]
        calls = CounterMetricFamily(
            "jupyter_etl_calls", "Calls of endpoints.", labels=[*labels, "outcome"]
        )
        seconds = SummaryMetricFamily(
            "jupyter_etl_call_seconds", "Duration of calls in seconds.", labels=labels
        )
        for (name, version, role), total in self._endpoints.counter.totals.items():
            of = [name, str(version), str(role)]
            succeeded = total.calls - total.errors - total.refused
            for outcome, count in (
                ("succeeded", succeeded),
                ("refused", total.refused),
                ("failed", total.errors),
            ):
                calls.add_metric([*of, outcome], count)
            seconds.add_metric(of, count_value=total.calls, sum_value=total.seconds)
        yield calls
        yield seconds
        yield from self._workers()

    def _workers(self) -> Iterator[Metric]:
        labels = ["endpoint", "version", "draft"]
        gauges = {
            "workers": "Processes that are ready.",
            "in_flight": "Calls that processes work on.",
            "waiting": "Calls that wait for a process.",
        }
        families = {
            name: GaugeMetricFamily(f"jupyter_etl_{name}", text, labels=labels)
            for name, text in gauges.items()
        }
        restarts = CounterMetricFamily(
            "jupyter_etl_worker_restarts", "Processes that were replaced.", labels=labels
        )
        found: dict[tuple[str, str, str], Counter[str]] = {}
        for version, pool in self._endpoints.pools:
            # After a restore of the ledger, two versions can have the same number for a while.
            of = (version.name, str(version.number), str(version.draft).lower())
            found.setdefault(of, Counter()).update(asdict(pool.statistics()))
        for of, counts in found.items():
            for name, family in families.items():
                family.add_metric(of, counts[name])
            restarts.add_metric(of, counts["restarts"])
        yield from families.values()
        yield restarts
