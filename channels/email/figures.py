"""E-mail's figures for Prometheus: what happens is counted where it happens, what stands is asked for at each look."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import structlog
from prometheus_client import CollectorRegistry, Counter, Histogram

from hub.mails import MailHealth, OutboxStanding
from hub.metrics import Metrics, Sample
from hub.service import Hub

log = structlog.get_logger(__name__)

_SECONDS = (0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 20.0)


class Figures:
    """What the channel counts.

    `received` by mailbox and outcome: created, continued, reopened, known, blocked, or failed, which comes again.
    `tries` by mailbox and result: taken, partly, later, refused, lost, down or expired.
    `failures` by mailbox and cause: refused, expired (five days), invalid (it cannot be sent at all) or bounced.
    """

    def __init__(self, registry: CollectorRegistry) -> None:
        def counter(name: str, help: str, label: str) -> Counter:
            return Counter(f"contacthub_mail_{name}", help, ("mailbox", label), registry=registry)

        self.received = counter("received", "Mails that came in, by what became of them", "outcome")
        self.tries = counter("tries", "Tries to give a mail to its server, by result", "result")
        self.failures = counter("failures", "Mails of ours that somebody will not get, by cause", "cause")
        self.parse_seconds = Histogram(
            "contacthub_mail_parse_seconds",
            "Time to take a mail apart, with the wait for a worker",
            buckets=_SECONDS,
            registry=registry,
        )


def measure(hub: Hub, metrics: Metrics) -> Figures:
    """Adds the channel's figures to the hub's."""
    last = _Asked(hub)
    metrics.ask(last.refresh)
    metrics.watch("contacthub_mail_outbox", "Mails of ours that are not gone yet", ("state",), last.depth)
    metrics.watch(
        "contacthub_mail_outbox_oldest_seconds", "For how long a mail has been due that is not gone", (), last.oldest
    )
    metrics.watch(
        "contacthub_mailbox_state",
        "1 for the state that a mailbox is in; what is wrong with it, if anything, is its code",
        ("mailbox", "state", "code"),
        _of_each(hub, lambda found: ((found.id, found.state, found.code), 1)),
    )
    metrics.watch(
        "contacthub_mailbox_backlog",
        "Older mails that are still to be fetched",
        ("mailbox",),
        _of_each(hub, lambda found: ((found.id,), max(0, found.backlog_total - found.backlog_taken))),
    )
    return Figures(metrics.registry)


def _of_each(hub: Hub, sample: Callable[[MailHealth], Sample]) -> Callable[[], Iterator[Sample]]:
    return lambda: map(sample, hub.mail_health())


class _Asked:
    """The outbox as the store told of it at the last look; nothing while the store does not answer."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._standing: OutboxStanding | None = None
        self._at = 0

    async def refresh(self) -> None:
        self._at = self._hub.clock.now()
        try:
            self._standing = await self._hub.store.mails.outbox(self._at)
        except Exception as error:
            # The other figures are wanted most when something is wrong with the store.
            log.warning("mail.outbox_unknown", error=type(error).__name__)
            self._standing = None

    def depth(self) -> Iterator[Sample]:
        if self._standing is not None:
            yield ("queued",), self._standing.queued
            yield ("sending",), self._standing.sending

    def oldest(self) -> Iterator[Sample]:
        if self._standing is not None:
            since = self._standing.oldest
            yield (), 0 if since is None else max(0, self._at - since) / 1000
