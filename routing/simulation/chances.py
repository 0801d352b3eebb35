"""How long things take: the distributions of handle times, patience, wrap-up and answering."""

from __future__ import annotations

from collections.abc import Callable
from math import log, sqrt
from typing import Protocol

from msgspec import Struct


class Chance(Protocol):
    """A stream of random numbers, as `random.Random` is one."""

    def random(self) -> float: ...

    def expovariate(self, lambd: float) -> float: ...

    def lognormvariate(self, mu: float, sigma: float) -> float: ...


Streams = Callable[[str], Chance]
"""A stream by its name, always the same one for the same name. Each purpose has a stream of its own, so that another
number of agents changes nothing about who comes and how long he takes."""

KINDS = ("exponential", "lognormal", "fixed", "recorded")


class Times(Struct, frozen=True, forbid_unknown_fields=True):
    """One of: an `exponential` mean, a `lognormal` mean with its standard `deviation`, a `fixed` time, or `recorded`
    times of which each is as likely. All in seconds."""

    exponential: float | None = None
    lognormal: float | None = None
    deviation: float | None = None
    fixed: float | None = None
    recorded: tuple[float, ...] | None = None

    def mistake(self) -> tuple[str, str] | None:
        """(path, what was expected) of what the types cannot say, or None."""
        given = [name for name in KINDS if getattr(self, name) is not None]
        if len(given) != 1:
            return "", f"expected one of {', '.join(KINDS)}, got {' and '.join(given) or 'none'}"
        if (self.deviation is not None) != (self.lognormal is not None):
            return ".deviation", "expected together with lognormal, and only there"
        if self.exponential is not None and self.exponential <= 0:
            return ".exponential", f"expected more than 0 seconds, got {self.exponential}"
        if self.lognormal is not None and self.lognormal <= 0:
            return ".lognormal", f"expected more than 0 seconds, got {self.lognormal}"
        if self.deviation is not None and self.deviation <= 0:
            return ".deviation", f"expected more than 0 seconds, got {self.deviation}"
        if self.fixed is not None and self.fixed < 0:
            return ".fixed", f"expected at least 0 seconds, got {self.fixed}"
        if self.recorded is not None and (not self.recorded or min(self.recorded) < 0):
            return ".recorded", "expected a list of times of at least 0 seconds"
        return None


def sampler(times: Times, chance: Chance) -> Callable[[], int]:
    """Draws such times, in ms."""
    if times.exponential is not None:
        rate = 1 / (times.exponential * 1000)
        return lambda: round(chance.expovariate(rate))
    if times.lognormal is not None and times.deviation is not None:
        # The mean m and deviation s of the times themselves, not of their logarithms.
        spread = log(1 + (times.deviation / times.lognormal) ** 2)
        middle, sigma = log(times.lognormal * 1000) - spread / 2, sqrt(spread)
        return lambda: round(chance.lognormvariate(middle, sigma))
    if times.recorded is not None:
        recorded = [round(seconds * 1000) for seconds in times.recorded]
        return lambda: recorded[int(chance.random() * len(recorded))]
    fixed = round((times.fixed or 0) * 1000)
    return lambda: fixed
