"""How long a contact will probably wait, and the measured figures that this is computed from."""

from dataclasses import dataclass
from math import log

PRIOR_WEIGHT = 10
"""The expected handle time counts as much as this many measured contacts."""
MEMORY = 200
"""Older contacts fade: the measured mean never rests on more than this many."""
FEWEST_ABANDONED = 10
"""Patience is unknown until this many gave up."""

TERMS = 100
"""How many terms of the sum are added one by one."""


def estimate_wait(ahead: int, servers: int, mean_handle_s: float, mean_patience_s: float | None) -> float | None:
    """Expected wait, in seconds, of a contact with `ahead` contacts before it.

    `servers` counts staffed eligible agents (not idle ones); None when there is none. With patience the
    waiting ahead thin out: sum over i = 0..ahead of 1 / (servers/handle + i/patience).
    Source: Whitt, "Improving service by informing customers about anticipated delays", Management Science 45 (1999).
    """
    if servers < 1:
        return None
    rate = servers / mean_handle_s
    if mean_patience_s is None:
        return (ahead + 1) / rate
    thinning = 1 / mean_patience_s
    one_by_one = min(ahead, TERMS)
    wait = sum(1 / (rate + i * thinning) for i in range(one_by_one + 1))
    if ahead > one_by_one:
        # Euler-Maclaurin for the rest: a long queue costs no more than a short one.
        first, last = rate + one_by_one * thinning, rate + ahead * thinning
        wait += log(last / first) / thinning + (1 / last - 1 / first) / 2
        wait += (1 / first**2 - 1 / last**2) * thinning / 12
    return wait


@dataclass(slots=True)
class Figures:
    """What was measured of one channel in one queue: handle times, and waits with how many of them were given up."""

    handled: float = 0.0
    handle_ms: float = 0.0
    abandoned: float = 0.0
    waited_ms: float = 0.0

    def add_handled(self, took_ms: int) -> None:
        """A contact was served for `took_ms`, wrap-up included."""
        if self.handled >= MEMORY:
            self.handle_ms *= (MEMORY - 1) / self.handled
            self.handled = MEMORY - 1
        self.handled += 1
        self.handle_ms += max(took_ms, 0)

    def add_waited(self, wait_ms: int, abandoned: bool) -> None:
        """A contact waited for `wait_ms` and was then answered, or gave up."""
        if self.abandoned >= MEMORY and abandoned:
            self.waited_ms *= (MEMORY - 1) / self.abandoned
            self.abandoned = MEMORY - 1
        self.abandoned += abandoned
        self.waited_ms += max(wait_ms, 0)

    def mean_handle_s(self, prior_ms: int) -> float:
        """The mean handle time in seconds, `prior_ms` counting as `PRIOR_WEIGHT` measured contacts."""
        return max((PRIOR_WEIGHT * prior_ms + self.handle_ms) / (PRIOR_WEIGHT + self.handled), 1.0) / 1000

    def mean_patience_s(self) -> float | None:
        """The mean time in seconds after which a caller gives up, or None when too few did.

        All waiting time over the number who gave up: those who were answered were patient at least as long.
        """
        if self.abandoned < FEWEST_ABANDONED or self.waited_ms == 0:
            return None
        return self.waited_ms / self.abandoned / 1000
