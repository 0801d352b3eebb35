"""The contacts that are not closed, folded from the log in memory, with who holds them: what live views go by."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator

from hub import machine
from hub.events import TALK, AnyEvent, ContactReopened, Recorded
from hub.model import WAITING, Channel, Contact, Phase
from hub.ports import ContactRow, Store


class Living:
    """Starts from the store's rows at a sequence number and applies every event after it, in order.

    `known` may have a contact as it is after an event, from whoever wrote or folded it before; then that very row is
    kept, so that however many follow the log, a contact is in memory once.
    """

    def __init__(self, known: Callable[[str], ContactRow | None] = lambda contact: None) -> None:
        self._known = known
        self._rows: dict[str, ContactRow] = {}
        self._by_agent: dict[str, set[str]] = defaultdict(set)
        self._by_queue: dict[str, set[str]] = defaultdict(set)
        self._by_visitor: dict[str, set[str]] = defaultdict(set)
        self._waiting_visitors: set[str] = set()
        self._counts: Counter[tuple[str | None, Channel, Phase]] = Counter()
        self._waiting: Counter[Channel] = Counter()

    async def load(self, store: Store) -> None:
        async for row in store.contacts.living():
            self._put(row)

    def take(self, other: Living) -> None:
        """All that the other one has; there may be nothing here yet."""
        for row in other:
            self._put(row)

    def apply(self, recorded: Recorded) -> tuple[Contact, Contact] | None:
        """(before, after) of a contact's event; None for what is no contact's, is known already, or follows a close."""
        if type(recorded.event) not in machine.TRANSITIONS:
            return None
        row = self._rows.get(recorded.stream)
        if row is None:
            if isinstance(recorded.event, ContactReopened):
                row = ContactRow(recorded.event.was, 0)
            elif recorded.version == 1:
                row = ContactRow(Contact(id=recorded.stream), 0)
            else:
                return None
        before = row.contact
        if recorded.version <= before.version:
            return None
        event: AnyEvent = recorded.event
        known = self._known(recorded.stream)
        if known is not None and known.seq == recorded.seq and known.contact.version == recorded.version:
            row = known
        else:
            after = machine.evolve(before, event, recorded.at)  # type: ignore[arg-type]  # narrowed by the table above
            row = ContactRow(after, recorded.seq)
        after = row.contact
        if type(event) in TALK:
            self._rows[after.id] = row
        else:
            self._unindex(before)
            self._put(row)
        return before, after

    def _put(self, row: ContactRow) -> None:
        contact = row.contact
        if contact.phase is Phase.CLOSED:
            self._rows.pop(contact.id, None)
            return
        self._rows[contact.id] = row
        for agent in holders(contact):
            self._by_agent[agent].add(contact.id)
        if contact.queue is not None:
            self._by_queue[contact.queue].add(contact.id)
        if contact.visitor is not None:
            self._by_visitor[contact.visitor].add(contact.id)
        self._counts[contact.queue, contact.channel, contact.phase] += 1
        if contact.phase in WAITING:
            self._waiting[contact.channel] += 1
            if contact.visitor is not None:
                self._waiting_visitors.add(contact.id)

    def _unindex(self, contact: Contact) -> None:
        if contact.id in self._rows:
            self._counts[contact.queue, contact.channel, contact.phase] -= 1
            self._waiting[contact.channel] -= contact.phase in WAITING
        self._waiting_visitors.discard(contact.id)
        for agent in holders(contact):
            self._by_agent[agent].discard(contact.id)
        if contact.queue is not None:
            self._by_queue[contact.queue].discard(contact.id)
        if contact.visitor is not None:
            ids = self._by_visitor[contact.visitor]
            ids.discard(contact.id)
            if not ids:
                del self._by_visitor[contact.visitor]

    def __iter__(self) -> Iterator[ContactRow]:
        return iter(self._rows.values())

    def __len__(self) -> int:
        return len(self._rows)

    def get(self, contact: str) -> ContactRow | None:
        return self._rows.get(contact)

    def of_agent(self, agent: str) -> list[ContactRow]:
        """Offered to him, held by him, or with him taking part."""
        return [self._rows[id] for id in self._by_agent.get(agent, ())]

    def in_queue(self, queue: str) -> list[ContactRow]:
        return [self._rows[id] for id in self._by_queue.get(queue, ())]

    def standing(self, queue: str) -> Iterator[tuple[Channel, Phase, int]]:
        """How many contacts the queue has, by channel and phase, without a look at each."""
        for (of, channel, phase), count in self._counts.items():
            if of == queue and count:
                yield channel, phase, count

    def waiting(self, channel: Channel) -> int:
        """How many of a channel nobody serves yet."""
        return self._waiting[channel]

    def waiting_visitors(self) -> list[ContactRow]:
        """Those of visitors of a site that nobody serves yet."""
        return [self._rows[id] for id in self._waiting_visitors]

    def of_visitor(self, visitor: str, channel: Channel | None = None) -> list[ContactRow]:
        rows = [self._rows[id] for id in self._by_visitor.get(visitor, ())]
        return [row for row in rows if channel is None or row.contact.channel is channel]


def holders(contact: Contact) -> set[str]:
    """Every agent whose desktop shows the contact now."""
    agents = {*contact.participants, *contact.invited}
    if contact.agent is not None:
        agents.add(contact.agent)
    if contact.offer is not None:
        agents.add(contact.offer.agent)
    return agents
