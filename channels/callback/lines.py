"""Who is on the line with us, by telephone number or page: a customer who calls is not called at the same time."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from hub.callbacks.model import page_of
from hub.events import Recorded
from hub.living import Living
from hub.machine import OPEN, TRANSITIONS
from hub.model import Channel, Contact


def number_of(contact: Contact) -> str:
    """The customer's number in a call of any direction, or what stands for his page (`Callback.callee`); "" for what is
    no call, or of somebody who is not known."""
    if contact.channel is not Channel.VOICE:
        return ""
    number = contact.fields.get("called" if contact.fields.get("direction") == "outbound" else "caller", "")
    return number or page_of(contact.visitor)


class Lines:
    """The living calls of each number. Whoever feeds it follows the log behind `living`."""

    def __init__(self, living: Living) -> None:
        self._living = living
        self._numbers: dict[str, str] = {}  # contact -> number
        self._contacts: defaultdict[str, set[str]] = defaultdict(set)

    def load(self) -> None:
        for row in self._living:
            self._put(row.contact.id)

    def follow(self, batch: Iterable[Recorded]) -> list[str]:
        """The numbers whose calls began, went on to another phase, or ended."""
        moved: dict[str, None] = {}
        for recorded in batch:
            if type(recorded.event) in TRANSITIONS:
                before = self._numbers.get(recorded.stream, "")
                moved |= dict.fromkeys((before, self._put(recorded.stream)))
        moved.pop("", None)
        return list(moved)

    def of(self, number: str) -> list[Contact]:
        """Calls that wait or are served."""
        rows = [self._living.get(id) for id in self._contacts.get(number, ())]
        return [row.contact for row in rows if row is not None and row.contact.phase in OPEN]

    def _put(self, id: str) -> str:
        row = self._living.get(id)
        number = "" if row is None else number_of(row.contact)
        before = self._numbers.get(id, "")
        if number != before:
            if before:
                self._contacts[before].discard(id)
                if not self._contacts[before]:
                    del self._contacts[before]
            if number:
                self._numbers[id] = number
                self._contacts[number].add(id)
            else:
                self._numbers.pop(id, None)
        return number
