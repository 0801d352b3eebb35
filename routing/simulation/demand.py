"""Who comes, when, and what he brings: Poisson arrivals by interval, or what a day's log recorded."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from heapq import merge

from routing.simulation.chances import Chance, Streams, Times, sampler

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS
NOTHING = Times(fixed=0)


@dataclass(frozen=True, slots=True)
class Leg:
    """One stay with an agent: the queue that leads to it, and how long the agent takes to answer, serve, wrap up."""

    queue: str
    handle_ms: int
    wrap_up_ms: int = 0
    answer_ms: int = 0
    requirements: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Arrival:
    """A contact. More than one leg: it is transferred. `patience_ms` None: never gives up."""

    at: int
    channel: str
    legs: tuple[Leg, ...]
    patience_ms: int | None = None
    priority: int = 0
    preferred: str | None = None


@dataclass(frozen=True, slots=True)
class Source:
    """A stream of contacts of one kind. `per_hour` holds the rates of equal parts of a day, one for all day."""

    queue: str
    channel: str
    per_hour: tuple[float, ...]
    handle: Times
    wrap_up: Times = NOTHING
    answer: Times = NOTHING
    patience: Times | None = None
    requirements: Mapping[str, int] = field(default_factory=dict)
    priority: int = 0


def poisson(per_hour: Sequence[float], start: int, end: int, chance: Chance) -> Iterator[int]:
    """Times (ms) from `start` to before `end` of a Poisson process whose rate follows the day, which begins at 0.

    The process has no memory, so it may begin anew at each interval.
    """
    part = DAY_MS // len(per_hour) if len(per_hour) > 1 else end - start
    number, at = 0 if len(per_hour) == 1 else start // part, start
    while at < end:
        rate = per_hour[number % len(per_hour)] / HOUR_MS
        until = end if len(per_hour) == 1 else min((number + 1) * part, end)
        if rate > 0:
            exact = at + chance.expovariate(rate)
            while exact < until:
                yield int(exact)
                exact += chance.expovariate(rate)
        number, at = number + 1, until


def arrivals(sources: Sequence[Source], start: int, end: int, streams: Streams) -> Iterator[Arrival]:
    """All that come from `start` to before `end` (ms), in order of time."""
    each = [_of(source, f"{number}", start, end, streams) for number, source in enumerate(sources)]
    return merge(*each, key=lambda arrival: arrival.at)


def _of(source: Source, name: str, start: int, end: int, streams: Streams) -> Iterator[Arrival]:
    handle = sampler(source.handle, streams(f"handle {name}"))
    wrap_up = sampler(source.wrap_up, streams(f"wrap-up {name}"))
    answer = sampler(source.answer, streams(f"answer {name}"))
    patience = sampler(source.patience, streams(f"patience {name}")) if source.patience else None
    for at in poisson(source.per_hour, start, end, streams(f"arrivals {name}")):
        leg = Leg(source.queue, handle(), wrap_up(), answer(), source.requirements)
        yield Arrival(at, source.channel, (leg,), patience() if patience else None, source.priority)
