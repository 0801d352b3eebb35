"""When a contact should leave its queue for another place, told until it has.

It waited too long, nobody available can serve it, the queue closed, it came to a full queue, or the queue does not
exist. Each has one deadline a contact and is looked at again when that is due; nothing scans. A contact that is offered
is not told of; what became true meanwhile is told when it comes back.
"""

from routing.agents import Agent
from routing.deadlines import Deadlines
from routing.inputs import Overflow
from routing.matching import Due, Subject
from routing.specs import AgentState, OverflowReason, QueueSpec
from routing.waiting import Contact, WaitingClass

REPEAT_MS = 30_000
"""After this long without an answer from the log, an overflow is told again."""


class OverflowWatch:
    """The deadlines of contacts that wait or are offered, where an overflow may become due."""

    def __init__(self, deadlines: Deadlines[Subject]) -> None:
        self._deadlines = deadlines
        self._closed: dict[str, int] = {}
        """Since when (ms) each closed queue is closed."""
        self._watched: dict[Contact, QueueSpec | None] = {}
        """Those that may have deadlines here, and by which settings of their queue; None without a queue."""
        self._unserved: dict[Contact, int] = {}
        """Since when (ms) nobody available can serve a contact, in queues with a rule for that. It may be out of date
        while somebody can: it is dropped when the contact is looked at, and set anew when the last one leaves."""

    # --- queues ---------------------------------------------------------------------------------------------------

    def queue_is(self, spec: QueueSpec, now: int) -> None:
        """The queue is open or closed from now on, as before or not."""
        if spec.closed:
            self._closed.setdefault(spec.id, now)
        else:
            self._closed.pop(spec.id, None)

    def queue_gone(self, id: str) -> None:
        self._closed.pop(id, None)

    # --- contacts -------------------------------------------------------------------------------------------------

    def settings_of(self, contact: Contact) -> QueueSpec | None:
        """By which settings the contact is watched; None when it is not."""
        return self._watched.get(contact)

    def rules_changed(self, contact: Contact, before: QueueSpec | None, now: int) -> None:
        """The contact's queue was edited, and it stands where the new settings have it.

        A rule that stays as it was leaves its deadline alone: what was told is not told again for an edit.
        """
        assert contact.queue is not None
        spec = contact.queue.spec
        changed = [reason for reason in OverflowReason if _rule(before, reason) != _rule(spec, reason)]
        for reason in changed:
            self._cancel(contact, reason)
            if reason is OverflowReason.UNSTAFFED:
                self._resume_unserved(contact, now)
            else:
                self._begin(contact, reason)
        if changed:
            self._watched[contact] = spec

    def listed(self, contact: Contact, now: int, *, full: bool) -> None:
        """The contact stands in its queue from now on; `full` when it came there and found no place."""
        queue = contact.queue
        assert queue is not None
        if full:
            self._set(contact, OverflowReason.QUEUE_FULL, now)
        if queue.spec.overflow:
            self._begin(contact, OverflowReason.WAIT)
            self._begin(contact, OverflowReason.CLOSED)

    def is_told_full(self, contact: Contact) -> bool:
        """Whether it found its queue full and waits for the log to say where it goes."""
        return self._deadlines.due((Due.OVERFLOW, contact.id, OverflowReason.QUEUE_FULL)) is not None

    def set_aside(self, contact: Contact, now: int) -> None:
        """The contact's queue does not exist."""
        self._set(contact, OverflowReason.NO_QUEUE, now)

    def leaves_class(self, contact: Contact) -> None:
        """The contact is about to leave the class in which it waits."""
        if contact in self._unserved and _served(contact):
            self._served_again(contact)

    def housed(self, contact: Contact, now: int) -> None:
        """The contact waits in another class, or with another agent, than before."""
        delay = None if contact.queue is None else contact.queue.spec.overflow.get(OverflowReason.UNSTAFFED)
        if delay is None:
            return
        if _served(contact):
            self._served_again(contact)
        elif contact not in self._unserved:
            self._unserved[contact] = now
            self._set(contact, OverflowReason.UNSTAFFED, now + delay)

    def was_offered(self, contact: Contact) -> None:
        """An offer of the contact is over: somebody could serve it until now, and it has its place in the queue."""
        if contact in self._watched:
            self._cancel(contact, OverflowReason.QUEUE_FULL)
            self._served_again(contact)

    def came_back(self, contact: Contact) -> None:
        """The contact waits again after an offer; what became due meanwhile is due now."""
        if contact in self._watched:
            for reason in (OverflowReason.WAIT, OverflowReason.CLOSED):
                if self._deadlines.due((Due.OVERFLOW, contact.id, reason)) is None:
                    self._begin(contact, reason)

    def forget(self, contact: Contact) -> None:
        """The contact leaves its queue, or the place where it was held aside."""
        if contact in self._watched:
            for reason in OverflowReason:
                self._cancel(contact, reason)
            del self._watched[contact]
            self._unserved.pop(contact, None)

    def deserted(self, waiting_class: WaitingClass, now: int) -> None:
        """The last agent who was available for the class may not be any more."""
        delay = waiting_class.queue.spec.overflow.get(OverflowReason.UNSTAFFED)
        if delay is None or waiting_class.servers:
            return
        kept = [host.kept[waiting_class] for host in waiting_class.hosts]
        for contact in [entry[3] for waiting in (waiting_class.waiting, *kept) for entry in waiting]:
            if not _served(contact):
                self._unserved[contact] = now
                self._set(contact, OverflowReason.UNSTAFFED, now + delay)

    def due(self, contact: Contact, reason: OverflowReason, now: int) -> Overflow | None:
        """What is to be told now of a contact whose time has come; it is told again until it is not true any more."""
        if contact.offer is not None or not self._true(contact, reason, now):
            return None
        self._set(contact, reason, now + REPEAT_MS)
        return Overflow(contact.id, contact.facts.queue, reason)

    def _true(self, contact: Contact, reason: OverflowReason, now: int) -> bool:
        queue = contact.queue
        if queue is None or reason is OverflowReason.NO_QUEUE:
            return queue is None and reason is OverflowReason.NO_QUEUE
        if reason is OverflowReason.QUEUE_FULL:
            return queue.spec.max_length is not None and len(queue.ages) > queue.spec.max_length
        delay = queue.spec.overflow.get(reason)
        if delay is None or (reason is OverflowReason.CLOSED and not queue.spec.closed):
            return False
        if reason is OverflowReason.UNSTAFFED:
            if _served(contact):
                self._unserved.pop(contact, None)
                return False
            # The last agent may have left in this very step; then its deadline is another by now.
            return self._unserved[contact] + delay <= now
        return True

    # --- deadlines ------------------------------------------------------------------------------------------------

    def _begin(self, contact: Contact, reason: OverflowReason) -> None:
        """WAIT counts from the entry into the queue; CLOSED too, or from when the queue closed, if that was later."""
        queue, facts = contact.queue, contact.facts
        assert queue is not None
        delay, spec = queue.spec.overflow.get(reason), queue.spec
        since = facts.enqueued_at if facts.entered_at is None else facts.entered_at
        if delay is None or reason not in (OverflowReason.WAIT, OverflowReason.CLOSED):
            return
        if reason is OverflowReason.CLOSED:
            if not spec.closed:
                return
            since = max(since, self._closed[spec.id])
        self._set(contact, reason, since + delay)

    def _resume_unserved(self, contact: Contact, now: int) -> None:
        """The rule for contacts that nobody can serve is new, or another; or there is none any more."""
        queue = contact.queue
        assert queue is not None
        delay = queue.spec.overflow.get(OverflowReason.UNSTAFFED)
        if delay is None or contact.waiting_class is None or _served(contact):
            self._unserved.pop(contact, None)
        else:
            self._set(contact, OverflowReason.UNSTAFFED, self._unserved.setdefault(contact, now) + delay)

    def _served_again(self, contact: Contact) -> None:
        if self._unserved.pop(contact, None) is not None:
            self._cancel(contact, OverflowReason.UNSTAFFED)

    def _set(self, contact: Contact, reason: OverflowReason, at: int) -> None:
        self._watched.setdefault(contact, None if contact.queue is None else contact.queue.spec)
        self._deadlines.set((Due.OVERFLOW, contact.id, reason), at)

    def _cancel(self, contact: Contact, reason: OverflowReason) -> None:
        self._deadlines.cancel((Due.OVERFLOW, contact.id, reason))


def _rule(spec: QueueSpec | None, reason: OverflowReason) -> tuple[int, bool] | None:
    """All that the deadline of a rule depends on; None without the rule. That its queue was full stays told, whatever
    the maximum is now."""
    delay = None if spec is None else spec.overflow.get(reason)
    return None if spec is None or delay is None else (delay, reason is OverflowReason.CLOSED and spec.closed)


def _served(contact: Contact) -> bool:
    """Whether somebody available can serve the contact, busy or not."""
    waiting_class, host = contact.waiting_class, contact.host
    assert waiting_class is not None
    if waiting_class.servers:
        return True
    # Skills are not asked for in a transfer to one agent.
    return contact.directed and host is not None and _serves(host.agent, waiting_class)


def _serves(agent: Agent, waiting_class: WaitingClass) -> bool:
    return agent.state is AgentState.AVAILABLE and not agent.removed and agent.slots(*waiting_class.weight) > 0
