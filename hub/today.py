"""What happened to each queue since midnight, counted from the log: the figures beside the live ones."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime

from hub import events as e
from hub.directory import Directory
from hub.model import Contact, Millis
from hub.ports import Clock, ContactFilter, Store


@dataclass
class QueueToday:
    offered: int = 0
    answered: int = 0
    abandoned: int = 0
    in_target: int = 0

    @property
    def service_level(self) -> float | None:
        """The share of all offered ones that was answered in time; those still waiting do not count yet."""
        decided = self.answered + self.abandoned
        return None if decided == 0 else self.in_target / decided


def midnight(now: Millis) -> Millis:
    """The last local midnight."""
    local = datetime.fromtimestamp(now / 1000).astimezone()
    return int(local.replace(hour=0, minute=0, second=0, microsecond=0).timestamp() * 1000)


class Today:
    """Is told every event; starts from the contacts that were created since midnight, and anew at each midnight."""

    def __init__(self, store: Store, directory: Directory, clock: Clock) -> None:
        self._store = store
        self._directory = directory
        self._clock = clock
        self._since: Millis = 0
        self.queues: dict[str, QueueToday] = defaultdict(QueueToday)
        self.handled: dict[str, int] = defaultdict(int)

    async def load(self) -> None:
        self._since = midnight(self._clock.now())
        after: str | None = None
        while True:
            rows = await self._store.contacts.page(ContactFilter(created_from=self._since), after=after, limit=200)
            for row in rows:
                self._count(row.contact)
            if len(rows) < 200:
                return
            after = rows[-1].contact.id

    def _count(self, contact: Contact) -> None:
        if contact.queue is None:
            return
        figures = self.queues[contact.queue]
        figures.offered += 1
        if contact.connected_at is not None:
            self._answered(figures, contact.queue, contact.connected_at - contact.queued_at)
            for agent in contact.handled_by:
                self.handled[agent] += 1
        elif contact.abandoned:
            figures.abandoned += 1

    def _answered(self, figures: QueueToday, queue: str, waited: Millis) -> None:
        figures.answered += 1
        row = self._directory.queues().get(queue)
        if row is not None and waited <= row.target.seconds * 1000:
            figures.in_target += 1

    def turn(self) -> None:
        """Begins anew when midnight has passed."""
        since = midnight(self._clock.now())
        if since != self._since:
            self._since = since
            self.queues.clear()
            self.handled.clear()

    def count(self, event: e.AnyEvent, before: Contact, after: Contact) -> None:
        """What became of a contact by an event, as `Living.apply` tells it."""
        queue = after.queue or ""
        match event:
            case e.ContactQueued(reason="new" | "reopened"):
                self.queues[queue].offered += 1
            case e.ContactConnected() if before.connected_at is None:
                assert after.connected_at is not None
                self._answered(self.queues[queue], queue, after.connected_at - after.queued_at)
                self.handled[event.agent] += 1
            case e.ContactConnected():
                self.handled[event.agent] += 1
            case e.ContactAbandoned() if queue:
                self.queues[queue].abandoned += 1
            case _:
                pass
