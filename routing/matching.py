"""Pairs what waits with who has room.

A step of the engine marks the contacts that came to wait and the agents who got room; `settle` then pairs them, so
that what it decides does not depend on the order in which a step did things. Afterwards no contact waits beside an
agent with room for it, unless it is kept from him or for another. Each contact goes to the first agent in its
queue's order, each agent gets the contact with the least score among all that he may serve.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TypeAlias

from routing.agents import Agent, Stage, Work
from routing.deadlines import Deadlines
from routing.index import Index
from routing.inputs import Decision, Offer
from routing.ordered import Ordered
from routing.specs import AgentState
from routing.waiting import NOBODY, Contact, LiveOffer, Queue, Seat, WaitingClass, WaitingEntry


class Due(StrEnum):
    """What a deadline is about."""

    OVERFLOW = "overflow"
    OFFER = "offer"
    RELAX = "relax"
    KEPT = "kept"
    EXCLUDED = "excluded"
    WRAP_UP = "wrap_up"
    PRESENCE = "presence"
    MOVE = "move"


Subject: TypeAlias = tuple[Due, str, str]
"""(what, contact or "", agent or ""); of an overflow, its reason stands in the place of the agent, of a move the queue
in that of the contact."""


class Matching:
    """The waiting sets' writer: where a contact waits, and which offers follow."""

    def __init__(self, index: Index, deadlines: Deadlines[Subject]) -> None:
        self._index = index
        self._deadlines = deadlines
        self._turn = 0
        self._arrived: dict[Contact, None] = {}
        self._freed: dict[Seat, None] = {}
        self._touched: dict[Seat, None] = {}

    # --- what a step marks ----------------------------------------------------------------------------------------

    def wait(self, contact: Contact, queue: Queue, now: int) -> None:
        """The contact waits from now on, in its class or with the agent it is kept for."""
        skills = queue.skills_at(contact.step, contact.facts.requirements)
        waiting_class = self._index.class_of(queue, contact.facts.channel, skills)
        host = self._host(contact, waiting_class, now)
        contact.waiting_class, contact.host = waiting_class, host
        if host is None:
            contact.home = waiting_class.waiting
            waiting_class.add(contact.entry)
        else:
            contact.home = host.kept.setdefault(waiting_class, Ordered())
            contact.home.add(contact.entry)
            waiting_class.hosts[host] = None
        self._index.occupy(waiting_class)
        self._arrived[contact] = None

    def leave(self, contact: Contact) -> None:
        """The contact waits no more; nothing happens if it did not."""
        home, waiting_class, host = contact.home, contact.waiting_class, contact.host
        if home is None or waiting_class is None:
            return
        if host is None:
            waiting_class.remove(contact.entry)
        else:
            home.remove(contact.entry)
            if not home:
                del host.kept[waiting_class], waiting_class.hosts[host]
        contact.home = contact.waiting_class = contact.host = None
        self._index.vacate(waiting_class)
        self._arrived.pop(contact, None)

    def retry(self, contact: Contact) -> None:
        """The contact waits as before, but somebody may be able to take it now."""
        if contact.home is not None:
            self._arrived[contact] = None

    def freed(self, seat: Seat) -> None:
        """The agent may have got room."""
        self._freed[seat] = None

    def touched(self, seat: Seat) -> None:
        """The agent's rank changed, or he lost room."""
        self._touched[seat] = None

    def forget(self, seat: Seat) -> None:
        """The agent is about to leave the index."""
        self._freed.pop(seat, None)
        self._touched.pop(seat, None)

    def _host(self, contact: Contact, waiting_class: WaitingClass, now: int) -> Seat | None:
        """The agent in whose own set the contact waits. Once it falls to its class it is kept for nobody any more.

        A transferred contact waits for its agent unless he is offline, a sticky one only while he is here and busy.
        An agent of whom no presence was heard yet (the engine is being rebuilt) counts as here.
        """
        if contact.kept_for is None:
            return None
        seat = self._index.seats.get(contact.kept_for)
        if seat is not None and contact.kept_until > now:
            agent = seat.agent
            if not agent.removed:
                if agent.epoch < 0 or agent.state is AgentState.AVAILABLE:
                    here = True
                else:
                    here = contact.directed and agent.state is not AgentState.OFFLINE
                queue, channel, skills = waiting_class.queue.spec.id, waiting_class.channel, waiting_class.skills
                if here and (contact.directed or seat.profile.matches(queue, channel, skills)):
                    return seat
        contact.kept_for, contact.directed = None, False
        self._deadlines.cancel((Due.KEPT, contact.id, ""))
        return None

    # --- pairing --------------------------------------------------------------------------------------------------

    def settle(self, now: int, decisions: list[Decision]) -> None:
        """Make every offer that can be made.

        An arrived contact may find an agent who was freed in the same step: he first takes what has waited longest,
        and the contact tries again, as he may not be the first any more. With nothing arrived, freed agents look for
        work before they enter the idle orders, which most of them, when many wait, then need not do at all.
        """
        for seat in self._touched:
            self._index.refresh(seat)
        self._touched.clear()
        if self._arrived:
            for seat in self._freed:
                self._index.refresh(seat)
            for entry in sorted(contact.entry for contact in self._arrived):
                contact = entry[3]
                while contact.home is not None and (found := self._choose(contact)) is not None:
                    first = self._next_for(found) if found in self._freed else contact
                    assert first is not None
                    decisions.append(self._offer(first, found, now))
                    self._index.refresh(found)
            self._arrived.clear()
        while self._freed:
            self._fill(next(iter(self._freed)), now, decisions)

    def _fill(self, seat: Seat, now: int, decisions: list[Decision]) -> None:
        """Offer the agent what has the least score, until he has no room or nothing waits for him."""
        del self._freed[seat]
        agent = seat.agent
        while agent.open and not agent.full and (contact := self._next_for(seat)) is not None:
            decisions.append(self._offer(contact, seat, now))
        self._index.refresh(seat)

    def _choose(self, contact: Contact) -> Seat | None:
        """Whom it is kept for, else whom it prefers, else the first in the queue's order."""
        waiting_class, host = contact.waiting_class, contact.host
        assert waiting_class is not None
        if host is not None:
            return host if _may_take(host, contact, waiting_class) else None
        if contact.facts.preferred_agent is not None:
            preferred = self._index.seats.get(contact.facts.preferred_agent)
            able = preferred is not None and preferred.profile in waiting_class.profiles
            if preferred is not None and able and _may_take(preferred, contact, waiting_class):
                return preferred
        return waiting_class.idle.first(contact)

    def _next_for(self, seat: Seat) -> Contact | None:
        """The contact with the least score among all that the agent may be offered: one look at each class's head."""
        agent, heads = seat.agent, self._index.heads
        best = NOBODY
        for weight, lane in seat.profile.lanes.items():
            if agent.has_room(weight):
                head = lane.head(heads)
                if head < best:
                    if not head[3].bars(agent):
                        best = head
                    else:
                        for waiting_class in lane.classes:
                            best = _first(waiting_class.waiting, agent, best)
        for waiting_class, kept in seat.kept.items():
            if agent.has_room(waiting_class.weight):
                best = _first(kept, agent, best)
        return None if best is NOBODY else best[3]

    def _offer(self, contact: Contact, seat: Seat, now: int) -> Offer:
        waiting_class, agent = contact.waiting_class, seat.agent
        assert waiting_class is not None
        queue, channel = waiting_class.queue, waiting_class.channel
        deadline = now + (queue.spec.offer_ms.get(channel) or self._index.rules[channel].offer_ms)
        self.hold(contact, LiveOffer(seat, contact.fence + 1, deadline, agent.epoch), now)
        self._turn += 1
        agent.turns[queue.spec.id] = self._turn
        return Offer(contact.id, agent.id, contact.fence, deadline, agent.epoch, channel in agent.spec.auto_accept)

    def hold(self, contact: Contact, offer: LiveOffer, now: int) -> None:
        """The contact is offered to the agent, and reserves its cost with him."""
        self.leave(contact)
        agent, queue, facts = offer.seat.agent, contact.queue, contact.facts
        cost = agent.cost(facts.channel, queue.spec.costs.get(facts.channel) if queue else None)
        agent.take(contact.id, Work(facts.channel, facts.queue, cost, Stage.OFFERED, now))
        contact.offer = offer
        contact.fence = max(contact.fence, offer.fence)
        if queue is not None:
            queue.offered += 1
        self._deadlines.set((Due.OFFER, contact.id, ""), offer.deadline)

    def release(self, contact: Contact) -> None:
        """The contact is not offered any more; what it costs the agent is left to the caller."""
        contact.offer = None
        if contact.queue is not None:
            contact.queue.offered -= 1
        self._deadlines.cancel((Due.OFFER, contact.id, ""))


def _may_take(seat: Seat, contact: Contact, waiting_class: WaitingClass) -> bool:
    return seat.agent.free(waiting_class.weight) and not contact.bars(seat.agent)


def _first(waiting: Ordered[WaitingEntry], agent: Agent, best: WaitingEntry) -> WaitingEntry:
    """The first entry that the agent may be offered, or `best` if that comes first.

    Past the head it walks only over contacts that are kept from this very agent.
    """
    for entry in waiting:
        if best < entry:
            return best
        if not entry[3].bars(agent):
            return entry
    return best
