"""What the hub counts and measures, for Prometheus: one registry an application, so that two in one process differ."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Iterator

from prometheus_client import CollectorRegistry, Counter, Histogram
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.exposition import generate_latest
from prometheus_client.gc_collector import GCCollector
from prometheus_client.platform_collector import PlatformCollector
from prometheus_client.process_collector import ProcessCollector
from prometheus_client.registry import Collector

Sample = tuple[tuple[str, ...], float]
_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)


class Metrics:
    """Counters that the code raises, and figures that are asked for when somebody looks (`watch`)."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._asked: list[Callable[[], Awaitable[None]]] = []
        # What the operating system says of the process is read from files: apart, so that a thread can do it.
        self._process = CollectorRegistry()
        ProcessCollector(registry=self._process)
        PlatformCollector(registry=self._process)
        GCCollector(registry=self._process)
        self.requests = self._counter("contacthub_http_requests", "HTTP requests", "method", "route", "status")
        self.request_seconds = Histogram(
            "contacthub_http_request_seconds",
            "Time from request to the end of the answer",
            ["method", "route"],
            buckets=_BUCKETS,
            registry=self.registry,
        )
        self.events = self._counter("contacthub_events", "Events that were appended to the log", "type")
        self.offers = self._counter("contacthub_offers", "Offers by what became of them", "result")
        self.sign_ins = self._counter("contacthub_sign_ins", "Sign-ins by result", "result")
        self.webhooks = self._counter("contacthub_webhook_attempts", "Attempts to deliver, by result", "result")

    def _counter(self, name: str, help: str, *labels: str) -> Counter:
        return Counter(name, help, labels, registry=self.registry)

    def watch(
        self,
        name: str,
        help: str,
        labels: tuple[str, ...],
        read: Callable[[], Iterable[Sample]],
        *,
        counter: bool = False,
    ) -> None:
        """A figure that `read` tells at each look, as (label values, value) pairs; nothing is kept in between."""
        self.registry.register(_Watched(name, help, labels, read, counter))

    def ask(self, refresh: Callable[[], Awaitable[None]]) -> None:
        """`refresh` is waited for before each look: for figures that take a question to the store."""
        self._asked.append(refresh)

    async def text(self) -> bytes:
        """Everything, in Prometheus' text format."""
        for refresh in self._asked:
            await refresh()
        process = await asyncio.to_thread(generate_latest, self._process)
        return generate_latest(self.registry) + process


class _Watched(Collector):
    def __init__(
        self, name: str, help: str, labels: tuple[str, ...], read: Callable[[], Iterable[Sample]], counter: bool
    ) -> None:
        self._name, self._help, self._labels, self._read = name, help, labels, read
        self._kind: type[CounterMetricFamily | GaugeMetricFamily] = (
            CounterMetricFamily if counter else GaugeMetricFamily
        )

    def describe(self) -> Iterator[CounterMetricFamily | GaugeMetricFamily]:
        yield self._kind(self._name, self._help, labels=self._labels)

    def collect(self) -> Iterator[CounterMetricFamily | GaugeMetricFamily]:
        family = self._kind(self._name, self._help, labels=self._labels)
        for values, value in self._read():
            family.add_metric(list(values), value)
        yield family
