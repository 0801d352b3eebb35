"""Slows down whoever guesses: attempts by key (an address, a user name), each failure dearer than the one before."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass

from hub.model import Millis


@dataclass
class _Record:
    count: int
    last: Millis
    blocked_until: Millis


class Attempts:
    """Counts attempts that did not succeed, by key.

    The first `free` cost nothing; each further one blocks the key for twice as long as the one before, from `base_ms`
    up to `limit_ms`. A key that was quiet for `forget_ms` starts anew. An attempt counts when it begins, so that many
    at once gain nothing; one that succeeds is given back. Memory is bounded: the keys that were quiet longest are
    forgotten.
    """

    def __init__(
        self,
        *,
        free: int,
        base_ms: Millis = 1000,
        limit_ms: Millis = 15 * 60_000,
        forget_ms: Millis = 60 * 60_000,
        most_keys: int = 50_000,
    ) -> None:
        self._free, self._base, self._limit, self._forget = free, base_ms, limit_ms, forget_ms
        self._most_keys = most_keys
        self._records: OrderedDict[str, _Record] = OrderedDict()

    def wait(self, key: str, now: Millis) -> Millis:
        """For how long the key may not try again; 0 when it may."""
        record = self._records.get(key)
        return 0 if record is None else max(0, record.blocked_until - now)

    def begin(self, key: str, now: Millis) -> None:
        record = self._records.get(key)
        if record is None or now - record.last > self._forget:
            record = self._records[key] = _Record(0, now, 0)
        self._records.move_to_end(key)
        record.count += 1
        record.last = now
        over = record.count - self._free
        if over > 0:
            record.blocked_until = now + min(self._limit, self._base * 2 ** min(over - 1, 32))
        while len(self._records) > self._most_keys:
            self._records.popitem(last=False)

    def give_back(self, key: str) -> None:
        """The attempt was a good one: as if it had not been made."""
        if record := self._records.get(key):
            record.count -= 1
            record.blocked_until = 0
            if record.count <= 0:
                del self._records[key]

    def clear(self, key: str) -> None:
        self._records.pop(key, None)
