"""Rate limits with bounded memory: a window that slides, by key."""

from __future__ import annotations

from collections import OrderedDict, deque
from contextlib import suppress

from hub.errors import RateLimited
from hub.model import Millis


class SlidingLimit:
    """At most `count` within any `window_ms`, by key; the keys used longest ago are forgotten beyond `keys`."""

    def __init__(self, count: int, window_ms: Millis, keys: int = 50_000) -> None:
        self.count = count
        self.window_ms = window_ms
        self._keys = keys
        self._times: OrderedDict[str, deque[Millis]] = OrderedDict()

    def take(self, key: str, now: Millis) -> None:
        """Counts one. Raises RateLimited with the time until there is room again."""
        times = self._times.setdefault(key, deque())
        self._times.move_to_end(key)
        while times and times[0] <= now - self.window_ms:
            times.popleft()
        if len(times) >= self.count:
            raise RateLimited(times[0] + self.window_ms - now)
        times.append(now)
        while len(self._times) > self._keys:
            self._times.popitem(last=False)

    def count_elsewhere(self, key: str, now: Millis) -> None:
        """Counts one that another node let pass; there is nobody here to refuse it to."""
        with suppress(RateLimited):
            self.take(key, now)
