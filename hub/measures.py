"""The hub's figures for Prometheus: what happens is counted at its commit, what stands is asked for at each look."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from hub import events as e
from hub.events import Recorded, type_of
from hub.metrics import Metrics, Sample
from hub.service import Hub

_OFFERS: dict[type[e.Event], str] = {
    e.ContactOffered: "made",
    e.OfferAccepted: "accepted",
    e.OfferDeclined: "declined",
    e.OfferMissed: "missed",
    e.OfferRescinded: "rescinded",
}


def measure(
    hub: Hub, metrics: Metrics, *, sockets: Callable[[], Mapping[str, int]], waiting_writes: Callable[[], int]
) -> None:
    """`sockets` counts the open ones by namespace; `waiting_writes` are those in the store's queue."""

    def committed(events: Sequence[Recorded]) -> None:
        for recorded in events:
            metrics.events.labels(type_of(recorded.event)).inc()
            offer = _OFFERS.get(type(recorded.event))
            if offer is not None:
                metrics.offers.labels(offer).inc()

    def waiting() -> Iterator[Sample]:
        for queue in hub.directory.queues():
            yield (queue,), hub.routing.standing(queue).waiting

    def longest() -> Iterator[Sample]:
        now = hub.clock.now()
        for queue in hub.directory.queues():
            oldest = hub.routing.standing(queue).oldest
            yield (queue,), 0 if oldest is None else max(0, now - oldest) / 1000

    def staffed() -> Iterator[Sample]:
        for queue in hub.directory.queues():
            yield (queue,), hub.routing.standing(queue).staffed

    def lag() -> Iterator[Sample]:
        for reader in hub.feed.readers.values():
            yield (reader.name,), max(0, hub.feed.head - reader.cursor)

    def failures() -> Iterator[Sample]:
        for reader in hub.feed.readers.values():
            yield (reader.name,), reader.failures

    hub.store.log.on_commit(committed)
    metrics.watch("contacthub_queue_waiting", "Contacts that wait in the queue", ("queue",), waiting)
    metrics.watch("contacthub_queue_longest_wait_seconds", "Age of who has waited longest", ("queue",), longest)
    metrics.watch("contacthub_queue_staffed", "Agents who could take the queue's contacts", ("queue",), staffed)
    metrics.watch("contacthub_log_sequence", "The log's last number", (), lambda: [((), hub.feed.head)])
    metrics.watch("contacthub_reader_lag", "Events that a reader of the log is behind", ("reader",), lag)
    metrics.watch("contacthub_reader_failures", "How often a reader failed", ("reader",), failures, counter=True)
    metrics.watch(
        "contacthub_sockets",
        "Open sockets",
        ("namespace",),
        lambda: [((namespace,), count) for namespace, count in sockets().items()],
    )
    metrics.watch("contacthub_waiting_writes", "Writes in the store's queue", (), lambda: [((), waiting_writes())])
