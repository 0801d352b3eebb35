"""Rate limits with bounded memory: a window that slides, by key."""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from hub.errors import RateLimited
from hub.model import Millis
from hub.ports import Bus, Clock


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


class SharedLimit:
    """A sliding limit that all nodes count together: who asks at each in turn gains nothing.

    Each node tells the others over the bus what it has let pass. While they cannot hear it, each counts for itself.
    """

    def __init__(self, topic: str, count: int, window_ms: Millis, bus: Bus, clock: Clock) -> None:
        self._topic, self._bus, self._clock = topic, bus, clock
        self._limit = SlidingLimit(count, window_ms)
        bus.subscribe(topic, self._heard)

    async def take(self, key: str) -> None:
        """Counts one. Raises RateLimited with the time until there is room again."""
        self._limit.take(key, self._clock.now())
        if self._bus.shared:
            await self._bus.publish(self._topic, {"node": self._bus.node, "key": key})

    def _heard(self, message: Mapping[str, Any]) -> None:
        if message["node"] != self._bus.node:
            with suppress(RateLimited):  # it has passed already; there is nobody here to refuse it to
                self._limit.take(str(message["key"]), self._clock.now())
