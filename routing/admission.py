"""How contacts enter and leave queues: listing, score, relaxation, what they are kept for and excluded from."""

from msgspec.structs import replace

from routing.deadlines import Deadlines
from routing.index import Index
from routing.inputs import Decision, Enqueued, SkillsRelaxed
from routing.matching import Due, Matching, Subject
from routing.overflow import OverflowWatch
from routing.specs import OverflowReason, QueueSpec
from routing.waiting import NOBODY, Contact, Queue

PLACE_FIELDS = ("skills", "relax", "priority", "quantum_ms")
"""The fields of a queue whose change puts its contacts in another order or class."""
RULE_FIELDS = ("overflow", "closed")
"""The fields of a queue whose change gives its contacts other deadlines."""
SLICE = 500
"""So many contacts of an edited queue are put in their new places at once, the others a millisecond later."""


class Admission:
    """The contacts that wait or are offered, by id, and the lists they stand in."""

    def __init__(self, index: Index, deadlines: Deadlines[Subject], matching: Matching) -> None:
        self._index = index
        self._deadlines = deadlines
        self._matching = matching
        self._overflow = OverflowWatch(deadlines)
        self.contacts: dict[str, Contact] = {}
        self._aside: dict[str, dict[Contact, None]] = {}
        self._moving: dict[Queue, list[Contact]] = {}
        """Of queues that were edited, the contacts that are not yet where the new settings have them, oldest last."""
        self._overdue: dict[tuple[Contact, OverflowReason], None] = {}
        self._serial = 0

    def new(self, facts: Enqueued) -> Contact:
        """A contact that was not known; it waits once it is admitted."""
        self._serial += 1
        contact = self.contacts[facts.contact] = Contact(
            facts.contact, facts, self._serial, facts.last_fence, facts.relaxed_step
        )
        return contact

    def admit(self, contact: Contact, now: int, decisions: list[Decision], *, entered: bool = True) -> None:
        """The contact stands in the queue that its facts name; `entered` unless it stood there before."""
        facts = contact.facts
        queue = self._index.queues.get(facts.queue)
        if queue is None:
            self._set_aside(contact, now)
            return
        contact.queue = queue
        queue.ages.set(contact, facts.enqueued_at)
        if facts.only_agent is not None and facts.only_until is not None:
            self._keep(contact, facts.only_agent, facts.only_until, now, directed=True)
        elif facts.preferred_agent is not None:
            wait_ms = queue.spec.sticky_wait_ms if facts.preferred_wait_ms is None else facts.preferred_wait_ms
            self._keep(contact, facts.preferred_agent, facts.enqueued_at + wait_ms, now, directed=False)
        self.rate(contact, queue, now, decisions)
        full = entered and queue.spec.max_length is not None and len(queue.ages) > queue.spec.max_length
        if full or queue.spec.overflow:
            self._overflow.listed(contact, now, full=full)
        self._wait(contact, queue, now)

    def admit_anew(self, contact: Contact, facts: Enqueued, now: int, decisions: list[Decision]) -> None:
        """The contact, which is not offered, waits by other facts, with the serial and the fences it had."""
        moved = contact.queue is None or facts.queue != contact.facts.queue
        entered = (moved and not facts.let_in) or self._overflow.is_told_full(contact)
        self._unlist(contact)
        if facts.queue != contact.facts.queue:
            contact.announced = facts.relaxed_step
        contact.facts, contact.next_facts = facts, None
        self.admit(contact, now, decisions, entered=entered)

    def come_back(self, contact: Contact, queue: Queue, now: int) -> None:
        """The contact, which was offered, waits again, with the score and the age that it had."""
        self._wait(contact, queue, now)
        self._overflow.came_back(contact)

    def offer_over(self, contact: Contact) -> None:
        """The contact's offer ended without an accept."""
        self._overflow.was_offered(contact)

    def forget(self, contact: Contact) -> None:
        """The contact, which is not offered, is routed no more."""
        self._unlist(contact)
        for agent in contact.excluded:
            self._deadlines.cancel((Due.EXCLUDED, contact.id, agent))
        del self.contacts[contact.id]
        contact.entry = NOBODY  # it names the contact itself: without this only the collector would free it

    def rate(self, contact: Contact, queue: Queue, now: int, decisions: list[Decision]) -> None:
        """Score and relaxation step by the queue's settings; not while the contact is in a waiting set."""
        facts, spec = contact.facts, queue.spec
        score = facts.enqueued_at - (facts.priority + spec.priority) * spec.quantum_ms
        contact.entry = (score, facts.enqueued_at, contact.serial, contact)
        contact.step = queue.step_at(now - facts.enqueued_at)
        if contact.step > contact.announced:
            contact.announced = contact.step
            decisions.append(SkillsRelaxed(contact.id, contact.step))
        if contact.step < len(spec.relax):
            self._deadlines.set((Due.RELAX, contact.id, ""), facts.enqueued_at + spec.relax[contact.step].after_ms)
        elif spec.relax:
            self._deadlines.cancel((Due.RELAX, contact.id, ""))

    def house_again(self, contact: Contact, now: int) -> None:
        """Where the contact has to wait may have changed; nothing happens if it does not wait."""
        if contact.home is not None and contact.queue is not None:
            self._leave(contact)
            self._wait(contact, contact.queue, now)

    def relax(self, contact: Contact, now: int, decisions: list[Decision]) -> None:
        """The contact's age reached a relaxation step; if it is offered, that counts when it comes back."""
        assert contact.queue is not None
        waits = contact.home is not None
        self._leave(contact)
        self.rate(contact, contact.queue, now, decisions)
        if waits:
            self._wait(contact, contact.queue, now)

    def bar(self, contact: Contact, agent: str, until: int, now: int) -> None:
        """The contact is not offered to the agent before `until`; that is only ever made later."""
        if until > max(now, contact.excluded.get(agent, 0)):
            contact.excluded[agent] = until
            self._deadlines.set((Due.EXCLUDED, contact.id, agent), until)

    def refuse(self, contact: Contact, agent: str, until: int, now: int) -> None:
        """The agent said no, or nothing: the contact is barred from him and, if it was kept for him, is so no more."""
        self.bar(contact, agent, until, now)
        if contact.kept_for == agent:
            self._keep_no_more(contact)
            self.house_again(contact, now)

    def change_queue(self, spec: QueueSpec, now: int, decisions: list[Decision]) -> None:
        """The queue is made, or its contacts are put where its new settings have them."""
        queue = self._index.queues.get(spec.id)
        self._overflow.queue_is(spec, now)
        if queue is None:
            self._index.set_queue(spec)
            for contact in sorted(self._aside.get(spec.id, ()), key=_age):
                if contact.offer is None:
                    self._unlist(contact)
                    self.admit(contact, now, decisions)
            return
        differ = {name for name in (*PLACE_FIELDS, *RULE_FIELDS) if getattr(queue.spec, name) != getattr(spec, name)}
        self._index.set_queue(spec)
        if differ:
            self._moving[queue] = list(queue.ages)[::-1]
            self.move(queue, now, decisions)

    def move(self, queue: Queue, now: int, decisions: list[Decision]) -> None:
        """Go on putting the contacts of an edited queue where its settings have them.

        Those whose turn has not come wait as they did: in their class of before, by the score of before.
        """
        moving = self._moving[queue]
        for contact in moving[-SLICE:]:
            if contact.queue is queue:
                waits, before = contact.home is not None, self._overflow.settings_of(contact)
                self._leave(contact)
                self.rate(contact, queue, now, decisions)
                if waits:
                    self._wait(contact, queue, now)
                self._overflow.rules_changed(contact, before, now)
        del moving[-SLICE:]
        if moving:
            self._deadlines.set((Due.MOVE, queue.spec.id, ""), now + 1)
        else:
            del self._moving[queue]

    def overflow_due(self, contact: Contact, reason: OverflowReason) -> None:
        """The time has come that an overflow rule names; it is told at the end of the step, if nobody takes it."""
        self._overdue[contact, reason] = None

    def tell_overflow(self, now: int, decisions: list[Decision]) -> None:
        """Which contacts should leave, now that all that could be offered is."""
        if self._index.deserted:
            for waiting_class in self._index.deserted:
                self._overflow.deserted(waiting_class, now)
            self._index.deserted.clear()
            # Without any delay it is due at once; whatever else was due, is done.
            for _, id, reason in self._deadlines.pop_due(now):
                self._overdue[self.contacts[id], OverflowReason(reason)] = None
        if not self._overdue:
            return
        for contact, found in self._overdue:
            told = self._overflow.due(contact, found, now)
            if told is not None:
                decisions.append(told)
        self._overdue.clear()

    def remove_queue(self, id: str, now: int) -> None:
        """The queue is gone; what waited in it is held aside, what is offered from it goes on."""
        queue = self._index.queues.get(id)
        if queue is None:
            return
        for contact in list(queue.ages):
            waits = contact.home is not None
            self._unlist(contact)
            if waits:
                self._set_aside(contact, now)
        self._index.remove_queue(queue)
        if self._moving.pop(queue, None) is not None:
            self._deadlines.cancel((Due.MOVE, id, ""))
        self._overflow.queue_gone(id)

    def _wait(self, contact: Contact, queue: Queue, now: int) -> None:
        self._matching.wait(contact, queue, now)
        if queue.spec.overflow:
            self._overflow.housed(contact, now)

    def _leave(self, contact: Contact) -> None:
        if contact.home is not None:
            self._overflow.leaves_class(contact)
        self._matching.leave(contact)

    def _unlist(self, contact: Contact) -> None:
        """The contact leaves its queue, or the place where it was held aside for want of one."""
        self._matching.leave(contact)
        self._overflow.forget(contact)
        if contact.queue is not None:
            contact.queue.ages.cancel(contact)
            contact.queue = None
        aside = self._aside.get(contact.facts.queue, {})
        if contact in aside:
            del aside[contact]
            if not aside:
                del self._aside[contact.facts.queue]
        self._keep_no_more(contact)
        self._deadlines.cancel((Due.RELAX, contact.id, ""))

    def _set_aside(self, contact: Contact, now: int) -> None:
        """Its queue does not exist: the contact is held until it is moved or the queue is made."""
        self._aside.setdefault(contact.facts.queue, {})[contact] = None
        self._overflow.set_aside(contact, now)

    def _keep(self, contact: Contact, agent: str, until: int, now: int, *, directed: bool) -> None:
        if until > now and agent not in contact.excluded:
            contact.kept_for, contact.kept_until, contact.directed = agent, until, directed
            self._deadlines.set((Due.KEPT, contact.id, ""), until)

    def _keep_no_more(self, contact: Contact) -> None:
        if contact.kept_for is not None:
            contact.kept_for, contact.directed = None, False
            self._deadlines.cancel((Due.KEPT, contact.id, ""))


def _age(contact: Contact) -> tuple[int, int]:
    return contact.facts.enqueued_at, contact.serial


def same_place(one: Enqueued, other: Enqueued) -> bool:
    """Whether two inputs say the same about where and how the contact waits."""
    return _place(one) == _place(other)


def _place(facts: Enqueued) -> Enqueued:
    return replace(facts, last_fence=0, relaxed_step=0, excluded={}, let_in=False)
