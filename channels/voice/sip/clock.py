"""Time as it is told: what is due at which second, without reading any clock.

Every deadline of the user agent stands here, so that it can be asked for the next one, and so that a test runs hours
in milliseconds.
"""

from __future__ import annotations

from collections.abc import Callable
from heapq import heapify, heappop, heappush

Action = Callable[[], None]


class Timer:
    """One action that is due at `when` (seconds); without an action it was cancelled or has run."""

    __slots__ = ("action", "when")

    def __init__(self, when: float, action: Action) -> None:
        self.when = when
        self.action: Action | None = action


class Clock:
    """`now` never runs backwards. Timers that are due at the same time run in the order in which they were set."""

    def __init__(self) -> None:
        self.now = 0.0
        self._heap: list[tuple[float, int, Timer]] = []
        self._set = 0
        self._live = 0

    def __len__(self) -> int:
        """How many timers are set."""
        return self._live

    def after(self, seconds: float, action: Action) -> Timer:
        timer = Timer(self.now + max(seconds, 0.0), action)
        self._set += 1
        self._live += 1
        heappush(self._heap, (timer.when, self._set, timer))
        return timer

    def cancel(self, timer: Timer | None) -> None:
        if timer is None or timer.action is None:
            return
        timer.action = None
        self._live -= 1
        # Most timers are cancelled long before they are due; without this the heap would hold them all.
        if len(self._heap) > 64 and len(self._heap) > 2 * self._live:
            self._heap = [entry for entry in self._heap if entry[2].action is not None]
            heapify(self._heap)

    def next_deadline(self) -> float | None:
        while self._heap and self._heap[0][2].action is None:
            heappop(self._heap)
        return self._heap[0][0] if self._heap else None

    def tell(self, now: float) -> None:
        """It is `now`; what has become due does not run yet."""
        self.now = max(self.now, now)

    def run(self) -> None:
        """Run what is due, also what that sets for at once."""
        while self._heap and self._heap[0][0] <= self.now:
            timer = heappop(self._heap)[2]
            if timer.action is not None:
                action, timer.action = timer.action, None
                self._live -= 1
                action()
