"""The time as an argument: the system's clock, and one that is moved by hand."""

from __future__ import annotations

import time

from hub.model import Millis


class SystemClock:
    """The machine's clock, which never runs backwards within one process (a step back is waited out)."""

    def __init__(self) -> None:
        self._last = 0

    def now(self) -> Millis:
        self._last = max(self._last, time.time_ns() // 1_000_000)
        return self._last


class ManualClock:
    """A clock that stands until it is moved; for simulations and tests of what depends on time."""

    def __init__(self, now: Millis = 0) -> None:
        self._now = now

    def now(self) -> Millis:
        return self._now

    def advance(self, ms: Millis) -> None:
        self._now += ms
