"""Contacts that are not closed, as they are kept in memory: the same rows for all, counted right at every moment."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from random import Random

from hub import commands as c
from hub import machine
from hub.errors import HubError
from hub.events import Recorded
from hub.living import Living
from hub.model import WAITING, Channel, Contact
from hub.ports import ContactRow

QUEUES = ("support", "sales")


class Log:
    """Contacts of all kinds, each led through its life by chance; what was written last is known."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)
        self.rows: dict[str, ContactRow] = {}
        self.seq = 0

    def step(self) -> list[Recorded]:
        """One decision about one contact, as it stands in the log."""
        id = f"ct_{self.random.randrange(20)}"
        contact = self.rows[id].contact if id in self.rows else Contact(id=id)
        try:
            events = machine.decide(contact, self._command(contact), self.seq)
        except HubError:
            return []
        recorded = []
        for event in events:
            self.seq += 1
            contact = machine.evolve(contact, event, self.seq)
            recorded.append(Recorded(self.seq, id, contact.version, self.seq, "", event))
        if recorded:
            self.rows[id] = ContactRow(contact, self.seq)
        return recorded

    def _command(self, contact: Contact) -> c.ContactCommand:
        random = self.random
        channel = random.choice((Channel.EMAIL, Channel.CHAT))
        visitor = f"vi_{random.randrange(5)}" if channel is Channel.CHAT else None
        offer = contact.offer
        commands: list[c.ContactCommand] = [
            c.Create(channel, "shop", "cu_1", visitor, "Hello", "en", {}),
            c.Enqueue(random.choice(QUEUES), {}, 0, None, ()),
            c.MakeOffer("us_1", contact.last_fence + 1, self.seq + 1000, 1),
            c.Accept("us_1", offer.fence if offer else 0),
            c.Say(f"ms_{self.seq}", "visitor", "text", None, False),
            c.Transfer("us_1", random.choice(QUEUES), {}),
            c.End("us_1", "done", 0),
            c.Finish("us_1", None),
            c.Reopen("reply", random.choice(QUEUES), {}, 0, None),
        ]
        return random.choice(commands)


def recounted(rows: Iterable[ContactRow]) -> tuple[Counter[object], Counter[Channel], set[str]]:
    contacts = [row.contact for row in rows]
    waiting = [contact for contact in contacts if contact.phase in WAITING]
    return (
        Counter((contact.queue, contact.channel, contact.phase) for contact in contacts if contact.queue),
        Counter(contact.channel for contact in waiting),
        {contact.id for contact in waiting if contact.visitor is not None},
    )


def counted(living: Living) -> tuple[Counter[object], Counter[Channel], set[str]]:
    return (
        Counter({(queue, *found[:2]): found[2] for queue in QUEUES for found in living.standing(queue)}),
        Counter({channel: living.waiting(channel) for channel in Channel if living.waiting(channel)}),
        {row.contact.id for row in living.waiting_visitors()},
    )


def test_what_waits_where_is_counted_as_a_look_at_each_would() -> None:
    log, living = Log(1), Living()
    phases = set()
    for _ in range(5000):
        for recorded in log.step():
            living.apply(recorded)
            assert counted(living) == recounted(living)
        phases |= {row.contact.phase for row in living}
    assert len(phases) > 4, "it came through its phases"
    copy = Living()
    copy.take(living)
    assert counted(copy) == counted(living)
    assert {row.contact.id: row for row in copy} == {row.contact.id: row for row in living}


def test_a_contact_is_in_memory_once_however_many_follow_the_log() -> None:
    log, alone = Log(2), Living()
    first = Living(lambda id: log.rows.get(id))
    second = Living(first.get)
    for _ in range(3000):
        batch = log.step()
        steps = [[living.apply(recorded) for recorded in batch] for living in (alone, first, second)]
        assert steps[0] == steps[1] == steps[2]
    assert len(alone) > 3
    for row in alone:
        mine = first.get(row.contact.id)
        assert mine == row
        assert mine is log.rows[row.contact.id]
        assert mine is second.get(row.contact.id)
