"""A sorted list with its head at hand: what waits, in order.

Short sorted chunks under a list of their maxima, as in `sortedcontainers`; written here because the engine reads heads
far more often than it changes anything (`head` is an attribute, not a call), needs five operations, and would else
carry a dependency without types. A heap with lazy deletion would give the head alone, and neither ranks (positions)
nor a walk past an entry that may not be taken. `bisect` on one long list moves 800 KB at 100,000 waiting.
"""

from bisect import bisect_left, insort
from collections.abc import Iterator
from typing import Any, Generic, TypeVar

Entry = TypeVar("Entry", bound=tuple[Any, ...])

LIMIT = 512


class Ordered(Generic[Entry]):
    """Distinct entries (tuples that differ before any part that cannot be compared) in ascending order."""

    __slots__ = ("_chunks", "_maxima", "_size", "head")

    def __init__(self) -> None:
        self._chunks: list[list[Entry]] = []
        self._maxima: list[Entry] = []
        self._size = 0
        self.head: Entry | None = None

    def __len__(self) -> int:
        return self._size

    def __iter__(self) -> Iterator[Entry]:
        for chunk in self._chunks:
            yield from chunk

    def add(self, entry: Entry) -> None:
        """Put `entry` in its place: O(log n)."""
        self._size += 1
        if not self._chunks:
            self._chunks.append([entry])
            self._maxima.append(entry)
            self.head = entry
            return
        at = bisect_left(self._maxima, entry)
        if at == len(self._maxima):
            at -= 1
            chunk = self._chunks[at]
            chunk.append(entry)
            self._maxima[at] = entry
        else:
            chunk = self._chunks[at]
            insort(chunk, entry)
            if at == 0:
                self.head = chunk[0]
        if len(chunk) > LIMIT:
            half = len(chunk) // 2
            self._chunks.insert(at + 1, chunk[half:])
            del chunk[half:]
            self._maxima.insert(at, chunk[-1])

    def remove(self, entry: Entry) -> None:
        """Take `entry` out: O(log n). Raises KeyError when it is not there."""
        at = place = 0
        if entry is self.head:  # what is taken most often
            chunk = self._chunks[0]
        else:
            at = bisect_left(self._maxima, entry)
            chunk = self._chunks[at] if at < len(self._chunks) else []
            place = bisect_left(chunk, entry)
        if place == len(chunk) or chunk[place] != entry:
            raise KeyError(entry)
        self._size -= 1
        del chunk[place]
        if not chunk:
            del self._chunks[at], self._maxima[at]
        else:
            if place == len(chunk):
                self._maxima[at] = chunk[-1]
            if len(chunk) < LIMIT // 4 and at + 1 < len(self._chunks) and len(self._chunks[at + 1]) < LIMIT // 2:
                chunk.extend(self._chunks.pop(at + 1))
                del self._maxima[at]
        if at == 0:
            self.head = self._chunks[0][0] if self._chunks else None

    def rank(self, entry: tuple[Any, ...]) -> int:
        """How many entries come before `entry`, whether it is there or not; the beginning of one will do."""
        at = bisect_left(self._maxima, entry)
        before = sum(map(len, self._chunks[:at]))
        return before + (bisect_left(self._chunks[at], entry) if at < len(self._chunks) else 0)
