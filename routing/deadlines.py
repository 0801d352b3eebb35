"""One heap of everything that becomes due, with lazy deletion.

A subject (any hashable) has at most one due time. Setting it again or cancelling it leaves the old heap entry behind,
which is skipped when it surfaces; when the dead outnumber the living the heap is rebuilt, so memory stays bounded.
"""

from collections.abc import Iterator
from heapq import heapify, heappop, heappush
from typing import Generic, TypeVar

Subject = TypeVar("Subject")


class Deadlines(Generic[Subject]):
    """Due times (ms) by subject; equal times come up in the order they were set."""

    __slots__ = ("_heap", "_live", "_serial")

    def __init__(self) -> None:
        self._heap: list[tuple[int, int, Subject]] = []
        self._live: dict[Subject, tuple[int, int, Subject]] = {}
        self._serial = 0

    def __len__(self) -> int:
        return len(self._live)

    def __iter__(self) -> Iterator[Subject]:
        return iter(self._live)

    def set(self, subject: Subject, due: int) -> None:
        """`subject` becomes due at `due`, and at no other time."""
        self._serial += 1
        entry = (due, self._serial, subject)
        self._live[subject] = entry
        heappush(self._heap, entry)
        if len(self._heap) > 2 * len(self._live) + 64:
            self._bury()

    def _bury(self) -> None:
        self._heap = list(self._live.values())
        heapify(self._heap)

    def cancel(self, subject: Subject) -> None:
        """`subject` does not become due any more; nothing happens if it was not going to."""
        if self._live.pop(subject, None) is not None and len(self._heap) > 2 * len(self._live) + 64:
            self._bury()

    def due(self, subject: Subject) -> int | None:
        """When `subject` becomes due, or None."""
        entry = self._live.get(subject)
        return entry[0] if entry else None

    def next(self) -> int | None:
        """The earliest due time, or None."""
        heap = self._heap
        while heap and self._live.get(heap[0][2]) is not heap[0]:
            heappop(heap)
        return heap[0][0] if heap else None

    def pop_due(self, now: int) -> Iterator[Subject]:
        """Take out, earliest first, what is due at `now`, including what the taker sets to be due by then."""
        while (due := self.next()) is not None and due <= now:
            subject = heappop(self._heap)[2]
            del self._live[subject]
            yield subject
