"""When a contact should leave its queue for another place: it waited too long, nobody can serve it, the queue closed.

Each has one deadline a contact and is looked at again when that is due; nothing scans. A queue that is full is told at
once, on arrival, by the engine.
"""

from routing.deadlines import Deadlines
from routing.inputs import Overflow
from routing.matching import Due, Subject
from routing.specs import OverflowReason
from routing.waiting import Contact, WaitingClass

REPEAT_MS = 30_000
"""After this long without an answer from the log, an overflow is told again."""
OFFERED_MS = 5_000
"""A contact that is offered just then is looked at again after this long."""


class OverflowWatch:
    """The deadlines of contacts that wait or are offered in queues with overflow rules."""

    def __init__(self, deadlines: Deadlines[Subject]) -> None:
        self._deadlines = deadlines

    def watch(self, contact: Contact, now: int) -> None:
        """The contact entered its queue, or the queue has other rules from now on."""
        self.forget(contact)
        queue, facts = contact.queue, contact.facts
        if queue is None:
            return
        for reason, delay in queue.spec.overflow.items():
            since = now
            if reason is OverflowReason.WAIT:
                since = facts.enqueued_at if facts.entered_at is None else facts.entered_at
            elif reason is OverflowReason.CLOSED and not queue.spec.closed:
                continue
            self._set(contact, reason, since + delay)

    def forget(self, contact: Contact) -> None:
        """The contact leaves its queue."""
        for reason in OverflowReason:
            self._deadlines.cancel((Due.OVERFLOW, contact.id, reason))

    def deserted(self, waiting_class: WaitingClass, now: int) -> None:
        """The last agent who was available for the class is not any more."""
        delay = waiting_class.queue.spec.overflow.get(OverflowReason.UNSTAFFED)
        if delay is not None:
            for entry in waiting_class.waiting:
                self._set(entry[3], OverflowReason.UNSTAFFED, now + delay)

    def due(self, contact: Contact, reason: OverflowReason, now: int) -> Overflow | None:
        """What is to be told now of a contact whose time has come."""
        queue = contact.queue
        if queue is None or reason not in queue.spec.overflow:
            return None
        if contact.offer is not None:
            self._set(contact, reason, now + OFFERED_MS)
            return None
        waiting_class = contact.waiting_class
        if reason is OverflowReason.UNSTAFFED and (waiting_class is None or waiting_class.servers):
            return None
        self._set(contact, reason, now + REPEAT_MS)
        return Overflow(contact.id, queue.spec.id, reason)

    def _set(self, contact: Contact, reason: OverflowReason, at: int) -> None:
        self._deadlines.set((Due.OVERFLOW, contact.id, reason), at)
